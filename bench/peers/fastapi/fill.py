"""The data of a measurement, made by a few statements."""

from sqlalchemy import text

from access import hasher
from tables import Base, engine


async def init() -> None:
    """The tables, dropping those there are."""
    async with engine.begin() as db:
        await db.run_sync(Base.metadata.drop_all)
        await db.run_sync(Base.metadata.create_all)
    await engine.dispose()


async def seed(users: int, products: int) -> None:
    """Users 1..USERS, ten categories, products 1..PRODUCTS with a stock that does not run out."""
    # One hash for all: hashing one for each would take longer than the measurement.
    digest = hasher.hash("password-0")
    async with engine.begin() as db:
        await db.execute(text("""
            INSERT INTO users (name, email, password)
            SELECT 'user ' || i, 'user' || i || '@example.test', :digest
            FROM generate_series(1, :users) i"""), {"digest": digest, "users": users})
        await db.execute(text("""
            INSERT INTO categories (name) SELECT 'category ' || i FROM generate_series(1, 10) i"""))
        await db.execute(text("""
            INSERT INTO products (name, description, price, stock, category_id)
            SELECT 'product ' || i, 'a thing', i % 1000 + 0.99, 1000000000, 1 + i % 10
            FROM generate_series(1, :products) i"""), {"products": products})
    await settle("users, categories, products")


# Line l of cart or order c is the product in place (c * 7 + l * STEP) modulo their number. Within
# one they differ, because the step and that number have no common divisor.
PICKED = """
    WITH shelf AS (
            SELECT id, name, price, row_number() OVER (ORDER BY id) - 1 AS place,
                count(*) OVER () AS size FROM products),
        picked AS (
            SELECT c, l, (c * 7 + l * CASE WHEN size % 13 = 0 THEN 1 ELSE 13 END) % size AS place
            FROM (SELECT size FROM shelf LIMIT 1) s,
                generate_series(1, :count) c, generate_series(1, :lines) l)"""


async def carts(users: int, lines: int) -> None:
    """Empties all carts; each of the users 1..USERS gets LINES lines, one of each product."""
    async with engine.begin() as db:
        # Leaves no dead rows for the next measurement to step over, as DELETE would.
        await db.execute(text("TRUNCATE cart_items"))
        await db.execute(text(PICKED + """
            INSERT INTO cart_items (user_id, product_id, quantity)
            SELECT c, id, 1 FROM picked JOIN shelf USING (place) ORDER BY c, l"""),
            {"count": users, "lines": lines})
    await settle("cart_items")


async def orders(users: int, count: int, lines: int) -> None:
    """Drops all orders; each of the users 1..USERS gets COUNT orders of LINES lines. The stock is
    left as it is."""
    async with engine.begin() as db:
        await db.execute(text("TRUNCATE orders, order_lines, outbox RESTART IDENTITY"))
        # One's orders lie as far apart in the table as they would if all had ordered in turn.
        await db.execute(text("CREATE TEMPORARY TABLE filled ON COMMIT DROP AS" + PICKED + """
            SELECT c, 1 + (c - 1) % :users AS user_id, l, id, name, price
            FROM picked JOIN shelf USING (place)"""),
            {"count": users * count, "lines": lines, "users": users})
        await db.execute(text("""
            INSERT INTO orders (id, user_id, amount, shipping_address)
            SELECT c, user_id, sum(price), '1 Seed Street' FROM filled GROUP BY c, user_id
            ORDER BY c"""))
        await db.execute(text("""
            INSERT INTO order_lines (order_id, position, product_id, name, price, quantity)
            SELECT c, l, id, name, price, 1 FROM filled ORDER BY c, l"""))
        await db.execute(text("SELECT setval('orders_id_seq', max(id)) FROM orders"))
    await settle("orders, order_lines, outbox")


async def settle(tables: str) -> None:
    """What autovacuum would do in the midst of the measurement."""
    outside_transactions = engine.execution_options(isolation_level="AUTOCOMMIT")
    async with outside_transactions.connect() as db:
        await db.execute(text("VACUUM ANALYZE " + tables))
    await engine.dispose()
