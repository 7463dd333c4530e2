//! SQL of the throttle, and nothing else.

use deadpool_postgres::GenericClient;
use proto::{Email, UserId};
use tokio_postgres::Row;

use super::{Candidate, Counter, Found, Kind};
use crate::error::Error;
use crate::source::{Network, Source};

// The credential, what is counted, and whether the network is known, in one round trip.
const FIND: &str = "
    SELECT c.id, c.password_hash, c.disabled,
        EXISTS (
            SELECT FROM sessions s
            WHERE s.user_id = c.id AND s.network = $2
                AND s.created_at > statement_timestamp() - interval '30 days'
        ) AS is_known,
        p.failures AS pair_failures, p.noted AS pair_noted,
        extract(epoch FROM p.waits_until - clock_timestamp())::float8 AS pair_wait,
        e.failures AS email_failures, e.noted AS email_noted,
        extract(epoch FROM e.waits_until - clock_timestamp())::float8 AS email_wait,
        n.failures AS network_failures, n.noted AS network_noted,
        extract(epoch FROM n.waits_until - clock_timestamp())::float8 AS network_wait
    FROM (VALUES (1)) AS attempt
    LEFT JOIN credentials c ON c.email = $1 AND c.unregistered_at IS NULL
    LEFT JOIN throttle p ON p.kind = 'pair' AND p.email = $1 AND p.network = $2
        AND p.expires_at > clock_timestamp()
    LEFT JOIN throttle e ON e.kind = 'email' AND e.email = $1 AND e.network = ''
        AND e.expires_at > clock_timestamp()
    LEFT JOIN throttle n ON n.kind = 'network' AND n.email = '' AND n.network = $2
        AND n.expires_at > clock_timestamp()";

/// What is known of an attempt.
pub(super) async fn find(
    db: &impl GenericClient,
    email: &str,
    network: &Network,
) -> Result<Found, Error> {
    let statement = db.prepare_cached(FIND).await?;
    let row = db.query_one(&statement, &[&email, &network.as_str()]).await?;
    let id: Option<uuid::Uuid> = row.get("id");
    Ok(Found {
        candidate: id.map(|id| Candidate {
            id: UserId(id),
            password_hash: row.get("password_hash"),
            is_disabled: row.get("disabled"),
        }),
        is_known: row.get("is_known"),
        pair: counter(&row, ["pair_failures", "pair_wait", "pair_noted"]),
        email: counter(&row, ["email_failures", "email_wait", "email_noted"]),
        network: counter(&row, ["network_failures", "network_wait", "network_noted"]),
    })
}

fn counter(row: &Row, [failures, wait, noted]: [&str; 3]) -> Counter {
    Counter {
        failures: row.get::<_, Option<i32>>(failures).unwrap_or(0),
        wait: row.get::<_, Option<f64>>(wait).unwrap_or(0.0),
        is_noted: row.get::<_, Option<bool>>(noted).unwrap_or(false),
    }
}

// The three rows always in this order, so that two failures cannot wait for each other. From the
// failure `free` on, the next attempt waits 1 s, 2 s, 4 s … up to 15 minutes. The failures of a
// pair are forgotten a day after the last one, the others when their time and the wait are over.
const RECORD_FAILURE: &str = "
    WITH counted AS (
        INSERT INTO throttle AS t (kind, email, network, failures, waits_until, expires_at)
        SELECT kind, email, network, 1,
            CASE WHEN free <= 1 THEN clock_timestamp() + interval '1 second' END,
            clock_timestamp() + span
        FROM (VALUES
            ('pair', $1, $2, $3::int, interval '1 day'),
            ('email', $1, '', $4::int, interval '1 hour'),
            ('network', '', $2, $5::int, interval '10 minutes')
        ) AS rules (kind, email, network, free, span)
        ON CONFLICT (kind, email, network) DO UPDATE SET
            (failures, waits_until, noted, expires_at) = (
                SELECT failures, wait.ends, false,
                    greatest(wait.ends, CASE WHEN failures = 1 OR t.kind = 'pair'
                        THEN excluded.expires_at ELSE t.expires_at END)
                FROM (SELECT
                    CASE WHEN t.expires_at > clock_timestamp() THEN t.failures + 1 ELSE 1 END,
                    CASE t.kind WHEN 'pair' THEN $3 WHEN 'email' THEN $4 ELSE $5 END
                ) AS now (failures, free), LATERAL (SELECT
                    CASE WHEN failures >= free THEN clock_timestamp() + least(
                        interval '1 second' * power(2, least(failures - free, 10)),
                        interval '15 minutes') END
                ) AS wait (ends))
    )
    INSERT INTO audit (event, user_id, client_id, email, address)
    VALUES ('login_failed', $6, $7, nullif($1, ''), $8)";

