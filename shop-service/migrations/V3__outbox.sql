-- A job may be given up, and then waits for an admin; one without `expires_at` never is.
ALTER TABLE outbox
    -- Whom it is for, as long as it is not done.
    ADD COLUMN user_id    uuid,
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN dead_at    timestamptz,
    ADD COLUMN state      text NOT NULL GENERATED ALWAYS AS (
        CASE WHEN done_at IS NOT NULL THEN 'done'
             WHEN dead_at IS NOT NULL THEN 'dead'
             WHEN last_error IS NOT NULL THEN 'failing'
             ELSE 'waiting' END) STORED;

-- `outbox_due` stays for the version before this one.
CREATE INDEX outbox_due_by_kind ON outbox (kind, next_attempt_at)
    WHERE done_at IS NULL AND dead_at IS NULL;
CREATE INDEX outbox_open_by_state ON outbox (state, id) WHERE done_at IS NULL;
CREATE INDEX outbox_open_by_user ON outbox (user_id) WHERE done_at IS NULL;
CREATE INDEX outbox_done ON outbox (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX outbox_dead ON outbox (dead_at) WHERE dead_at IS NOT NULL;
