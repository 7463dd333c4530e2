//! Our binaries, built: with the profile they are released with, or for a quick look as they are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use tokio::process::Command;

/// The checkout's folder.
pub(crate) fn checkout() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Where what is built and downloaded for the bench stays.
pub(crate) fn folder() -> PathBuf {
    checkout().join("target/bench")
}

/// The two services.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    pub(crate) auth: PathBuf,
    pub(crate) shop: PathBuf,
}

/// A line of what cargo tells.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
}

impl Binaries {
    /// Has cargo build them; it shows its own progress.
    pub(crate) async fn build(is_release: bool) -> Result<Self> {
        let profile = if is_release { "release" } else { "dev" };
        let built = Command::new("cargo")
            .args(["build", "--locked", "--profile", profile])
            .args(["--package", "auth-service", "--package", "shop-service", "--bins"])
            .args(["--message-format", "json-render-diagnostics"])
            .current_dir(checkout())
            .stderr(std::process::Stdio::inherit())
            .output()
            .await
            .context("cannot run cargo")?;
        ensure!(built.status.success(), "cargo has not built the services");
        let told = String::from_utf8_lossy(&built.stdout);
        let built: Vec<PathBuf> = told
            .lines()
            .filter_map(|line| serde_json::from_str::<Message>(line).ok()?.executable)
            .collect();
        let find = |name: &str| {
            let found = built.iter().find(|path| path.file_stem().is_some_and(|stem| stem == name));
            found.cloned().with_context(|| format!("cargo has not built {name}"))
        };
        Ok(Self { auth: find("auth-service")?, shop: find("shop-service")? })
    }
}
