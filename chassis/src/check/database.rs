//! The way to PostgreSQL, and the server. The URL itself, which holds a password, is in no
//! finding.

use tokio_postgres::config::{Host, SslMode};

use super::{Finding, host};
use crate::config::DatabaseConfig;
use crate::db::Facts;

/// The oldest version that is tested.
const OLDEST: i32 = 15;

const MODES: &str = "PostgreSQL manual, Protection Provided in Different Modes";

/// A connection that leaves this machine without TLS.
pub(super) fn plain(database: &DatabaseConfig) -> Option<Finding> {
    let postgres = &database.postgres;
    let is_elsewhere = match postgres.get_hostaddrs() {
        [] => postgres.get_hosts().iter().any(|host| match host {
            Host::Tcp(name) => !host::is_loopback(name),
            Host::Unix(_) => false,
        }),
        addresses => addresses.iter().any(|address| !address.is_loopback()),
    };
    (is_elsewhere && postgres.get_ssl_mode() != SslMode::Require).then(|| {
        Finding::new(
            "DATABASE_URL",
            format!(
                "leads over a network without TLS: whoever is on the way reads and changes what \
                 is stored ({MODES})"
            ),
            "DATABASE_URL=postgres://…?sslmode=require",
        )
    })
}

/// No facts, and why.
pub(super) fn unreachable(reason: &str) -> Finding {
    Finding::new(
        "DATABASE_URL",
        format!("leads to no database that answers, so it was not judged ({reason})"),
        "DATABASE_URL=postgres://user:…@host:5432/name?sslmode=require",
    )
}

/// What the server's facts tell.
pub(super) fn server(database: &DatabaseConfig, facts: &Facts) -> Vec<Finding> {
    let off = facts.off.iter().map(|setting| durability(setting));
    let others = [
        plain_behind(database, facts),
        superuser(facts),
        crowded(database, facts),
        outdated(facts),
    ];
    others.into_iter().flatten().chain(off).collect()
}

fn plain_behind(database: &DatabaseConfig, facts: &Facts) -> Option<Finding> {
    (facts.is_plain && database.postgres.get_ssl_mode() == SslMode::Require).then(|| {
        Finding::new(
            "DATABASE_URL",
            format!(
                "leads with TLS to a pooler, which speaks without TLS over a network to PostgreSQL \
                 ({MODES})"
            ),
            "server_tls_sslmode = verify-full (PgBouncer)",
        )
    })
}

fn superuser(facts: &Facts) -> Option<Finding> {
    let Facts { user, database, .. } = facts;
    facts.is_superuser.then(|| {
        // From the first of all users nothing can be taken away: it takes another one.
        let line = match facts.is_bootstrap_user {
            true => format!(
                "CREATE ROLE {database} LOGIN PASSWORD '…'; ALTER DATABASE {database} OWNER TO \
                 {database};"
            ),
            false => format!("ALTER ROLE {user} NOSUPERUSER;"),
        };
        Finding::new(
            "DATABASE_URL",
            format!(
                "connects as the superuser {user}, who may do anything to all databases and run \
                 programs on the server (PostgreSQL manual, Role Attributes)"
            ),
            line,
        )
    })
}

fn crowded(database: &DatabaseConfig, facts: &Facts) -> Option<Finding> {
    let available = usize::try_from(facts.connections).unwrap_or_default();
    (database.pool_size > available).then(|| {
        Finding::new(
            "DATABASE_POOL_SIZE",
            format!(
                "is more than the {available} connections that the server has for all its \
                 clients, and each replica keeps as many (PostgreSQL manual, max_connections)"
            ),
            format!("DATABASE_POOL_SIZE={}", (available / 4).clamp(1, 16)),
        )
    })
}

fn outdated(facts: &Facts) -> Option<Finding> {
    (facts.major_version < OLDEST).then(|| {
        Finding::new(
            "PostgreSQL",
            format!(
                "is version {}, which this service was not tested with and which gets no repairs \
                 any more soon, if it still does (PostgreSQL, Versioning Policy)",
                facts.major_version
            ),
            format!("pg_upgrade to version {OLDEST} or later"),
        )
    })
}

