-- Customers of the auth service: they share one hash, for a hash each would take hours.
INSERT INTO credentials (id, email, password_hash, attempt)
SELECT ('01900000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
    'user' || n || '@example.test', '{hash}', 1
FROM generate_series(1, {users}) AS n;

-- Sessions for pgbench: nobody has their tokens.
INSERT INTO sessions
    (id, user_id, client_id, scopes, key, secret_hash, address, network, expires_at)
SELECT ('01900000-0000-7000-d000-' || lpad(n::text, 12, '0'))::uuid,
    ('01900000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'public', '{shop}',
    sha256(n::text::bytea), sha256(n::text::bytea), '127.0.0.1', '127.0.0.0/24',
    clock_timestamp() + interval '1 day'
FROM generate_series(1, {readers}) AS n;
