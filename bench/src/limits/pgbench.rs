//! pgbench, with the statements that our services send.
//!
//! A visit's statements are taken from the server's log. Ids of users and products become pgbench's
//! variables, so that each transaction is about another one; whatever else was sent stays as it was.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::process::Command;

use crate::statements::Statement;
use crate::systems::binaries::folder;
use crate::systems::postgres::Postgres;
use crate::systems::process::output;
use crate::systems::site::Site;

/// Connections: as many as a service's pool has.
const CONNECTIONS: u64 = 16;

/// Our checkout as one statement.
const CHECKOUT: &str = include_str!("../../sql/checkout.sql");

/// Counts the runs, so that no id comes twice.
fn next_run() -> u64 {
    static RUNS: AtomicU64 = AtomicU64::new(1);
    RUNS.fetch_add(1, Ordering::Relaxed)
}

/// A script for pgbench.
pub(crate) struct Script {
    file: PathBuf,
    database: String,
    /// Who comes: at random one of the first ones, or each once, from this one on.
    users: Users,
}

/// Whom a transaction is about.
#[derive(Clone, Copy)]
enum Users {
    /// Anybody up to this one.
    UpTo(u64),
    /// Those after the first one, up to the second, in turn.
    Between(u64, u64),
}

impl Users {
    fn of_buyers(site: &Site) -> Self {
        Self::Between(site.stock.readers, site.stock.users)
    }
}

impl Script {
    /// What a visit sent that reads as one of the readers.
    pub(crate) fn reading(name: &str, site: &Site, sent: &[Statement]) -> Result<Self> {
        let users = Users::UpTo(site.stock.readers);
        Self::write(name, site, &site.database, users, &together(sent))
    }

    /// What a visit sent that changes something of a buyer's, its COMMIT last.
    pub(crate) fn writing(name: &str, site: &Site, sent: &[Statement]) -> Result<Self> {
        let (commit, change) = sent.split_last().context("nothing was sent")?;
        let text = together(change) + &one(commit, NEW) + ";";
        Self::write(name, site, &site.database, Users::of_buyers(site), &text)
    }

    /// The checkout as one statement.
    pub(crate) fn checkout(site: &Site) -> Result<Self> {
        Self::write("checkout", site, &site.database, Users::of_buyers(site), CHECKOUT)
    }

    /// A refresh: a session is found, and moved on from the generation that was found.
    pub(crate) fn refresh(site: &Site, sent: &[Statement]) -> Result<Self> {
        let [find, rotate] = sent else { bail!("a refresh of {} statements", sent.len()) };
        let find = written(std::slice::from_ref(find), SESSION).replacen(';', " \\gset found_", 1);
        let mut rotate = rotate.clone();
        rotate.sql = rotate.sql.replace("generation = $2", "generation = :found_generation");
        let text = find + &written(&[rotate], SESSION);
        let database = site.database.replace("_shop", "_auth");
        Self::write("refresh", site, &database, Users::UpTo(site.stock.readers), &text)
    }

