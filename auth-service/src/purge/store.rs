//! SQL of purging, and nothing else.

// By the time of the statement, which an index can be searched with; `clock_timestamp` is another in
// each row. Rows that another replica is deleting, or somebody is writing, are left for the next time.
pub(super) const STATEMENTS: [&str; 3] = [
    "DELETE FROM sessions WHERE id IN (
        SELECT id FROM sessions
        WHERE least(ended_at, expires_at) < statement_timestamp() - interval '30 days'
        ORDER BY least(ended_at, expires_at) LIMIT $1 FOR UPDATE SKIP LOCKED)",
    "DELETE FROM throttle WHERE (kind, email, network) IN (
        SELECT kind, email, network FROM throttle
        WHERE expires_at < statement_timestamp()
            AND (waits_until IS NULL OR waits_until < statement_timestamp())
        ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)",
    // The ids are in the order of time: the oldest are looked at, not all.
    "DELETE FROM audit WHERE id IN (
        SELECT id FROM audit
        WHERE id IN (SELECT id FROM audit ORDER BY id LIMIT $1)
            AND at < statement_timestamp() - interval '90 days'
        FOR UPDATE SKIP LOCKED)",
];
