-- The first customer has ordered so often.
INSERT INTO orders (id, user_id, total, shipping_address)
SELECT ('01900000-0000-7000-c100-' || lpad(k::text, 12, '0'))::uuid,
    '01900000-0000-7000-8000-000000000001', 30, '1 Market Square, Springfield'
FROM generate_series(11, {orders}) AS k;

INSERT INTO order_items (order_id, position, product_id, name, unit_price, quantity)
SELECT ('01900000-0000-7000-c100-' || lpad(k::text, 12, '0'))::uuid, line,
    ('01900000-0000-7000-9000-' || lpad((1 + (k * 7 + line * 13) % {products})::text, 12, '0'))::uuid,
    'product', 10, 1
FROM generate_series(11, {orders}) AS k, generate_series(1, 3) AS line;
