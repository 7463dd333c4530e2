-- Customers, products, and what the first customers have in their carts and have ordered.
INSERT INTO users (id, email, name, state)
SELECT ('01900000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
    'user' || n || '@example.test', 'user ' || n, 'active'
FROM generate_series(1, {users}) AS n;

INSERT INTO categories (id, name, name_key)
SELECT ('01900000-0000-7000-a000-' || lpad(n::text, 12, '0'))::uuid, 'category ' || n, 'category ' || n
FROM generate_series(1, 10) AS n;

INSERT INTO products (id, name, description, price, quantity, category_id)
SELECT ('01900000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid, 'product ' || n, 'a thing',
    n % 1000 + 0.99, 1000000000,
    ('01900000-0000-7000-a000-' || lpad((1 + n % 10)::text, 12, '0'))::uuid
FROM generate_series(1, {products}) AS n;

INSERT INTO cart_items (id, user_id, product_id, quantity)
SELECT ('01900000-0000-7000-b000-' || lpad((n * 5 + line)::text, 12, '0'))::uuid,
    ('01900000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
    ('01900000-0000-7000-9000-' || lpad((1 + (n * 7 + line * 13) % {products})::text, 12, '0'))::uuid, 1
FROM generate_series(1, {readers}) AS n, generate_series(0, 4) AS line;

INSERT INTO orders (id, user_id, total, shipping_address)
SELECT ('01900000-0000-7000-c000-' || lpad((n * 10 + k)::text, 12, '0'))::uuid,
    ('01900000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 30, '1 Market Square, Springfield'
FROM generate_series(1, {readers}) AS n, generate_series(0, 9) AS k;

INSERT INTO order_items (order_id, position, product_id, name, unit_price, quantity)
SELECT ('01900000-0000-7000-c000-' || lpad((n * 10 + k)::text, 12, '0'))::uuid, line,
    ('01900000-0000-7000-9000-' || lpad((1 + (n * 7 + line * 13) % {products})::text, 12, '0'))::uuid,
    'product', 10, 1
FROM generate_series(1, {readers}) AS n, generate_series(0, 9) AS k, generate_series(1, 3) AS line;
