//! What a crate may depend on.

use std::path::Path;

/// Every dependency of the crate in `folder`, for whatever purpose, that it must not have.
///
/// # Panics
/// When the crate has no readable `Cargo.toml`.
pub fn forbids(folder: impl AsRef<Path>, names: &[&str]) -> Vec<String> {
    let path = folder.as_ref().join("Cargo.toml");
    let manifest = match std::fs::read_to_string(&path) {
        Ok(manifest) => manifest,
        Err(error) => panic!("{}: {error}", path.display()),
    };
    let forbidden = |name: &String| names.iter().any(|other| canonical(other) == *name);
    let found = dependencies(&manifest).into_iter().filter(forbidden);
    found.map(|name| format!("{}: must not depend on {name}", path.display())).collect()
}

/// The packages named in every table of dependencies.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_table = false;
    for line in manifest.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            is_table = header.ends_with("dependencies");
            // `[dependencies.name]`
            if let Some((table, name)) = header.rsplit_once('.')
                && table.ends_with("dependencies")
            {
                found.push(canonical(name));
            }
            continue;
        }
        // Renamed: `other = { package = "name" }`
        if let Some((_, package)) = line.split_once("package") {
            found.extend(package.split('"').nth(1).map(canonical));
        }
        if is_table && let Some((name, _)) = line.split_once(['=', '.', ' ']) {
            found.push(canonical(name));
        }
    }
    found
}

/// Cargo takes `-` and `_` for one.
fn canonical(name: &str) -> String {
    name.trim().trim_matches('"').replace('_', "-")
}
