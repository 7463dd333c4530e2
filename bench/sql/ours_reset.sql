-- The buyers have bought nothing, and have {lines} things in the cart.
DELETE FROM cart_items WHERE user_id > '{last_reader}';
DELETE FROM order_items WHERE order_id IN (SELECT id FROM orders WHERE user_id > '{last_reader}');
DELETE FROM orders WHERE user_id > '{last_reader}';
TRUNCATE outbox;
UPDATE products SET quantity = 1000000000 WHERE quantity <> 1000000000;
INSERT INTO cart_items (id, user_id, product_id, quantity)
SELECT ('01900000-0000-7000-b000-' || lpad((n * 5 + line)::text, 12, '0'))::uuid,
    ('01900000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
    ('01900000-0000-7000-9000-' || lpad((1 + (n * 7 + line * 13) % {products})::text, 12, '0'))::uuid, 1
FROM generate_series({readers} + 1, {users}) AS n, generate_series(0, {lines} - 1) AS line;
