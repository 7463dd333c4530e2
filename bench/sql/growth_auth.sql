-- Sessions that are over, and not yet purged.
INSERT INTO sessions
    (id, user_id, client_id, scopes, key, secret_hash, address, network, created_at, expires_at)
SELECT ('01900000-0000-7000-e000-' || lpad(n::text, 12, '0'))::uuid,
    ('01900000-0000-7000-8000-' || lpad((1 + n % {users})::text, 12, '0'))::uuid, 'public', '{shop}',
    sha256(n::text::bytea), sha256(n::text::bytea), '127.0.0.1', '127.0.0.0/24',
    clock_timestamp() - interval '2 hours', clock_timestamp() - interval '1 hour'
FROM generate_series(1, {sessions}) AS n;
