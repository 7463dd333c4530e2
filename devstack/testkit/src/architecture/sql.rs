//! SQL outside of the stores.

use super::source::Source;

/// How statements begin, and what follows somewhere behind.
const STATEMENTS: [(&str, &str); 6] = [
    ("SELECT", ""),
    ("INSERT", "INTO"),
    ("UPDATE", "SET"),
    ("DELETE", "FROM"),
    ("WITH", "AS"),
    ("TRUNCATE", ""),
];

/// Every literal that is a statement.
pub(super) fn outside_of_stores(file: &str, source: &Source) -> Vec<String> {
    let statements = source.literals.iter().filter(|literal| is_statement(&literal.text));
    let place = |line| format!("{file}:{line}: SQL outside of store.rs");
    statements.map(|literal| place(literal.line)).collect()
}

/// In capitals, as the house writes it; or in lower case with a sign that no sentence has.
fn is_statement(text: &str) -> bool {
    let is_hidden = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_whitespace())
        && text.contains(['$', '*', '=', ';']);
    begins_as_one(text) || is_hidden && begins_as_one(&text.to_ascii_uppercase())
}

fn begins_as_one(text: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut words = text.split(|c| !is_part(c)).filter(|word| !word.is_empty());
    let first = words.next();
    let rest: Vec<&str> = words.collect();
    STATEMENTS.iter().any(|(statement, next)| {
        first == Some(*statement) && (next.is_empty() || rest.contains(next))
    })
}
