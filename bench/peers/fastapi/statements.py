"""Every statement of the routes. They are built once: a statement built anew for each request
costs more than the request."""

from sqlalchemy import bindparam, delete, insert, select, text

from tables import CartItem, Category, Product, User

ADD_USER = insert(User).values(
    name=bindparam("name"), email=bindparam("email"), password=bindparam("password")
).returning(User.id, User.name, User.email)

FIND_LOGIN = select(User.id, User.password).where(User.email == bindparam("email"))

FIND_USER = select(User.id, User.name, User.email).where(User.id == bindparam("user"))

ADD_CATEGORY = insert(Category).values(name=bindparam("name")).returning(Category.id, Category.name)

LIST_CATEGORIES = select(Category.id, Category.name).order_by(Category.id)

_product = select(
    Product.id, Product.name, Product.description, Product.price, Product.stock,
    Product.category_id, Category.name.label("category"),
).join(Category, Category.id == Product.category_id)

FIND_PRODUCT = _product.where(Product.id == bindparam("product"))

LIST_PRODUCTS = (
    _product.where(Product.id > bindparam("after")).order_by(Product.id).limit(bindparam("limit")))

ADD_PRODUCT = text("""
    WITH p AS (
        INSERT INTO products (name, description, price, stock, category_id)
        VALUES (:name, :description, :price, :stock, :category_id) RETURNING *)
    SELECT p.id, p.name, p.description, p.price, p.stock, p.category_id, c.name AS category
    FROM p JOIN categories c ON c.id = p.category_id""")

LIST_CART = select(
    CartItem.id, CartItem.product_id, Product.name, Product.price, CartItem.quantity,
).join(Product, Product.id == CartItem.product_id).where(
    CartItem.user_id == bindparam("user")).order_by(CartItem.id)

# No row: there is no such product. A row without an id: the line would exceed the stock, and
# was left as it is.
ADD_ITEM = text("""
    WITH product AS (SELECT id, stock FROM products WHERE id = :product),
        line AS (
            INSERT INTO cart_items AS l (user_id, product_id, quantity)
            SELECT :user, id, :quantity FROM product WHERE stock >= :quantity
            ON CONFLICT (user_id, product_id) DO UPDATE SET quantity = l.quantity + excluded.quantity
                WHERE l.quantity + excluded.quantity <= (SELECT stock FROM product)
            RETURNING id, quantity)
    SELECT line.id, product.id AS product_id, line.quantity FROM product LEFT JOIN line ON true""")

REMOVE_ITEM = delete(CartItem).where(
    CartItem.id == bindparam("item"), CartItem.user_id == bindparam("user"))

# The rows are sorted before they are locked: two checkouts of the same products cannot deadlock.
# A second checkout of the same cart waits for the first at the cart's rows, and finds them gone.
TAKE_CART = text("""
    WITH taken AS (DELETE FROM cart_items WHERE user_id = :user RETURNING product_id, quantity)
    SELECT p.id, p.name, p.price, p.stock, taken.quantity
    FROM products p JOIN taken ON taken.product_id = p.id
    ORDER BY p.id FOR NO KEY UPDATE OF p""")

# Takes from the stock, and stores the order, its lines and the outbox row.
PLACE_ORDER = text("""
    WITH line AS (
            SELECT * FROM unnest(CAST(:products AS bigint[]), CAST(:names AS text[]),
                    CAST(:prices AS numeric[]), CAST(:quantities AS int[]))
                WITH ORDINALITY AS line (product_id, name, price, quantity, position)),
        sold AS (
            UPDATE products SET stock = products.stock - line.quantity
            FROM line WHERE products.id = line.product_id),
        placed AS (
            INSERT INTO orders (user_id, amount, shipping_address)
            VALUES (:user, :amount, :address) RETURNING id, user_id, status, amount, created),
        lines AS (
            INSERT INTO order_lines (order_id, position, product_id, name, price, quantity)
            SELECT placed.id, position, product_id, name, price, quantity FROM placed, line),
        job AS (
            INSERT INTO outbox (kind, payload)
            SELECT 'order.placed', jsonb_build_object('order_id', id, 'user_id', user_id,
                'amount', CAST(amount AS text)) FROM placed)
    SELECT id, status, created FROM placed""")

# OFFSET 0 has the lines looked up order by order; the planner would rather read everybody's.
LIST_ORDERS = text("""
    SELECT o.id, o.status, o.amount, o.shipping_address, o.created,
        l.product_id, l.name, l.price, l.quantity
    FROM (SELECT * FROM orders WHERE user_id = :user AND id < :before
            ORDER BY id DESC LIMIT :limit) o
        CROSS JOIN LATERAL (SELECT * FROM order_lines WHERE order_id = o.id OFFSET 0) l
    ORDER BY o.id DESC, l.position""")