    fn write(
        name: &str,
        site: &Site,
        database: &str,
        users: Users,
        statements: &str,
    ) -> Result<Self> {
        let whom = match users {
            Users::UpTo(last) => format!("\\set user random(1, {last})"),
            Users::Between(first, last) => {
                let count = last - first;
                format!("\\set user {first} + 1 + (:client_id + :n * {CONNECTIONS}) % {count}")
            }
        };
        let products = site.stock.products;
        let text = format!(
            "\\set n :n + 1\n{whom}\n\\set product 1 + (:user * 7 + :n) % {products}\n\
             \\set new (:client_id + :n * {CONNECTIONS}) * 4\n{statements}\n"
        );
        let file = folder().join("pgbench").join(format!("{name}.sql"));
        std::fs::create_dir_all(folder().join("pgbench"))?;
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Self { file, database: database.to_owned(), users })
    }

    /// Transactions in a second.
    pub(crate) async fn run(&self, postgres: &Postgres, time: Duration) -> Result<f64> {
        let url = postgres.url(&self.database);
        let address = url.strip_prefix("postgres://").context("no URL of PostgreSQL")?;
        let (account, place) = address.split_once('@').context("no account")?;
        let (user, password) = account.split_once(':').context("no password")?;
        let (host, _) = place.split_once('/').context("no database")?;
        let (host, port) = host.split_once(':').context("no port")?;
        let mut pgbench = Command::new(postgres.programs().join("pgbench"));
        pgbench
            .env("PGHOST", host)
            .env("PGPORT", port)
            .env("PGUSER", user)
            .env("PGPASSWORD", password);
        // As the shop has it.
        pgbench.env("PGOPTIONS", "-c plan_cache_mode=force_generic_plan");
        pgbench.args(["--no-vacuum", "--protocol=prepared", "--jobs=1"]);
        pgbench.args([
            format!("--client={CONNECTIONS}"),
            format!("--define=n={}", next_run() * 1_000_000),
        ]);
        match self.users {
            Users::UpTo(_) => pgbench.arg(format!("--time={}", time.as_secs().max(1))),
            // Each comes once; nobody's cart is filled twice.
            Users::Between(first, last) => {
                pgbench.arg(format!("--transactions={}", (last - first) / CONNECTIONS))
            }
        };
        pgbench.arg("--file").arg(&self.file).arg(&self.database);
        let said = output(&mut pgbench).await?;
        let failed =
            said.lines().find_map(|line| line.strip_prefix("number of failed transactions: "));
        ensure!(failed.is_none_or(|failed| failed.starts_with("0 ")), "pgbench: {said}");
        let rate = said
            .lines()
            .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        rate.with_context(|| format!("pgbench says no rate: {said}"))
    }
}

/// What stands for an id that is neither a user's nor a product's: one that nobody has yet.
const NEW: (&str, &str) = ("f000", ":new");
/// Or the session of the same number as the user.
const SESSION: (&str, &str) = ("d000", ":user");

/// Statements with pgbench's variables in the place of ids.
fn written(statements: &[Statement], other: (&str, &str)) -> String {
    statements.iter().map(|statement| one(statement, other) + ";\n").collect()
}

/// What our services send together without waiting, pgbench does as well.
fn together(statements: &[Statement]) -> String {
    match statements.len() {
        1 => written(statements, NEW),
        _ => format!("\\startpipeline\n{}\\endpipeline\n", written(statements, NEW)),
    }
}

fn one(statement: &Statement, other: (&str, &str)) -> String {
    let mut sql = statement.sql.clone();
    // The highest first: `$1` is the beginning of `$10`.
    for (at, value) in statement.parameters.iter().enumerate().rev() {
        let value = match value.as_deref() {
            None => "NULL".to_owned(),
            Some(value) => match kind(value) {
                Some("8000") => id("8000", ":user"),
                Some("9000") => id("9000", ":product"),
                Some(_) => id(other.0, other.1),
                None => format!("'{}'", value.replace('\'', "''")),
            },
        };
        sql = sql.replace(&format!("${}", at + 1), &value);
    }
    sql
}

/// What a UUID is of, as `seed` makes them; `None` where this is no UUID, or none of the present.
fn kind(value: &str) -> Option<&str> {
    let id: uuid::Uuid = value.parse().ok()?;
    (!id.is_nil() && !id.is_max()).then(|| value.get(19..23)).flatten()
}

/// An id of a number that pgbench knows.
fn id(kind: &str, number: &str) -> String {
    format!("('01900000-0000-7000-{kind}-' || lpad(({number}::bigint)::text, 12, '0'))::uuid")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::site::user_id;

    #[test]
    fn a_transaction_is_about_another_user_each_time() {
        let sql = "SELECT $1, $2, $10".to_owned();
        let mut parameters = vec![None; 10];
        parameters[0] = Some(user_id(7));
        parameters[1] = Some("it's".to_owned());
        parameters[9] = Some("01900000-1111-7000-8123-000000000001".to_owned());

        let text = written(&[Statement { sql, parameters }], NEW);

        let (user, new) = (id("8000", ":user"), id("f000", ":new"));
        assert_eq!(text, format!("SELECT {user}, 'it''s', {new};\n"));
    }
}
