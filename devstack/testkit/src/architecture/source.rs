//! A source file as text: its code without comments and literals, and its literals by themselves.

/// A file of Rust, read roughly.
pub(super) struct Source {
    /// Identifiers and punctuation, each with its line.
    pub(super) tokens: Vec<Token>,
    /// String literals outside of tests.
    pub(super) literals: Vec<Literal>,
}

/// An identifier, `::`, or a character.
pub(super) struct Token {
    pub(super) text: String,
    pub(super) line: usize,
}

/// What stands between two quotes.
pub(super) struct Literal {
    pub(super) text: String,
    pub(super) line: usize,
    /// Before which token it stands.
    place: usize,
}

impl Source {
    pub(super) fn read(text: &str) -> Self {
        let mut reader = Reader { rest: text, line: 1, tokens: Vec::new(), literals: Vec::new() };
        while !reader.rest.is_empty() {
            reader.step();
        }
        let Reader { tokens, mut literals, .. } = reader;
        let tests = tests(&tokens);
        literals.retain(|literal| !tests.iter().any(|test| test.contains(&literal.place)));
        Self { tokens, literals }
    }
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token>,
    literals: Vec<Literal>,
}

impl Reader<'_> {
    fn step(&mut self) {
        let rest = self.rest;
        if rest.starts_with("//") {
            self.skip(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.skip(block_comment(rest));
        } else if let Some((prefix, hashes)) = raw_string(rest) {
            let end = format!("\"{}", "#".repeat(hashes));
            let body = &rest[prefix..];
            let length = body.find(&end).unwrap_or(body.len());
            self.literal(body[..length].to_owned());
            self.skip((prefix + length + end.len()).min(rest.len()));
        } else if rest.starts_with('"') {
            let (literal, length) = string(rest);
            self.literal(literal);
            self.skip(length);
        } else if rest.starts_with('\'') {
            self.skip(character(rest));
        } else if let Some(length) = identifier(rest) {
            self.token(length);
        } else if rest.starts_with("::") {
            self.token(2);
        } else {
            let length = rest.chars().next().map_or(0, char::len_utf8);
            if rest.starts_with(char::is_whitespace) {
                self.skip(length);
            } else {
                self.token(length);
            }
        }
    }

    fn skip(&mut self, length: usize) {
        self.line += self.rest[..length].matches('\n').count();
        self.rest = &self.rest[length..];
    }

    fn token(&mut self, length: usize) {
        self.tokens.push(Token { text: self.rest[..length].to_owned(), line: self.line });
        self.skip(length);
    }

    fn literal(&mut self, text: String) {
        self.literals.push(Literal { text, line: self.line, place: self.tokens.len() });
    }
}

/// Block comments nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while let Some(next) = text.get(at..).and_then(|rest| rest.find(['/', '*'])) {
        at += next;
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
        } else {
            at += 1;
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// `r"`, `br##"` and the like: the length of the start, and the number of its hashes.
fn raw_string(text: &str) -> Option<(usize, usize)> {
    let prefix = ["r", "br", "cr"].into_iter().find(|prefix| {
        text.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(['"', '#']))
    })?;
    let after = &text[prefix.len()..];
    let hashes = after.len() - after.trim_start_matches('#').len();
    // `r#type` is an identifier.
    after[hashes..].starts_with('"').then_some((prefix.len() + hashes + 1, hashes))
}

/// A string with its escapes left as they are, and how long it is.
fn string(text: &str) -> (String, usize) {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !is_escaped => return (text[1..at].to_owned(), at + 1),
            _ => is_escaped = c == '\\' && !is_escaped,
        }
    }
    (text[1..].to_owned(), text.len())
}

/// A character literal, or only the quote of a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((at, escaped))) => {
            let from = at + escaped.len_utf8();
            text[from..].find('\'').map_or(text.len(), |end| from + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

fn identifier(text: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.starts_with(is_part).then(|| text.find(|c| !is_part(c)).unwrap_or(text.len()))
}

/// Where the tokens of `#[cfg(test)] mod … { … }` stand.
fn tests(tokens: &[Token]) -> Vec<std::ops::Range<usize>> {
    const ATTRIBUTE: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let starts = tokens
        .windows(ATTRIBUTE.len())
        .enumerate()
        .filter(|(_, window)| window.iter().map(|token| token.text.as_str()).eq(ATTRIBUTE));
    starts.filter_map(|(start, _)| Some(start..end_of_item(tokens, start)?)).collect()
}

/// Where the braces of the item that begins at `start` close; `None` where it has none.
fn end_of_item(tokens: &[Token], start: usize) -> Option<usize> {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match token.text.as_str() {
            ";" if depth == 0 => return None,
            "{" => depth += 1,
            "}" if depth == 1 => return Some(at + 1),
            "}" => depth -= 1,
            _ => {}
        }
    }
    None
}
