//! All systems, up and down.

use std::io::Write;

use anyhow::Result;
use indicatif::ProgressBar;

use crate::options::Options;
use crate::rounds::Measured;
use crate::systems::binaries::{Binaries, folder};
use crate::systems::fastapi::{self, FastApi, Installed};
use crate::systems::floor::{self, Floor};
use crate::systems::oidc::{self, Oidc};
use crate::systems::ours::{self, Ours, Shared};
use crate::systems::postgres::Postgres;
use crate::systems::site::Stock;

/// Who is there in every system.
const STOCK: Stock = Stock { users: 20_000, readers: 2_000, products: 1_000, every: 1 };

/// Less, for a quick look.
const QUICK: Stock = Stock { users: 2_000, readers: 200, products: 100, every: 1 };

/// Everything runs.
pub(crate) struct Stage {
    pub(crate) postgres: Postgres,
    pub(crate) shared: Shared,
    pub(crate) binaries: Binaries,
    pub(crate) ours: Ours,
    pub(crate) fastapi: Option<(Installed, FastApi)>,
    pub(crate) oidc: Option<Oidc>,
    pub(crate) floor: Floor,
}

impl Stage {
    /// Builds, installs, fills and starts.
    pub(crate) async fn up(options: &Options, bar: &ProgressBar) -> Result<Self> {
        let binaries = Binaries::build(!options.quick).await?;
        std::fs::create_dir_all(folder())?;
        let postgres = Postgres::start(&folder(), bar).await?;
        let shared = Shared::generate()?;
        let stock = if options.quick { QUICK } else { STOCK };
        bar.set_message("filling our databases");
        let ours = ours::start(&binaries, &postgres, &shared, "ours", stock, "warn").await?;
        let floor = floor::start(&shared, &ours.site).await?;
        let mut stage = Self { postgres, shared, binaries, ours, fastapi: None, oidc: None, floor };
        if !options.quick && !options.without_peers {
            stage.peers(stock, bar).await;
        }
        Ok(stage)
    }

    /// Starts the peers; one that cannot be installed here is left out, and the report says so.
    async fn peers(&mut self, stock: Stock, bar: &ProgressBar) {
        let fastapi = async {
            let installed = fastapi::install(bar).await?;
            bar.set_message("filling the FastAPI peer");
            let running = installed.start(&self.postgres, &self.shared, stock).await?;
            anyhow::Ok((installed, running))
        };
        self.fastapi = found("the FastAPI peer", fastapi.await, bar);
        self.oidc = found("node-oidc-provider", oidc::start(&self.shared, bar).await, bar);
    }

    /// Our services, as are the others below, as processes of their own for each round: how fast one is
    /// depends on where its memory happens to be, as long as it lives.
    pub(crate) async fn restart_ours(&mut self) -> Result<Measured<'_>> {
        self.ours.restart().await?;
        let servers = self.ours.servers();
        Ok(Measured { postgres: &self.postgres, site: &self.ours.site, servers })
    }

    /// The peer shop.
    pub(crate) async fn restart_fastapi(&mut self) -> Result<Option<Measured<'_>>> {
        let Some((_, peer)) = &mut self.fastapi else { return Ok(None) };
        peer.process.restart().await?;
        let servers = vec![peer.process.pid()];
        Ok(Some(Measured { postgres: &self.postgres, site: &peer.site, servers }))
    }

    /// The peer token issuer.
    pub(crate) async fn restart_oidc(&mut self) -> Result<Option<Measured<'_>>> {
        let Some(peer) = &mut self.oidc else { return Ok(None) };
        peer.process.restart().await?;
        let servers = vec![peer.process.pid()];
        Ok(Some(Measured { postgres: &self.postgres, site: &peer.site, servers }))
    }

    /// The bearer check alone.
    pub(crate) async fn restart_floor(&mut self) -> Result<Measured<'_>> {
        self.floor.process.restart().await?;
        let servers = vec![self.floor.process.pid()];
        Ok(Measured { postgres: &self.postgres, site: &self.floor.site, servers })
    }
}

/// Says something, beside the bar or without one.
pub(crate) fn say(bar: &ProgressBar, text: &str) {
    // Nobody reading is no reason to stop.
    let _ = bar.suspend(|| writeln!(std::io::stdout(), "{text}"));
}

fn found<T>(name: &str, peer: Result<T>, bar: &ProgressBar) -> Option<T> {
    match peer {
        Ok(peer) => Some(peer),
        Err(error) => {
            say(bar, &format!("Without {name}: {error:#}"));
            None
        }
    }
}
