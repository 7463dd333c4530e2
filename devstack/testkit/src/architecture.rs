//! Judging a crate's sources and migrations by the rules of the house, as text.
//!
//! The reading is rough, as a reader's glance is: what a macro makes is not seen, and whoever
//! wants to hide an import can. It is there to keep honest people in order.

mod imports;
mod manifest;
mod migrations;
mod source;
mod sql;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use manifest::forbids;
pub use migrations::not_additive;
use source::Source;

/// No file is longer.
const LINES_MAX: usize = 320;

/// Names of drawers into which anything fits.
const DRAWERS: [&str; 12] = [
    "common",
    "commons",
    "etc",
    "helper",
    "helpers",
    "lib2",
    "misc",
    "miscellaneous",
    "shared",
    "stuff",
    "util",
    "utils",
];

/// The three files that every feature has.
const FEATURE_FILES: [&str; 3] = ["routes.rs", "mod.rs", "store.rs"];

/// Where SQL stands.
const STORE: &str = "store.rs";

/// A crate as its rules describe it.
#[derive(Debug, Clone)]
pub struct House<'a> {
    /// Its `src` folder.
    pub src: PathBuf,
    /// Its top-level modules: each may use itself and those before it.
    pub order: &'a [&'a str],
    /// Those of them that are features.
    pub features: &'a [&'a str],
}

impl House<'_> {
    /// Everything in the sources that is against the rules, each with its place.
    ///
    /// # Panics
    /// When the sources cannot be read, or there are none.
    pub fn violations(&self) -> Vec<String> {
        let files = files(&self.src);
        assert!(!files.is_empty(), "no sources in {}", self.src.display());
        let mut found = self.missing();
        for path in &files {
            let file = relative(path, &self.src);
            let text = match std::fs::read_to_string(path) {
                Ok(text) => text,
                Err(error) => panic!("{}: {error}", path.display()),
            };
            found.extend(drawers(&file));
            found.extend(length(&file, &text));
            let source = Source::read(&text);
            found.extend(imports::against(self.order, &file, &source));
            if path.file_name() != Some(STORE.as_ref()) && !is_test(&file) {
                found.extend(sql::outside_of_stores(&file, &source));
            }
        }
        found
    }

    /// Modules of the order that do not exist, and features that lack one of their files.
    fn missing(&self) -> Vec<String> {
        let exists = |name: &str| self.src.join(name).exists();
        let is_module = |name: &str| exists(&format!("{name}.rs")) || exists(name);
        let modules = self.order.iter().filter(|name| !is_module(name));
        let modules =
            modules.map(|name| format!("{name}: in the order, but there is no such module"));
        let features = self.features.iter().flat_map(|feature| {
            let is_missing = move |file: &&&str| !exists(&format!("{feature}/{file}"));
            let files = FEATURE_FILES.iter().filter(is_missing);
            files.map(move |file| format!("{feature}: a feature, but it has no {file}"))
        });
        modules.chain(features).collect()
    }
}

/// Whether a file holds only tests of its neighbour.
fn is_test(file: &str) -> bool {
    file.ends_with("/tests.rs") || file.contains("/tests/")
}

fn drawers(file: &str) -> Vec<String> {
    let names = file.trim_end_matches(".rs").split('/');
    let drawers = names.filter(|name| DRAWERS.contains(&name.to_lowercase().as_str()));
    drawers.map(|name| format!("{file}: {name} is a drawer's name; say what is in it")).collect()
}

fn length(file: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    (lines > LINES_MAX).then(|| format!("{file}: {lines} lines, more than {LINES_MAX}"))
}

fn relative(path: &Path, base: &Path) -> String {
    path.strip_prefix(base).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// Every `.rs` file below `folder`, in a fixed order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension() == Some("rs".as_ref()) {
            files.push(path);
        }
    }
    files.sort_unstable();
    files
}
