-- A session is a family of refresh tokens: one row, however often it is rotated. The row gives
-- nobody a token: of the latest one it holds a hash, and the key makes only what follows from one.
CREATE TABLE sessions (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL REFERENCES credentials (id),
    client_id       text NOT NULL,
    -- What was granted at the login; a new token has of it what user and client still hold.
    scopes          text[] NOT NULL,
    -- Derives each successor from its predecessor, and tags every token of the family.
    key             bytea NOT NULL,
    generation      integer NOT NULL DEFAULT 1,
    secret_hash     bytea NOT NULL,
    rotated_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The generation whose repeat from another network the audit log has already.
    noted_generation integer NOT NULL DEFAULT 0,
    user_agent      text,
    -- Where it was last used, and the network of the login: known to the throttle for 30 days.
    address         text NOT NULL,
    network         text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_used_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at      timestamptz NOT NULL,
    ended_at        timestamptz
-- Room for a rotated row beside its predecessor, so that no index has to know of it.
) WITH (fillfactor = 80);

CREATE INDEX sessions_user_idx ON sessions (user_id, id) WHERE ended_at IS NULL;
CREATE INDEX sessions_client_idx ON sessions (client_id)
    WHERE ended_at IS NULL AND client_id <> 'public';
CREATE INDEX sessions_network_idx ON sessions (user_id, network, created_at);
CREATE INDEX sessions_over_idx ON sessions (least(ended_at, expires_at));
