-- The buyers have bought nothing, and have {lines} things in the cart.
DELETE FROM cart_items WHERE user_id > {readers};
DELETE FROM orders WHERE user_id > {readers};
TRUNCATE outbox;
UPDATE products SET stock = 1000000000 WHERE stock <> 1000000000;
INSERT INTO cart_items (user_id, product_id, quantity)
SELECT n, 1 + (n * 7 + line * 13) % {products}, 1
FROM generate_series({readers} + 1, {users}) AS n, generate_series(0, {lines} - 1) AS line;
