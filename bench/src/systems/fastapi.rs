//! The peer shop: FastAPI, two workers, in an environment of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;
use tokio::process::Command;

use super::binaries::{checkout, folder};
use super::ours::Shared;
use super::postgres::Postgres;
use super::process::{Greeting, Process, free_address, output};
use super::site::{Dialect, Site, Stock};
use crate::scenarios::request::Request;

/// Its own database: it drops and creates the tables.
const DATABASE: &str = "fastapi";

/// Its program, and the Python that runs it.
pub(crate) struct Installed {
    program: PathBuf,
    environment: PathBuf,
    /// `Python 3.13.1`
    pub(crate) version: String,
}

/// The peer, filled and ready.
pub(crate) struct FastApi {
    pub(crate) site: Arc<Site>,
    pub(crate) process: Process,
}

/// Installs what it needs, where that is not there yet.
pub(crate) async fn install(bar: &ProgressBar) -> Result<Installed> {
    let program = checkout().join("bench/peers/fastapi");
    let environment = folder().join("fastapi-environment");
    let python = environment.join("bin/python");
    let requirements = program.join("requirements.txt");
    let wanted = std::fs::read_to_string(&requirements)?;
    let stamp = environment.join("installed.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(Installed { program, environment, version: version(&python).await? });
    }
    bar.set_message("installing the FastAPI peer");
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&environment);
    output(&mut venv).await.context("it needs Python 3.11 or later with venv")?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    output(pip.arg(&requirements)).await?;
    std::fs::write(&stamp, wanted)?;
    Ok(Installed { program, environment, version: version(&python).await? })
}

async fn version(python: &Path) -> Result<String> {
    Ok(output(Command::new(python).arg("--version")).await?.trim().to_owned())
}

impl Installed {
    /// Fills its database, starts it, and gives everybody a token.
    pub(crate) async fn start(
        &self,
        postgres: &Postgres,
        shared: &Shared,
        stock: Stock,
    ) -> Result<FastApi> {
        postgres.create(DATABASE).await?;
        let Stock { users, readers, products, .. } = stock;
        self.call(postgres, shared, &["init"]).await?;
        self.call(postgres, shared, &["seed", &users.to_string(), &products.to_string()]).await?;
        self.call(postgres, shared, &["carts", &readers.to_string(), "5"]).await?;
        self.call(postgres, shared, &["orders", &readers.to_string(), "10", "3"]).await?;
        postgres.execute(DATABASE, "VACUUM ANALYZE").await?;

        let (address, process) = self.spawn(postgres, shared).await?;
        let mut site = Site::new(Dialect::FastApi, address, address, stock);
        site.tokens = self.tokens(postgres, shared, stock).await?;
        DATABASE.clone_into(&mut site.database);
        Ok(FastApi { site: Arc::new(site), process })
    }

    /// Starts another, and says how long it took until it answered from its database.
    pub(crate) async fn cold_start(
        &self,
        postgres: &Postgres,
        shared: &Shared,
    ) -> Result<Duration> {
        let started = Instant::now();
        let (_, process) = self.spawn(postgres, shared).await?;
        let took = started.elapsed();
        process.stop().await;
        Ok(took)
    }

    async fn spawn(
        &self,
        postgres: &Postgres,
        shared: &Shared,
    ) -> Result<(std::net::SocketAddr, Process)> {
        let address = free_address()?;
        let mut command = self.command("./start.sh", postgres, shared);
        command.arg(address.port().to_string()).env("VENV", &self.environment);
        let greeting = Greeting { to: address, request: Request::products() };
        Ok((address, Process::start("fastapi", command, greeting).await?))
    }

    async fn tokens(
        &self,
        postgres: &Postgres,
        shared: &Shared,
        stock: Stock,
    ) -> Result<Vec<String>> {
        let file = folder().join("fastapi-tokens.txt");
        let count = stock.users.to_string();
        self.call(postgres, shared, &["tokens", &count, &file.to_string_lossy()]).await?;
        let tokens = std::fs::read_to_string(&file)?;
        std::fs::remove_file(&file)?;
        let tokens: Vec<String> = tokens.lines().map(str::to_owned).collect();
        ensure!(tokens.len() as u64 == stock.users, "{} tokens of the FastAPI peer", tokens.len());
        Ok(tokens)
    }

    async fn call(&self, postgres: &Postgres, shared: &Shared, args: &[&str]) -> Result<()> {
        let python = self.environment.join("bin/python");
        let mut command = self.command(python, postgres, shared);
        output(command.arg("app.py").args(args)).await?;
        Ok(())
    }

    fn command(
        &self,
        program: impl AsRef<std::ffi::OsStr>,
        postgres: &Postgres,
        shared: &Shared,
    ) -> Command {
        let mut command = Command::new(program);
        let url = postgres.url(DATABASE).replacen("postgres://", "postgresql+asyncpg://", 1);
        command.current_dir(&self.program);
        command.env("DATABASE_URL", url).env("SECRET", &shared.token_secret);
        // Longer than any run.
        command.env("TOKEN_SECONDS", "43200");
        command
    }
}
