"""What the routes take and give."""

from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, EmailStr, Field


class Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Register(BaseModel):
    name: str = Field(min_length=2, max_length=50)
    email: EmailStr
    password: str = Field(min_length=8, max_length=128)


class UserOut(Out):
    id: int
    name: str
    email: str


class Token(BaseModel):
    access_token: str
    token_type: str = "bearer"
    expires_in: int


class CategoryIn(BaseModel):
    name: str = Field(min_length=2, max_length=50)


class CategoryOut(Out):
    id: int
    name: str


class ProductIn(BaseModel):
    name: str = Field(min_length=1, max_length=200)
    description: str = Field("", max_length=10_000)
    price: Decimal = Field(ge=0, max_digits=12, decimal_places=2)
    stock: int = Field(ge=0, le=1_000_000_000)
    category_id: int


class ProductOut(Out):
    id: int
    name: str
    description: str
    price: Decimal
    stock: int
    category_id: int
    category: str


class ItemIn(BaseModel):
    product_id: int
    quantity: int = Field(1, ge=1, le=10_000)


class ItemOut(Out):
    id: int
    product_id: int
    name: str
    price: Decimal
    quantity: int


class CartOut(BaseModel):
    items: list[ItemOut]
    total: Decimal


class ItemRef(Out):
    id: int
    product_id: int
    quantity: int


class OrderIn(BaseModel):
    shipping_address: str = Field(min_length=1, max_length=1000)


class LineOut(Out):
    product_id: int
    name: str
    price: Decimal
    quantity: int


class OrderOut(Out):
    id: int
    status: str
    amount: Decimal
    shipping_address: str
    created: datetime
    lines: list[LineOut]
