-- Clients beside the registration client, which exists by configuration alone. Their secrets are
-- random, so a fast hash is enough: a slow one would only slow the clients.
CREATE TABLE clients (
    id          text PRIMARY KEY,
    -- Orders the list, for the ids are names.
    key         uuid NOT NULL UNIQUE,
    secret_hash bytea NOT NULL,
    scopes      text[] NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
