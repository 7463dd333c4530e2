//! What a visit sends to PostgreSQL, as the server's log has it: how many statements, and which.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::{sleep, timeout};

use crate::load::Client;
use crate::scenarios::visitor::{Deed, Visitor};
use crate::systems::postgres::Postgres;
use crate::systems::site::Site;

/// Visits that are looked at: one statement of a background job among them does not change the
/// result.
const VISITS: usize = 10;

/// What the shop's workers send for themselves meanwhile, to see what there is to do.
const WORKERS: [&str; 3] = ["pg_notify(", "UPDATE outbox", "FROM outbox"];

/// A statement that was executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    /// `None` is NULL.
    pub(crate) parameters: Vec<Option<String>>,
}

/// What was seen.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Statements of a visit, BEGIN and COMMIT among them.
    pub(crate) count: usize,
    /// Those of the last visit.
    pub(crate) last: Vec<Statement>,
}

/// Looks at what a client of a quiet system sends.
pub(crate) async fn watch(postgres: &Postgres, site: &Arc<Site>, deed: Deed) -> Result<Seen> {
    let clients = Visitor::many(site, deed, 1);
    let mut client = clients.into_iter().next().context("no client")?;
    // What is prepared or connected first is not of this visit.
    client.visit().await?;
    log_statements(postgres, "all").await?;
    let logged = visits(postgres, &mut client).await;
    // Also where a visit failed: what comes next must not be logged.
    log_statements(postgres, "none").await?;
    let [all, last] = logged?.map(|log| parse(&log));
    ensure!(all.len() >= VISITS, "{} statements of {VISITS} visits were logged", all.len());
    Ok(Seen { count: (all.len() + VISITS / 2) / VISITS, last })
}

/// The log of all visits, and of the last one.
async fn visits(postgres: &Postgres, client: &mut Visitor) -> Result<[String; 2]> {
    let begin = position(postgres)?;
    for _ in 1..VISITS {
        client.visit().await?;
    }
    let last = position(postgres)?;
    client.visit().await?;
    Ok([read(postgres, begin)?, read(postgres, last)?])
}

/// How often it is asked whether the server has heard, and how long one waits at most.
const ASK: Duration = Duration::from_millis(5);
const HEARD: Duration = Duration::from_secs(10);

/// Every session hears of it before its next statement; the server tells all of them at once.
async fn log_statements(postgres: &Postgres, which: &str) -> Result<()> {
    let admin = postgres.connect("postgres").await?;
    admin.batch_execute(&format!("ALTER SYSTEM SET log_statement = '{which}'")).await?;
    admin.batch_execute("SELECT pg_reload_conf()").await?;
    let heard = async {
        let show = "SELECT current_setting('log_statement')";
        while admin.query_one(show, &[]).await?.get::<_, &str>(0) != which {
            sleep(ASK).await;
        }
        anyhow::Ok(())
    };
    timeout(HEARD, heard).await.context("the server does not log as it was told to")?
}

fn position(postgres: &Postgres) -> Result<u64> {
    Ok(std::fs::metadata(postgres.log())?.len())
}

fn read(postgres: &Postgres, from: u64) -> Result<String> {
    let mut log = File::open(postgres.log())?;
    log.seek(SeekFrom::Start(from))?;
    let mut text = String::new();
    log.read_to_string(&mut text)?;
    Ok(text)
}

/// Reads a log: an entry's further lines begin with a tab, its parameters are an entry of their own.
fn parse(log: &str) -> Vec<Statement> {
    let mut statements: Vec<Statement> = Vec::new();
    for entry in log.replace("\n\t", "\n ").split_inclusive('\n').collect::<Entries>().0 {
        if let Some(sql) = sql(&entry) {
            statements.push(Statement { sql: sql.trim().to_owned(), parameters: Vec::new() });
        } else if let (Some(list), Some(last)) = (parameters(&entry), statements.last_mut()) {
            last.parameters = list;
        }
    }
    statements
}

/// Lines put together to entries.
struct Entries(Vec<String>);

impl<'a> FromIterator<&'a str> for Entries {
    fn from_iter<T: IntoIterator<Item = &'a str>>(lines: T) -> Self {
        let mut entries: Vec<String> = Vec::new();
        for line in lines {
            match entries.last_mut() {
                Some(entry) if line.starts_with(' ') => entry.push_str(line),
                _ => entries.push(line.to_owned()),
            }
        }
        Self(entries)
    }
}

/// `… LOG:  execute s1: SELECT …` or `… LOG:  statement: BEGIN`
fn sql(entry: &str) -> Option<&str> {
    let (_, said) = entry.split_once("LOG:  ")?;
    match said.strip_prefix("statement: ") {
        Some(sql) if sql.contains("pg_reload_conf") || sql.starts_with("ALTER SYSTEM") => None,
        Some(sql) => Some(sql),
        None => said.strip_prefix("execute ")?.split_once(": ").map(|(_, sql)| sql),
    }
    .filter(|sql| !WORKERS.iter().any(|worker| sql.contains(worker)))
}

/// `… DETAIL:  Parameters: $1 = 'a', $2 = NULL`
fn parameters(entry: &str) -> Option<Vec<Option<String>>> {
    let (_, said) = entry.split_once("DETAIL:  ")?;
    let mut rest = said.strip_prefix("Parameters: ").or(said.strip_prefix("parameters: "))?;
    let mut list = Vec::new();
    while let Some((_, value)) = rest.split_once(" = ") {
        let Some(quoted) = value.strip_prefix('\'') else {
            list.push(None);
            rest = value;
            continue;
        };
        let end = end_of_quoted(quoted)?;
        list.push(Some(quoted.get(..end)?.replace("''", "'")));
        rest = quoted.get(end..)?;
    }
    Some(list)
}

/// Where the quote is that is not doubled.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        at += text.get(at..)?.find('\'')?;
        match text.get(at + 1..)?.starts_with('\'') {
            true => at += 2,
            false => return Some(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_gives_the_statements_with_what_they_were_executed_with() {
        let log = "2026-01-01 00:00:00.000 UTC [7] LOG:  statement: BEGIN\n\
            2026-01-01 00:00:00.000 UTC [7] LOG:  execute s1: \n\
            \t    SELECT a = $1,\n\
            \t    $2\n\
            2026-01-01 00:00:00.000 UTC [7] DETAIL:  Parameters: $1 = 'it''s = ''', $2 = NULL, $3 = '5'\n\
            2026-01-01 00:00:00.000 UTC [7] LOG:  statement: SELECT pg_reload_conf()\n";

        let statements = parse(log);

        assert_eq!(statements.len(), 2);
        assert_eq!(statements[0].sql, "BEGIN");
        assert_eq!(statements[1].sql, "SELECT a = $1,\n     $2");
        let given = ["it's = '", "5"].map(|text| Some(text.to_owned()));
        assert_eq!(statements[1].parameters, [given[0].clone(), None, given[1].clone()]);
    }
}
