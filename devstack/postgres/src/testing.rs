//! One server a test process, a database a test.
//!
//! ```no_run
//! # async fn migrate(url: &str) {}
//! # async fn example() {
//! let database = devstack_postgres::testing::database_from_template("shop", async |url| {
//!     migrate(&url).await;
//! })
//! .await;
//! let url = database.url();
//! # }
//! ```
//!
//! All failures panic, with the reason: a test has nothing better to do.
//!
//! The server belongs to a thread of its own, the clerk, which also creates
//! and deletes the databases, one at a time and over one connection: every
//! `#[tokio::test]` has its own runtime, and PostgreSQL refuses to copy a
//! template that somebody else is using.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::OnceCell;

mod clerk;
mod standby;
mod throw_away;

pub use standby::standby;

static NUMBER: AtomicU64 = AtomicU64::new(1);
static TEMPLATES: Mutex<Option<HashMap<String, Arc<OnceCell<()>>>>> = Mutex::new(None);

/// A database that lives as long as this value; connections that outlive it
/// are closed.
#[must_use = "the database is deleted when this value is dropped"]
pub struct TestDatabase {
    name: String,
    url: String,
}

impl TestDatabase {
    /// Where it is: `postgres://…`, with the password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name, unique in this process.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Without the password.
impl fmt::Debug for TestDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestDatabase").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        clerk::begin(vec![format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(&self.name))]);
    }
}

/// A new, empty database.
///
/// # Panics
/// When there is no server, with the reason.
pub async fn database() -> TestDatabase {
    // Nobody can connect to template0, so nobody can be in the way.
    copy_of("template0").await
}

/// A copy of the database `template`, which `fill` fills once a process: it
/// gets the URL of an empty database and runs the migrations. A copy takes
/// about a tenth of a second.
///
/// # Panics
/// When there is no server, with the reason; and where `fill` panics.
pub async fn database_from_template(
    template: &str,
    fill: impl AsyncFnOnce(String),
) -> TestDatabase {
    let name = format!("template_{template}");
    let filled = {
        let mut templates = TEMPLATES.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(templates.get_or_insert_default().entry(name.clone()).or_default())
    };
    filled
        .get_or_init(async || {
            let template = quoted(&name);
            // A test that was given up may have left it half filled.
            clerk::run(vec![
                format!("DROP DATABASE IF EXISTS {template} WITH (FORCE)"),
                format!("CREATE DATABASE {template} TEMPLATE template0"),
            ])
            .await;
            fill(clerk::url(&name).await).await;
            // Whoever is still connected would be in the copies' way.
            clerk::run(vec![
                format!("ALTER DATABASE {template} ALLOW_CONNECTIONS false"),
                format!(
                    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
                     WHERE datname = '{}'",
                    name.replace('\'', "''")
                ),
            ])
            .await;
        })
        .await;
    copy_of(&name).await
}

async fn copy_of(template: &str) -> TestDatabase {
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let create = format!("CREATE DATABASE {} TEMPLATE {}", quoted(&name), quoted(template));
    clerk::run(vec![create]).await;
    TestDatabase { url: clerk::url(&name).await, name }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
