-- A checkout in one statement: what the cart holds becomes an order, leaves the stock, and a job is
-- left. Products are locked in the order of their ids.
WITH locked AS MATERIALIZED (
        SELECT p.id, p.name, p.price, p.quantity AS available FROM products p
        WHERE p.id IN (
            SELECT product_id FROM cart_items
            WHERE user_id = ('01900000-0000-7000-8000-' || lpad((:user::bigint)::text, 12, '0'))::uuid)
        ORDER BY p.id FOR NO KEY UPDATE),
    taken AS (
        DELETE FROM cart_items
        WHERE user_id = ('01900000-0000-7000-8000-' || lpad((:user::bigint)::text, 12, '0'))::uuid
        RETURNING product_id, quantity),
    line AS (
        SELECT locked.*, taken.quantity, row_number() OVER (ORDER BY locked.id) AS position
        FROM locked JOIN taken ON taken.product_id = locked.id),
    sold AS (
        UPDATE products SET quantity = products.quantity - line.quantity
        FROM line WHERE products.id = line.id),
    items AS (
        INSERT INTO order_items (order_id, position, product_id, name, unit_price, quantity)
        SELECT ('01900000-0000-7000-f000-' || lpad((:new::bigint)::text, 12, '0'))::uuid,
            position, id, name, price, quantity FROM line),
    job AS (
        INSERT INTO outbox (id, kind, payload)
        SELECT ('01900000-0000-7000-f000-' || lpad((:new::bigint)::text, 12, '0'))::uuid,
            'order_mail', jsonb_build_object('order', :new::bigint))
INSERT INTO orders (id, user_id, total, shipping_address)
SELECT ('01900000-0000-7000-f000-' || lpad((:new::bigint)::text, 12, '0'))::uuid,
    ('01900000-0000-7000-8000-' || lpad((:user::bigint)::text, 12, '0'))::uuid,
    sum(price * quantity), '1 Market Square, Springfield'
FROM line HAVING count(*) > 0
RETURNING status, placed_at;
