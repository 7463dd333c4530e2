//! SQL, taken apart as far as its rules need it.

/// The comment that says why a statement does no harm begins so.
const REASON: &str = "The release before: ";

/// One statement of a file.
pub(super) struct Statement {
    /// Where it begins.
    pub(super) line: usize,
    /// In capitals, with single spaces, without comments and what stands in quotes.
    pub(super) text: String,
    /// Whether a comment of it says why it does no harm.
    pub(super) has_reason: bool,
}

/// The statements of a file, in their order.
pub(super) fn statements(sql: &str) -> Vec<Statement> {
    let (mut found, mut rest, mut begun) = (Vec::new(), sql, None);
    let (mut text, mut has_reason) = (String::new(), false);
    while let Some(c) = rest.chars().next() {
        let here = sql.len() - rest.len();
        let length = if let Some(comment) = rest.strip_prefix("--") {
            let comment = comment.lines().next().unwrap_or_default();
            let reason = comment.trim().strip_prefix(REASON.trim_end());
            has_reason |= reason.is_some_and(|reason| !reason.trim().is_empty());
            2 + comment.len()
        } else if rest.starts_with("/*") {
            text.push(' ');
            through(rest, "*/", 2)
        } else if c == '\'' {
            text.push_str("''");
            through(rest, "'", 1)
        } else if let Some(tag) = dollar_tag(rest) {
            text.push_str("''");
            through(rest, tag, tag.len())
        } else if c == ';' {
            found.extend(statement(sql, begun.take(), &std::mem::take(&mut text), has_reason));
            has_reason = false;
            1
        } else {
            if !c.is_whitespace() {
                begun.get_or_insert(here);
            }
            text.extend(c.to_uppercase().filter(|c| *c != '"'));
            c.len_utf8()
        };
        rest = &rest[length..];
    }
    found.extend(statement(sql, begun, &text, has_reason));
    found
}

fn statement(sql: &str, begun: Option<usize>, text: &str, has_reason: bool) -> Option<Statement> {
    let line = sql[..begun?].matches('\n').count() + 1;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(Statement { line, text, has_reason })
}

/// How long what begins here is, with its `end`.
fn through(rest: &str, end: &str, from: usize) -> usize {
    rest[from..].find(end).map_or(rest.len(), |place| from + place + end.len())
}

/// `$$` or `$tag$`, where a text in it begins here.
fn dollar_tag(rest: &str) -> Option<&str> {
    let tag = rest.strip_prefix('$')?;
    let end = tag.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
    tag[end..].starts_with('$').then(|| &rest[..end + 2])
}
