//! The peer token issuer: node-oidc-provider, two workers.

use std::sync::Arc;

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use tokio::process::Command;

use super::binaries::{checkout, folder};
use super::ours::Shared;
use super::process::{Greeting, Process, free_address, output};
use super::site::{Dialect, Site, Stock};
use crate::scenarios::request::Request;

/// What it is made of.
const FILES: [&str; 3] = ["package.json", "package-lock.json", "server.js"];

/// The one that it has for its only client.
const SECRET: &str = "bench-secret-bench-secret-bench-secret";

/// Nobody shops there.
const NOBODY: Stock = Stock { users: 0, readers: 0, products: 0, every: 1 };

/// The peer, ready.
pub(crate) struct Oidc {
    pub(crate) site: Arc<Site>,
    pub(crate) process: Process,
    /// `v20.1.0`
    pub(crate) version: String,
}

/// Installs it where it is not there yet, and starts it.
pub(crate) async fn start(shared: &Shared, bar: &ProgressBar) -> Result<Oidc> {
    let (from, program) =
        (checkout().join("bench/peers/oidc-provider"), folder().join("oidc-provider"));
    std::fs::create_dir_all(&program)?;
    let read = |folder: &std::path::Path| FILES.map(|file| std::fs::read(folder.join(file)).ok());
    if read(&from) != read(&program) || !program.join("node_modules").exists() {
        bar.set_message("installing node-oidc-provider");
        for file in FILES {
            std::fs::copy(from.join(file), program.join(file))
                .with_context(|| format!("cannot copy {file}"))?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(&program);
        output(&mut npm).await.context("it needs Node 20 or later with npm")?;
    }
    let version = output(Command::new("node").arg("--version")).await?.trim().to_owned();

    let address = free_address()?;
    let mut node = Command::new("node");
    node.arg("server.js").current_dir(&program);
    node.env("PORT", address.port().to_string()).env("WORKERS", "2").env("TOKEN_FORMAT", "jwt");
    node.env("SECRET", &shared.token_secret).env("NODE_ENV", "production");
    let mut site = Site::new(Dialect::OidcProvider, address, address, NOBODY);
    SECRET.clone_into(&mut site.machine_secret);
    let greeting = Greeting { to: address, request: Request::machine_token(&site) };
    let process = Process::start("oidc-provider", node, greeting).await?;
    Ok(Oidc { site: Arc::new(site), process, version })
}
