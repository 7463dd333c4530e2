-- Who may log in. A row stays for ever: unregistered, it is a tombstone without a person, so that
-- a late registration of the same id cannot bring anybody back.
CREATE TABLE credentials (
    id              uuid PRIMARY KEY,
    -- Kept in a tombstone only where the user was disabled: the address stays refused.
    email           text,
    password_hash   text,
    -- The registration that set the password; a higher one may replace it until the first login.
    attempt         bigint NOT NULL,
    scopes          text[] NOT NULL DEFAULT '{shop}',
    disabled        boolean NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_login_at   timestamptz,
    unregistered_at timestamptz,
    CONSTRAINT credentials_email_key UNIQUE (email),
    CONSTRAINT credentials_live_check CHECK (
        CASE WHEN unregistered_at IS NULL
             THEN email IS NOT NULL AND password_hash IS NOT NULL
             ELSE password_hash IS NULL END)
);
