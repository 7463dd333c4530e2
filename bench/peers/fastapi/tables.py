"""The engine and the tables.

    users(id, name, email, password, created)
    categories(id, name)
    products(id, name, description, price, stock, category_id)      stock >= 0, checked
    cart_items(id, user_id, product_id, quantity)                   one line per user and product
    orders(id, user_id, status, amount, shipping_address, created)
    order_lines(order_id, position, product_id, name, price, quantity)
    outbox(id, kind, payload, created)

Every id is a bigint that PostgreSQL counts up from 1. A cart reserves nothing: stock leaves a
product in the transaction that places the order, and nothing else has to agree with it, so any
of these tables may be filled or emptied with plain SQL between two measurements.
"""

import os
from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger, CheckConstraint, ForeignKey, Index, Integer, Numeric, String, UniqueConstraint, func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

DATABASE_URL = os.environ.get("DATABASE_URL", "postgresql+asyncpg://shop@127.0.0.1:5432/shop")
# Per worker; as many as there may be requests at once, so that none has to wait for another's.
POOL_SIZE = int(os.environ.get("POOL_SIZE", "32"))

engine = create_async_engine(DATABASE_URL, pool_size=POOL_SIZE, max_overflow=0, pool_timeout=30)
write_session = async_sessionmaker(engine, expire_on_commit=False)
# What only reads pays for no BEGIN and no ROLLBACK.
read_session = async_sessionmaker(
    engine.execution_options(isolation_level="AUTOCOMMIT"), expire_on_commit=False
)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    email: Mapped[str] = mapped_column(String(255), unique=True)
    password: Mapped[str] = mapped_column(String(255))
    created: Mapped[datetime] = mapped_column(server_default=func.now())


class Category(Base):
    __tablename__ = "categories"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(String(50), unique=True)


class Product(Base):
    __tablename__ = "products"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(String(10_000), server_default="")
    price: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    stock: Mapped[int]
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id"), index=True)
    __table_args__ = (CheckConstraint("stock >= 0"),)


class CartItem(Base):
    __tablename__ = "cart_items"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    quantity: Mapped[int]
    __table_args__ = (UniqueConstraint("user_id", "product_id"),)


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    status: Mapped[str] = mapped_column(String(20), server_default="PROCESSING")
    amount: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    shipping_address: Mapped[str] = mapped_column(String(1000))
    created: Mapped[datetime] = mapped_column(server_default=func.now())
    lines: Mapped[list["OrderLine"]] = relationship(lazy="raise", order_by="OrderLine.position")
    __table_args__ = (Index("orders_by_user", "user_id", "id"),)


class OrderLine(Base):
    """Name and price are those of the moment of the order."""

    __tablename__ = "order_lines"
    order_id: Mapped[int] = mapped_column(
        ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    name: Mapped[str] = mapped_column(String(200))
    price: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    quantity: Mapped[int]


class Outbox(Base):
    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    payload: Mapped[dict] = mapped_column(JSONB)
    created: Mapped[datetime] = mapped_column(server_default=func.now())
