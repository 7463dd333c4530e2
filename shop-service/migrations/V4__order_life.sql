-- In the order in which a checkout locks them, or the two deadlock.
LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE;
LOCK TABLE products, orders IN ACCESS EXCLUSIVE MODE;

-- Who moved an order along, and when. Each status is reached once at the most.
CREATE TABLE order_history (
    order_id    uuid NOT NULL REFERENCES orders (id),
    from_status text NOT NULL,
    to_status   text NOT NULL,
    changed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- A user's id or a client's; null once that person is gone.
    changed_by  text,
    PRIMARY KEY (order_id, to_status)
);
CREATE INDEX order_history_by_person ON order_history (changed_by);

-- Not validated, for that would read all of both tables while nobody can order. What they hold is
-- narrower anyway.
ALTER TABLE orders ADD CONSTRAINT orders_status_check
    CHECK (status IN ('PROCESSING', 'SHIPPED', 'DELIVERED', 'CANCELLED')) NOT VALID;
-- What a cancelled order gives back may exceed what an admin may set.
ALTER TABLE products DROP CONSTRAINT products_quantity_check;
ALTER TABLE products ADD CONSTRAINT products_quantity_check CHECK (quantity >= 0) NOT VALID;

-- A checkout that succeeded under a key of its client's, for 24 hours.
CREATE TABLE idempotency_keys (
    user_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key        text NOT NULL,
    -- Of the request's parsed body.
    body_hash  bytea NOT NULL,
    order_id   uuid NOT NULL REFERENCES orders (id),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
