//! Imports against the order of the modules: by `use` or by a path, from `crate` or by `super`.

use super::source::{Source, Token};

/// What a file of the crate's root may be called without being a module.
const ROOTS: [&str; 2] = ["lib.rs", "main.rs"];

/// Each name that `file` takes from a module after its own, or from none.
pub(super) fn against(order: &[&str], file: &str, source: &Source) -> Vec<String> {
    if ROOTS.contains(&file) || file.starts_with("bin/") {
        return Vec::new();
    }
    let own = file.split('/').next().unwrap_or_default().trim_end_matches(".rs");
    let Some(place) = order.iter().position(|module| *module == own) else {
        return vec![format!("{file}: {own} has no place in the order")];
    };
    let judge = |import: Import| match order.iter().position(|module| *module == import.name) {
        Some(found) if found <= place => None,
        Some(_) => Some(format!(
            "{file}:{}: {own} uses {}, which stands after it",
            import.line, import.name
        )),
        None => Some(format!(
            "{file}:{}: crate::{} is none of the modules in the order",
            import.line, import.name
        )),
    };
    imports(&source.tokens, depth(file)).into_iter().filter_map(judge).collect()
}

struct Import {
    name: String,
    line: usize,
}

/// How many modules deep a file is: `keys.rs` and `tokens/mod.rs` 1, `tokens/form.rs` 2.
fn depth(file: &str) -> usize {
    let segments = file.split('/').count();
    if file.ends_with("/mod.rs") { segments - 1 } else { segments }
}

/// The names taken from the root of the crate.
fn imports(tokens: &[Token], depth: usize) -> Vec<Import> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let mut found = Vec::new();
    // Whether each open brace is a module's.
    let mut braces = Vec::new();
    for at in 0..tokens.len() {
        match text(at) {
            "{" => braces.push(at >= 2 && text(at - 2) == "mod"),
            "}" => _ = braces.pop(),
            // `$crate` and `pub(in crate::…)` say nothing of imports, but cannot hurt.
            "crate" if text(at + 1) == "::" => found.extend(names(tokens, at + 2)),
            "super" if at == 0 || text(at - 1) != "::" => {
                let inner = braces.iter().filter(|is_module| **is_module).count();
                let supers = (0..).take_while(|i| text(at + 2 * i) == "super").count();
                if supers == depth + inner && text(at + 2 * supers - 1) == "::" {
                    found.extend(names(tokens, at + 2 * supers));
                }
            }
            _ => {}
        }
    }
    found
}

/// The first segments of the path, or of each path of the group, that begins at `start`.
fn names(tokens: &[Token], start: usize) -> Vec<Import> {
    let import = |token: &Token| Import { name: token.text.clone(), line: token.line };
    let mut rest = tokens[start.min(tokens.len())..].iter();
    let Some(first) = rest.next() else { return Vec::new() };
    if first.text != "{" {
        return vec![import(first)];
    }
    let (mut depth, mut is_first, mut found) = (1, true, Vec::new());
    for token in rest {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" if depth == 1 => break,
            "}" => depth -= 1,
            "," if depth == 1 => is_first = true,
            _ if is_first => {
                is_first = false;
                found.push(import(token));
            }
            _ => {}
        }
    }
    found
}
