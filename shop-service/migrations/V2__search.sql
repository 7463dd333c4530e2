-- In the order in which a checkout locks them, or the two deadlock.
LOCK TABLE users IN SHARE MODE;
LOCK TABLE products IN ACCESS EXCLUSIVE MODE;

-- What a search looks in. A fixed configuration, for the database's default differs from one to the
-- next: 'english' finds "key" for "keys", and passes over "the". A slash parts words; PostgreSQL
-- would take "red/blue" for a file's name. `search` in products/store.rs reads its words alike.
-- This writes the table anew: until it is done, nobody reads it.
ALTER TABLE products ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS (
    to_tsvector('pg_catalog.english', translate(name || ' ' || description, '/', ' '))) STORED;
-- Without a pending list, which each search would read through: products change seldom.
CREATE INDEX products_by_word ON products USING gin (words) WITH (fastupdate = off)
    WHERE NOT hidden;

-- Lists, without what they do not show: however much is hidden, a page costs the same.
CREATE INDEX products_on_sale ON products (id) WHERE NOT hidden;
CREATE INDEX products_on_sale_by_category ON products (category_id, id) WHERE NOT hidden;
CREATE INDEX users_active ON users (id) WHERE state = 'active';
CREATE INDEX outbox_open ON outbox (id) WHERE done_at IS NULL;
