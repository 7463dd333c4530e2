"""The FastAPI shop that Latchkey is measured against: login, users, products, carts, orders.

    python app.py init                      create the tables, dropping those there are
    python app.py seed USERS PRODUCTS       users and products; everybody's password is "password-0"
    python app.py carts N LINES             empty all carts; users 1..N get LINES lines each
    python app.py orders N COUNT LINES      drop all orders; users 1..N get COUNT of LINES lines each
    python app.py tokens N FILE             bearer tokens of users 1..N, one a line
    ./start.sh [PORT]                       serve

The schema stands in tables.py. A route that needs one statement sends one, without a transaction;
a checkout is BEGIN, two statements, COMMIT.
"""

import asyncio
import sys
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated, Any, AsyncIterator

from fastapi import Depends, FastAPI, HTTPException, Query, Response
from fastapi.security import OAuth2PasswordRequestForm
from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError

import access
import fill
import statements as sql
from access import Me
from messages import (
    CartOut, CategoryIn, CategoryOut, ItemIn, ItemRef, OrderIn, OrderOut, ProductIn, ProductOut,
    Register, Token, UserOut,
)
from tables import engine, transactions


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    access.start()
    yield
    await engine.dispose()


# Nobody listens to the telemetry: not even to be asked for, request by request.
SILENT = {"tracing": False, "metrics": False, "logs": False}
app = FastAPI(title="peer shop", lifespan=lifespan, telemetry=SILENT)
Limit = Annotated[int, Query(ge=1, le=200)]


@app.get("/health")
async def health() -> dict:
    return {"status": "ok"}


@app.post("/user/", status_code=201, response_model=UserOut)
async def register(body: Register):
    digest = await access.hash_password(body.password)
    try:
        return await one(sql.ADD_USER, name=body.name, email=body.email.lower(), password=digest)
    except IntegrityError:
        raise HTTPException(409, "email is taken") from None


@app.post("/login", response_model=Token)
async def login(form: Annotated[OAuth2PasswordRequestForm, Depends()]):
    # The connection is back in the pool before the slow hash.
    user = await one(sql.FIND_LOGIN, email=form.username.lower())
    if not await access.check_password(user and user.password, form.password):
        raise HTTPException(401, "wrong email or password", headers={"WWW-Authenticate": "Bearer"})
    return Token(access_token=access.issue(user.id), expires_in=access.TOKEN_SECONDS)


@app.get("/user/me", response_model=UserOut)
async def me(user: Me):
    row = await one(sql.FIND_USER, user=user)
    if row is None:
        raise HTTPException(404, "no such user")
    return row


@app.post("/products/category", status_code=201, response_model=CategoryOut)
async def add_category(body: CategoryIn, _: Me):
    try:
        return await one(sql.ADD_CATEGORY, name=body.name)
    except IntegrityError:
        raise HTTPException(409, "category exists") from None


@app.get("/products/category", response_model=list[CategoryOut])
async def categories():
    return await every(sql.LIST_CATEGORIES)


@app.post("/products/", status_code=201, response_model=ProductOut)
async def add_product(body: ProductIn, _: Me):
    try:
        return product(await one(sql.ADD_PRODUCT, **body.model_dump()))
    except IntegrityError:
        raise HTTPException(404, "no such category") from None


@app.get("/products/", response_model=list[ProductOut])
async def products(after: int = 0, limit: Limit = 20):
    return [product(row) for row in await every(sql.LIST_PRODUCTS, after=after, limit=limit)]


@app.get("/products/{product_id}", response_model=ProductOut)
async def show_product(product_id: int):
    row = await one(sql.FIND_PRODUCT, product=product_id)
    if row is None:
        raise HTTPException(404, "no such product")
    return product(row)


@app.get("/cart", response_model=CartOut)
async def cart(user: Me):
    items = await every(sql.LIST_CART, user=user)
    return {"items": items, "total": sum((i.price * i.quantity for i in items), Decimal(0))}


@app.post("/cart/items", status_code=201, response_model=ItemRef)
async def add_item(body: ItemIn, user: Me):
    try:
        item = await one(sql.ADD_ITEM, user=user, product=body.product_id, quantity=body.quantity)
    except IntegrityError:
        raise HTTPException(404, "no such user") from None
    if item is None:
        raise HTTPException(404, "no such product")
    if item.id is None:
        raise HTTPException(409, "not enough stock")
    return item


@app.delete("/cart/items/{item_id}", status_code=204)
async def remove_item(item_id: int, user: Me):
    async with engine.connect() as db:
        removed = await db.execute(sql.REMOVE_ITEM, {"item": item_id, "user": user})
    if removed.rowcount == 0:
        raise HTTPException(404, "no such item")
    return Response(status_code=204)


@app.post("/orders", status_code=201, response_model=OrderOut)
async def checkout(body: OrderIn, user: Me):
    # What is raised in here takes all of it back, the emptied cart too.
    async with transactions.begin() as db:
        taken = (await db.execute(sql.TAKE_CART, {"user": user})).all()
        if not taken:
            raise HTTPException(409, "cart is empty")
        short = [line.id for line in taken if line.quantity > line.stock]
        if short:
            raise HTTPException(409, {"message": "not enough stock", "products": short})
        amount = sum((line.price * line.quantity for line in taken), Decimal(0))
        placed = (await db.execute(sql.PLACE_ORDER, {
            "user": user, "amount": amount, "address": body.shipping_address,
            "products": [line.id for line in taken], "names": [line.name for line in taken],
            "prices": [line.price for line in taken],
            "quantities": [line.quantity for line in taken],
        })).one()
    lines = [{"product_id": line.id, "name": line.name, "price": line.price,
              "quantity": line.quantity} for line in taken]
    return {"id": placed.id, "status": placed.status, "amount": amount,
            "shipping_address": body.shipping_address, "created": placed.created, "lines": lines}


@app.get("/orders", response_model=list[OrderOut])
async def orders(user: Me, before: int = 2**62, limit: Limit = 20):
    found: dict[int, dict] = {}
    for row in await every(sql.LIST_ORDERS, user=user, before=before, limit=limit):
        order = found.get(row.id)
        if order is None:
            order = found[row.id] = {
                "id": row.id, "status": row.status, "amount": row.amount, "lines": [],
                "shipping_address": row.shipping_address, "created": row.created}
        order["lines"].append({"product_id": row.product_id, "name": row.name,
                               "price": row.price, "quantity": row.quantity})
    return list(found.values())


async def one(statement, **values: Any) -> Row | None:
    async with engine.connect() as db:
        return (await db.execute(statement, values)).first()


async def every(statement, **values: Any) -> list[Row]:
    async with engine.connect() as db:
        return (await db.execute(statement, values)).all()


def product(row: Row) -> dict:
    return {"id": row.id, "name": row.name, "description": row.description, "price": row.price,
            "stock": row.stock, "category": {"id": row.category_id, "name": row.category}}


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