/// Counts a failure, and audits it. `limits` are the failures from which on a pair, an e-mail and
/// a network have to wait.
pub(super) async fn record_failure(
    db: &impl GenericClient,
    email: &str,
    user: Option<UserId>,
    source: &Source,
    client_id: Option<&str>,
    limits: [i32; 3],
) -> Result<(), Error> {
    let statement = db.prepare_cached(RECORD_FAILURE).await?;
    let (network, address) = (source.network.as_str(), source.address.to_string());
    let [pair, by_email, by_network] = limits;
    let user = user.map(|user| user.0);
    db.execute(
        &statement,
        &[&email, &network, &pair, &by_email, &by_network, &user, &client_id, &address],
    )
    .await?;
    Ok(())
}

const NOTE: &str = "
    WITH noted AS (
        UPDATE throttle SET noted = true
        WHERE kind = $1
            AND email = CASE WHEN $1 = 'network' THEN '' ELSE $2 END
            AND network = CASE WHEN $1 = 'email' THEN '' ELSE $3 END
            AND NOT noted AND waits_until > clock_timestamp()
        RETURNING kind, failures, waits_until
    )
    INSERT INTO audit (event, user_id, client_id, email, address, detail)
    SELECT 'throttled', $4, $5, nullif($2, ''), $6,
        jsonb_build_object('by', kind, 'failures', failures, 'until', waits_until)
    FROM noted";

/// Audits a waiting period, once.
pub(super) async fn note(
    db: &impl GenericClient,
    kind: Kind,
    email: &str,
    user: Option<UserId>,
    source: &Source,
    client_id: Option<&str>,
) -> Result<(), Error> {
    let statement = db.prepare_cached(NOTE).await?;
    let (network, address) = (source.network.as_str(), source.address.to_string());
    let user = user.map(|user| user.0);
    db.execute(&statement, &[&kind.as_str(), &email, &network, &user, &client_id, &address])
        .await?;
    Ok(())
}

const CLEAR: &str = "DELETE FROM throttle WHERE kind = 'pair' AND email = $1 AND network = $2";

/// Forgets the failures on this e-mail from this network: its password was right.
pub async fn clear(db: &impl GenericClient, email: &Email, network: &Network) -> Result<(), Error> {
    let statement = db.prepare_cached(CLEAR).await?;
    db.execute(&statement, &[&email.as_str(), &network.as_str()]).await?;
    Ok(())
}

// In the order in which a failure writes them: the pairs, then the e-mail's own.
const UNLOCK: &str = "
    DELETE FROM throttle WHERE (kind, email, network) IN (
        SELECT kind, email, network FROM throttle
        WHERE email = $1 AND email <> '' ORDER BY kind DESC FOR UPDATE)";

/// Forgets every failure on this e-mail.
pub async fn unlock(db: &impl GenericClient, email: &Email) -> Result<(), Error> {
    let statement = db.prepare_cached(UNLOCK).await?;
    db.execute(&statement, &[&email.as_str()]).await?;
    Ok(())
}
