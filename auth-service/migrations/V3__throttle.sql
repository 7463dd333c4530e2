-- Failures to log in, counted by (e-mail, network), by e-mail and by network; what a kind does not
-- count by is ''. An e-mail that is none is '' too. Written on failures only.
CREATE TABLE throttle (
    kind        text NOT NULL CHECK (kind IN ('pair', 'email', 'network')),
    email       text NOT NULL,
    network     text NOT NULL,
    failures    integer NOT NULL,
    -- Until when the next attempt has to wait.
    waits_until timestamptz,
    -- Whether the audit log has this waiting period already.
    noted       boolean NOT NULL DEFAULT false,
    -- When the count begins anew.
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (kind, email, network)
);

CREATE INDEX throttle_email_idx ON throttle (email) WHERE email <> '';
CREATE INDEX throttle_expires_idx ON throttle (expires_at);