fn durability(setting: &str) -> Finding {
    let loss = match setting {
        "synchronous_commit" => "orders that were confirmed are gone after a crash",
        _ => "a crash can leave the database beyond repair",
    };
    Finding::new(
        "PostgreSQL",
        format!("has {setting} off: {loss} (PostgreSQL manual, Write Ahead Log)"),
        format!("ALTER SYSTEM SET {setting} = on;"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::given;
    use super::*;

    const URL: &str = "postgres://ann:a-password@db.example/shop";

    fn at(url: &str) -> DatabaseConfig {
        given::database(&["--database-url", url])
    }

    fn facts() -> Facts {
        Facts {
            user: "\"Ann\"".to_owned(),
            database: "shop".to_owned(),
            is_superuser: false,
            is_bootstrap_user: false,
            is_plain: false,
            connections: 97,
            major_version: 15,
            off: Vec::new(),
        }
    }

    /// The one finding about this server.
    #[track_caller]
    fn found(change: impl FnOnce(&mut Facts)) -> String {
        let mut facts = facts();
        change(&mut facts);
        match &server(&at(&format!("{URL}?sslmode=require")), &facts)[..] {
            [finding] => finding.to_string(),
            findings => panic!("{findings:?}"),
        }
    }

    #[test]
    fn a_server_as_it_should_be_is_fit() {
        assert_eq!(server(&at(URL), &facts()), []);
    }

    #[test]
    fn a_way_over_a_network_without_tls_is_found() {
        for url in [
            URL,
            "postgres://ann:a-password@db.example/shop?sslmode=prefer",
            "postgres://ann:a-password@localhost,10.0.0.1/shop?sslmode=disable",
            "postgres://ann:a-password@localhost/shop?hostaddr=10.0.0.1",
            "host=db user=ann password=a-password",
        ] {
            let finding = plain(&at(url)).unwrap().to_string();
            assert!(finding.ends_with(" → DATABASE_URL=postgres://…?sslmode=require"), "{url}");
            assert!(!finding.contains("a-password"), "{finding}");
        }
    }

    #[test]
    fn tls_a_socket_and_this_machine_are_fit() {
        for url in [
            "postgres://ann@db.example/shop?sslmode=require",
            "postgres://ann@db.example/shop?sslmode=verify-full",
            "postgres://ann@localhost/shop",
            "postgres://ann@127.0.0.1,[::1]/shop",
            "postgres://ann@db.example/shop?hostaddr=127.0.0.1",
            "host=/run/postgresql user=ann",
        ] {
            assert_eq!(plain(&at(url)), None, "{url}");
        }
    }

    #[test]
    fn a_pooler_that_goes_on_without_tls_is_found() {
        assert!(found(|facts| facts.is_plain = true).contains("a pooler"));

        let facts = Facts { is_plain: true, ..facts() };
        assert_eq!(server(&at(URL), &facts), [], "the way to it was found before");
    }

    #[test]
    fn a_superuser_is_found_with_the_statement_that_makes_it_none() {
        let made = found(|facts| facts.is_superuser = true);
        let born = found(|facts| (facts.is_superuser, facts.is_bootstrap_user) = (true, true));

        assert!(made.ends_with(" → ALTER ROLE \"Ann\" NOSUPERUSER;"), "{made}");
        assert!(born.contains(" → CREATE ROLE shop LOGIN PASSWORD '…'; "), "{born}");
    }

    #[test]
    fn a_pool_for_which_the_server_has_no_room_is_found() {
        let crowded = found(|facts| facts.connections = 15);

        assert!(crowded.contains("the 15 connections"), "{crowded}");
        assert!(crowded.ends_with(" → DATABASE_POOL_SIZE=3"), "{crowded}");
        assert_eq!(server(&at(URL), &Facts { connections: 16, ..facts() }), []);
    }

    #[test]
    fn an_old_server_is_found() {
        assert!(found(|facts| facts.major_version = 14).starts_with("PostgreSQL: is version 14, "));
    }

    #[test]
    fn a_server_that_may_lose_what_was_committed_is_found() {
        for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
            let finding = found(|facts| facts.off = vec![setting.to_owned()]);
            assert!(finding.ends_with(&format!(" → ALTER SYSTEM SET {setting} = on;")));
        }
    }

    #[test]
    fn no_answer_is_a_finding_with_its_reason() {
        let finding = unreachable("connection refused").to_string();

        assert!(finding.starts_with("DATABASE_URL: ") && finding.contains("(connection refused)"));
    }
}
