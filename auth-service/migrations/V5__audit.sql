-- A UUID v7 (RFC 9562 §5.7) of the database's clock: milliseconds, the version, the fraction of the
-- millisecond (§6.2, method 3), random bits. So a statement that writes several rows has their ids
-- without asking for them first.
CREATE FUNCTION uuid_v7() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(
        int8send((micros / 1000 << 16) | x'7000'::bigint | (micros % 1000 * 4096 / 1000))
            || substring(uuid_send(gen_random_uuid()) FROM 9),
        'hex')::uuid
    FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) AS clock (micros)
$$;

-- Who did what, when, from where. Kept 90 days.
CREATE TABLE audit (
    id        uuid PRIMARY KEY DEFAULT uuid_v7(),
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    event     text NOT NULL,
    user_id   uuid,
    client_id text,
    email     text,
    address   text,
    detail    jsonb
);

CREATE INDEX audit_user_idx ON audit (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX audit_event_idx ON audit (event, id);
