-- A profile. `pending` until the auth service has its credentials, `deleting` until it has
-- forgotten them; the row, and with it the e-mail, goes when that is done.
CREATE TABLE users (
    id         uuid PRIMARY KEY,
    email      text NOT NULL,
    name       text NOT NULL,
    state      text NOT NULL DEFAULT 'pending',
    -- Counts the tries to register; the last one that auth took is the one that stands.
    attempt    bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT users_email_key UNIQUE (email),
    CONSTRAINT users_state_check CHECK (state IN ('pending', 'active', 'deleting'))
);

CREATE TABLE categories (
    id       uuid PRIMARY KEY,
    name     text NOT NULL,
    -- In lower case, by the service: the database's own rule depends on its locale.
    name_key text NOT NULL,
    CONSTRAINT categories_name_key UNIQUE (name_key)
);

CREATE TABLE products (
    id          uuid PRIMARY KEY,
    name        text NOT NULL,
    description text NOT NULL,
    price       numeric(12, 2) NOT NULL,
    quantity    bigint NOT NULL,
    category_id uuid NOT NULL,
    -- No longer on sale, and kept for the orders that name it.
    hidden      boolean NOT NULL DEFAULT false,
    CONSTRAINT products_category_id_fkey FOREIGN KEY (category_id) REFERENCES categories (id),
    CONSTRAINT products_price_check CHECK (price >= 0),
    CONSTRAINT products_quantity_check CHECK (quantity BETWEEN 0 AND 1000000000)
);
CREATE INDEX products_by_category ON products (category_id, id);

CREATE TABLE cart_items (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    product_id uuid NOT NULL,
    quantity   bigint NOT NULL CHECK (quantity > 0),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT cart_items_user_product_key UNIQUE (user_id, product_id),
    CONSTRAINT cart_items_product_id_fkey FOREIGN KEY (product_id) REFERENCES products (id)
        ON DELETE CASCADE
);
CREATE INDEX cart_items_by_product ON cart_items (product_id);

CREATE TABLE orders (
    id               uuid PRIMARY KEY,
    -- Without a user once that person is gone.
    user_id          uuid REFERENCES users (id),
    status           text NOT NULL DEFAULT 'PROCESSING',
    total            numeric(20, 2) NOT NULL,
    shipping_address text NOT NULL,
    placed_at        timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX orders_by_user ON orders (user_id, id);

-- Name and price are those of the moment.
CREATE TABLE order_items (
    order_id   uuid NOT NULL REFERENCES orders (id),
    position   bigint NOT NULL,
    product_id uuid NOT NULL,
    name       text NOT NULL,
    unit_price numeric(12, 2) NOT NULL,
    quantity   bigint NOT NULL,
    PRIMARY KEY (order_id, position),
    CONSTRAINT order_items_product_id_fkey FOREIGN KEY (product_id) REFERENCES products (id)
);
CREATE INDEX order_items_by_product ON order_items (product_id);

-- What is to be done elsewhere, written in the transaction that decides it.
CREATE TABLE outbox (
    id              uuid PRIMARY KEY,
    kind            text NOT NULL,
    payload         jsonb NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts        bigint NOT NULL DEFAULT 0,
    -- While a worker is at it, when its lease ends.
    next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_error      text,
    done_at         timestamptz
);
CREATE INDEX outbox_due ON outbox (next_attempt_at) WHERE done_at IS NULL;
