//! What the documents point at is there: files, sections, sources.

#![expect(clippy::unwrap_used, reason = "a test says by panicking what it missed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Every file of the repository, relative to its root; not what was built or is hidden.
fn files() -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    let mut folders = vec![PathBuf::from(ROOT)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let relative = path.strip_prefix(ROOT).unwrap().to_str().unwrap().to_owned();
            if path.is_file() {
                files.insert(relative);
            } else if relative != "target" && !relative.starts_with('.') {
                folders.push(path);
            }
        }
    }
    files
}

fn documents() -> Vec<(String, String)> {
    let files = files().into_iter().filter(|file| file.ends_with(".md"));
    let read = |file: String| {
        let text = fs::read_to_string(Path::new(ROOT).join(&file)).unwrap();
        (file, text)
    };
    files.map(read).collect()
}

/// A heading's anchor, as it is made of its text.
fn anchor(heading: &str) -> String {
    let kept = |c: char| c.is_alphanumeric() || c == ' ' || c == '-';
    let text: String = heading.to_lowercase().chars().filter(|c| kept(*c)).collect();
    text.trim().replace(' ', "-")
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#'))).collect()
}

/// The targets of `[text](target)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut seen = 0;
    for (file, text) in documents() {
        for link in links(&text).filter(|link| !link.contains("://")) {
            let (path, section) = link.split_once('#').unwrap_or((link, ""));
            let own = PathBuf::from(&file);
            let target = match path {
                "" => own,
                path => own.parent().unwrap().join(path),
            };
            let target = Path::new(ROOT).join(target);
            assert!(target.exists(), "{file} links to {link}");
            if !section.is_empty() {
                let there = anchors(&fs::read_to_string(&target).unwrap());
                assert!(there.contains(section), "{file} links to {link}: {there:?}");
            }
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen} links");
}

#[test]
fn every_source_that_a_document_names_exists() {
    let files = files();
    // Of a feature, not of one in particular.
    let of_any = ["mod.rs", "routes.rs", "store.rs", "lib.rs", "main.rs"];
    let mut seen = 0;
    for (file, text) in documents() {
        let named = text.split('`').skip(1).step_by(2);
        for name in named.filter(|name| name.ends_with(".rs") && !of_any.contains(name)) {
            let ending = format!("/{name}");
            let is_there = |there: &String| there == name || there.ends_with(&ending);
            assert!(files.iter().any(is_there), "{file} names {name}");
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen} sources");
}

#[test]
fn the_security_document_says_what_whoever_trusts_it_looks_for() {
    let text = fs::read_to_string(Path::new(ROOT).join("docs/security.md")).unwrap();

    let sections = anchors(&text);

    for section in ["the-threat-model", "what-is-promised", "what-is-not", "reporting"] {
        assert!(sections.contains(section), "no {section}: {sections:?}");
    }
    assert!(text.contains("whoever verifies could mint"), "what a shared secret means");
}

/// The lines are those that the restore test runs, whoever changes them.
#[test]
fn the_runbook_has_the_lines_that_are_tested() {
    let runbook = fs::read_to_string(Path::new(ROOT).join("docs/running.md")).unwrap();
    let lines = fs::read_dir(Path::new(ROOT).join("devstack/tests/system/restore")).unwrap();
    let lines = lines.map(|entry| entry.unwrap().path());
    let mut seen = 0;
    for file in lines.filter(|file| file.extension().is_some_and(|ending| ending == "sh")) {
        let block = format!("```sh\n{}```\n", fs::read_to_string(&file).unwrap());
        assert!(runbook.contains(&block), "not in docs/running.md: {}", file.display());
        seen += 1;
    }
    assert_eq!(seen, 4);
}
