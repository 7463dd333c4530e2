//! Migrations that the release before can live with.
//!
//! While a release is rolled out, and after it was taken back, the one before serves from the newer
//! schema. So a migration does only what is known to harm nobody who has not heard of it; or a
//! comment above the statement says why it does no harm:
//!
//! ```sql
//! -- The release before: has not read this column since 0.3.0.
//! ALTER TABLE orders DROP COLUMN remark;
//! ```

mod statement;
#[cfg(test)]
mod tests;

use std::path::Path;

use statement::{Statement, statements};

/// Statements that add something, or nothing at all.
const ADDITIVE: [&str; 8] = [
    "CREATE TABLE ",
    "CREATE INDEX ",
    "CREATE FUNCTION ",
    "CREATE SEQUENCE ",
    "CREATE TYPE ",
    "CREATE VIEW ",
    "LOCK TABLE ",
    "COMMENT ON ",
];

/// What makes demands on rows that the release before writes, where a new column brings it.
const DEMANDS: [&str; 5] = [" UNIQUE", " PRIMARY KEY", " CHECK", " REFERENCES", " CONSTRAINT"];

/// What in a folder of migrations the release before may not live with, each with its place. Those
/// up to the number `first_release` are of a release that had none before it.
///
/// # Panics
/// When they cannot be read, or there are none.
pub fn not_additive(folder: impl AsRef<Path>, first_release: usize) -> Vec<String> {
    let files = files(folder.as_ref());
    assert!(!files.is_empty(), "no migrations in {}", folder.as_ref().display());
    let mut found = Vec::new();
    for (place, (number, name, text)) in files.iter().enumerate() {
        if *number != place + 1 {
            // One that fills a gap later would be older than what is applied, and never be.
            found.push(format!("{name}: is not V{}, the next", place + 1));
        }
        if *number > first_release {
            found.extend(harmful(&statements(text), name));
        }
    }
    found
}

/// Number, name and text of each, in their order.
fn files(folder: &Path) -> Vec<(usize, String, String)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let number = name.strip_prefix('V').and_then(|name| name.split_once("__"));
        let number = number.and_then(|(number, _)| number.parse().ok());
        match (number, std::fs::read_to_string(entry.path())) {
            (Some(number), Ok(text)) => files.push((number, name, text)),
            (_, text) => panic!("{name}: no migration: {:?}", text.err()),
        }
    }
    files.sort_unstable();
    files
}

fn harmful(statements: &[Statement], file: &str) -> Vec<String> {
    let of_this_file: Vec<&str> = statements
        .iter()
        .filter_map(|it| it.text.strip_prefix("CREATE TABLE "))
        .map(name)
        .collect();
    let harmful = |it: &&Statement| !it.has_reason && !is_harmless(&it.text, &of_this_file);
    let found = statements.iter().filter(harmful);
    let told = |it: &Statement| {
        let (line, text) = (it.line, &it.text);
        format!("{file}:{line}: {text}: say why it does no harm: -- The release before: …")
    };
    found.map(told).collect()
}

/// Whether it asks nothing of whoever knows the tables of before only.
fn is_harmless(text: &str, new_tables: &[&str]) -> bool {
    let is_new = |rest: &str| new_tables.contains(&name(rest));
    if !text.split(" REFERENCES ").skip(1).all(|rest| is_new(rest) || lets_go(rest)) {
        return false;
    }
    if let Some(rest) = text.strip_prefix("ALTER TABLE ") {
        return is_new(rest) || actions(rest).iter().all(|action| is_harmless_column(action));
    }
    if let Some(rest) = text.strip_prefix("INSERT INTO ") {
        return is_new(rest);
    }
    if text.starts_with("CREATE UNIQUE INDEX ") || text.starts_with("CREATE TRIGGER ") {
        return text.split_once(" ON ").is_some_and(|(_, rest)| is_new(rest));
    }
    ADDITIVE.iter().any(|beginning| text.starts_with(beginning))
}

/// Whether a row that is referred to can still be deleted by those who do not know who refers to it.
fn lets_go(reference: &str) -> bool {
    let reference = reference.split([',', ';']).next().unwrap_or_default();
    ["ON DELETE CASCADE", "ON DELETE SET"].iter().any(|end| reference.contains(end))
}

/// Whether it is a column that need not be written.
fn is_harmless_column(action: &str) -> bool {
    let is_filled = action.contains(" DEFAULT ") || action.contains(" GENERATED ");
    action.starts_with("ADD COLUMN ")
        && (is_filled || !action.contains(" NOT NULL"))
        && !DEMANDS.iter().any(|demand| action.contains(demand))
}

/// The parts of an `ALTER TABLE`, after the table's name.
fn actions(rest: &str) -> Vec<&str> {
    let (mut found, mut depth, mut start) = (Vec::new(), 0, rest.find(' ').unwrap_or(rest.len()));
    for (place, c) in rest.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                found.push(rest[start..place].trim());
                start = place + 1;
            }
            _ => {}
        }
    }
    found.push(rest[start..].trim());
    found
}

/// The name at the beginning.
fn name(rest: &str) -> &str {
    rest.split([' ', '(']).next().unwrap_or_default()
}
