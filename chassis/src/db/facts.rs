//! What a server says about itself, for whoever judges it.

use super::{Db, DbError};

/// Facts of the server, and of who asks.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The user, quoted as SQL wants it.
    pub user: String,
    /// The database, quoted as SQL wants it.
    pub database: String,
    /// Whether the user may do anything.
    pub is_superuser: bool,
    /// Whether the user is the one that the server was made with: nothing can be taken from it.
    pub is_bootstrap_user: bool,
    /// Whether what came over a network came without TLS: from here, or from a pooler between.
    pub is_plain: bool,
    /// How many connections all users together may have who are no superusers.
    pub connections: i32,
    /// The major version.
    pub major_version: i32,
    /// Settings without which what was committed may be lost, and which are off.
    pub off: Vec<String>,
}

const FACTS: &str = "
    SELECT quote_ident(current_user) AS \"user\",
           quote_ident(current_database()) AS database,
           role.rolsuper AS is_superuser,
           role.oid = 10 AS is_bootstrap_user,
           NOT ssl.ssl AND coalesce(NOT inet '127.0.0.0/8' >>= inet_client_addr()
                                    AND inet_client_addr() <> inet '::1', false) AS is_plain,
           current_setting('max_connections')::int
               - current_setting('superuser_reserved_connections')::int
               - coalesce(current_setting('reserved_connections', true), '0')::int AS connections,
           current_setting('server_version_num')::int / 10000 AS major_version,
           ARRAY(SELECT name FROM unnest(ARRAY['fsync', 'full_page_writes', 'synchronous_commit'])
                     AS name
                 WHERE current_setting(name) = 'off') AS off
    FROM pg_roles AS role, pg_stat_ssl AS ssl
    WHERE role.rolname = current_user AND ssl.pid = pg_backend_pid()";

impl Db {
    /// Asks for the facts.
    pub async fn facts(&self) -> Result<Facts, DbError> {
        let row = self.get().await?.query_one(FACTS, &[]).await?;
        Ok(Facts {
            user: row.try_get("user")?,
            database: row.try_get("database")?,
            is_superuser: row.try_get("is_superuser")?,
            is_bootstrap_user: row.try_get("is_bootstrap_user")?,
            is_plain: row.try_get("is_plain")?,
            connections: row.try_get("connections")?,
            major_version: row.try_get("major_version")?,
            off: row.try_get("off")?,
        })
    }
}
