"""The FastAPI shop that Latchkey is measured against: login, users, products, carts, orders.

    python app.py init                      create the tables, dropping those there are
    python app.py seed USERS PRODUCTS       users and products; everybody's password is "password-0"
    python app.py carts N LINES             empty all carts; users 1..N get LINES lines each
    python app.py orders N COUNT LINES      drop all orders; users 1..N get COUNT of LINES lines each
    python app.py tokens N FILE             bearer tokens of users 1..N, one a line
    ./start.sh [PORT]                       serve

The schema stands in tables.py. Reads are one statement without a transaction; no connection is held
while a password is hashed.
"""

import asyncio
import sys
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated, AsyncIterator

from fastapi import Depends, FastAPI, HTTPException, Query, Response
from fastapi.security import OAuth2PasswordRequestForm
from sqlalchemy import ARRAY, BigInteger, column, delete, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

import access
import fill
from access import Me
from messages import (
    CartOut, CategoryIn, CategoryOut, ItemIn, ItemRef, OrderIn, OrderOut, ProductIn, ProductOut,
    Register, Token, UserOut,
)
from tables import (
    CartItem, Category, Order, OrderLine, Outbox, Product, User, engine, read_session, write_session,
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    access.start()
    yield
    await engine.dispose()


async def reader() -> AsyncIterator[AsyncSession]:
    async with read_session() as session:
        yield session


async def writer() -> AsyncIterator[AsyncSession]:
    async with write_session() as session:
        yield session


app = FastAPI(title="peer shop", lifespan=lifespan)
Reader = Annotated[AsyncSession, Depends(reader)]
Writer = Annotated[AsyncSession, Depends(writer)]
Limit = Annotated[int, Query(ge=1, le=200)]


@app.get("/health")
async def health() -> dict:
    return {"status": "ok"}


@app.post("/user/", status_code=201, response_model=UserOut)
async def register(body: Register):
    digest = await access.hash_password(body.password)
    user = User(name=body.name, email=body.email.lower(), password=digest)
    async with write_session() as db:
        return await add(db, user, HTTPException(409, "email is taken"))


@app.post("/login", response_model=Token)
async def login(form: Annotated[OAuth2PasswordRequestForm, Depends()]):
    # The connection is back in the pool before the slow hash.
    async with read_session() as db:
        user = (await db.execute(select(User.id, User.password)
                                 .where(User.email == form.username.lower()))).first()
    if not await access.check_password(user and user.password, form.password):
        raise HTTPException(401, "wrong email or password", headers={"WWW-Authenticate": "Bearer"})
    return Token(access_token=access.issue(user.id), expires_in=access.TOKEN_SECONDS)


@app.get("/user/me", response_model=UserOut)
async def me(user: Me, db: Reader):
    row = (await db.execute(select(User.id, User.name, User.email).where(User.id == user))).first()
    if row is None:
        raise HTTPException(404, "no such user")
    return row


@app.post("/products/category", status_code=201, response_model=CategoryOut)
async def add_category(body: CategoryIn, _: Me, db: Writer):
    return await add(db, Category(name=body.name), HTTPException(409, "category exists"))


@app.get("/products/category", response_model=list[CategoryOut])
async def categories(db: Reader):
    return (await db.execute(select(Category.id, Category.name).order_by(Category.id))).all()


@app.post("/products/", status_code=201)
async def add_product(body: ProductIn, _: Me, db: Writer) -> int:
    product = await add(db, Product(**body.model_dump()), HTTPException(404, "no such category"))
    return product.id


@app.get("/products/", response_model=list[ProductOut])
async def products(db: Reader, after: int = 0, limit: Limit = 20):
    columns = [*Product.__table__.c, Category.name.label("category")]
    return (await db.execute(select(*columns).join(Category, Category.id == Product.category_id)
                             .where(Product.id > after).order_by(Product.id).limit(limit))).all()


@app.get("/cart", response_model=CartOut)
async def cart(user: Me, db: Reader):
    rows = (await db.execute(
        select(CartItem.id, CartItem.product_id, Product.name, Product.price, CartItem.quantity)
        .join(Product, Product.id == CartItem.product_id)
        .where(CartItem.user_id == user).order_by(CartItem.id))).all()
    return {"items": rows, "total": sum((row.price * row.quantity for row in rows), Decimal(0))}


@app.post("/cart/items", status_code=201, response_model=ItemRef)
async def add_item(body: ItemIn, user: Me, db: Writer):
    is_wanted = Product.id == body.product_id
    found = select(literal(user), Product.id, literal(body.quantity)).where(is_wanted)
    wanted = insert_or_update(CartItem).from_select(["user_id", "product_id", "quantity"], found)
    stock = select(Product.stock).where(is_wanted).scalar_subquery()
    item = (await db.execute(wanted.on_conflict_do_update(
        index_elements=["user_id", "product_id"],
        set_={"quantity": CartItem.quantity + wanted.excluded.quantity},
    ).returning(CartItem.id, CartItem.product_id, CartItem.quantity, stock.label("stock")))).first()
    if item is None:
        raise HTTPException(404, "no such product")
    if item.quantity > item.stock:
        raise HTTPException(409, "not enough stock")
    await db.commit()
    return item


@app.delete("/cart/items/{item_id}", status_code=204)
async def remove_item(item_id: int, user: Me, db: Writer):
    removed = await db.execute(
        delete(CartItem).where(CartItem.id == item_id, CartItem.user_id == user)
        .execution_options(synchronize_session=False))
    if removed.rowcount == 0:
        raise HTTPException(404, "no such item")
    await db.commit()
    return Response(status_code=204)


@app.post("/orders", status_code=201, response_model=OrderOut)
async def checkout(body: OrderIn, user: Me, db: Writer):
    # Locked in the order of their ids, so that two checkouts cannot wait for each other.
    mine = select(CartItem.product_id).where(CartItem.user_id == user)
    locked = (select(Product.id, Product.name, Product.price, Product.stock)
              .where(Product.id.in_(mine)).order_by(Product.id).with_for_update(key_share=True)
              .cte("locked"))
    taken = (delete(CartItem).where(CartItem.user_id == user)
             .returning(CartItem.product_id, CartItem.quantity).cte("taken"))
    rows = (await db.execute(
        select(locked, taken.c.quantity).join(taken, taken.c.product_id == locked.c.id)
        .order_by(locked.c.id))).all()
    if not rows:
        raise HTTPException(409, "cart is empty")
    if any(row.quantity > row.stock for row in rows):
        raise HTTPException(409, "not enough stock")
    columns = ([row.id for row in rows], [row.quantity for row in rows])
    sold = func.unnest(*(literal(values, ARRAY(BigInteger)) for values in columns)).table_valued(
        column("id", BigInteger), column("quantity", BigInteger), name="sold").render_derived()
    await db.execute(
        update(Product).where(Product.id == sold.c.id)
        .values(stock=Product.stock - sold.c.quantity)
        .execution_options(synchronize_session=False))
    amount = sum((row.price * row.quantity for row in rows), Decimal(0))
    order = (await db.execute(
        insert(Order).values(user_id=user, amount=amount, shipping_address=body.shipping_address)
        .returning(Order.id, Order.status, Order.created))).one()
    lines = [{"position": position, "product_id": row.id, "name": row.name, "price": row.price,
              "quantity": row.quantity} for position, row in enumerate(rows, start=1)]
    await db.execute(insert(OrderLine), [{"order_id": order.id, **line} for line in lines])
    await db.execute(insert(Outbox).values(
        kind="order.placed",
        payload={"order_id": order.id, "user_id": user, "amount": str(amount)}))
    await db.commit()
    return {"id": order.id, "status": order.status, "amount": amount, "created": order.created,
            "shipping_address": body.shipping_address, "lines": lines}


@app.get("/orders", response_model=list[OrderOut])
async def orders(user: Me, db: Reader, before: int = 2**62, limit: Limit = 20):
    found = await db.scalars(
        select(Order).where(Order.user_id == user, Order.id < before)
        .order_by(Order.id.desc()).limit(limit).options(selectinload(Order.lines)))
    return found.all()


async def add(db: AsyncSession, row, refused: HTTPException):
    db.add(row)
    try:
        await db.commit()
    except IntegrityError:
        raise refused from None
    return row


def main(command: str = "", *values: str) -> None:
    if command in ("init", "seed", "carts", "orders"):
        asyncio.run(getattr(fill, command)(*map(int, values)))
    elif command == "tokens":
        count, file = values
        with open(file, "w") as out:
            out.writelines(access.issue(user) + "\n" for user in range(1, int(count) + 1))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
