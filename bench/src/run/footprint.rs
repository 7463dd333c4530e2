//! Memory before any load, how long a start takes, how large the binaries are.

use anyhow::Result;

use super::Bench;
use crate::machine::memory;
use crate::results::{Metric, Round};
use crate::rounds::{Measured, float};
use crate::systems::{floor, ours};

const COLD: &str = "cold start";
const IDLE: &str = "idle";
const SIZE: &str = "size";

impl Bench {
    pub(super) async fn footprint(&mut self) -> Result<()> {
        if self.options.quick {
            return Ok(());
        }
        if self.options.wants(IDLE) {
            self.idle().await?;
        }
        if self.options.wants(COLD) {
            self.cold().await?;
        }
        if self.options.wants(SIZE) {
            self.size()?;
        }
        Ok(())
    }

    async fn idle(&mut self) -> Result<()> {
        let used = |measured: Measured<'_>| float(memory(&measured.servers));
        let ours = used(self.stage.restart_ours().await?);
        let peer = self.stage.restart_fastapi().await?.map(used);
        for (name, used) in [("ours", Some(ours)), ("FastAPI", peer)] {
            if let Some(used) = used {
                self.results.add(IDLE, name, Round::from([(Metric::Memory, used)]));
            }
        }
        self.show(IDLE);
        Ok(())
    }

    async fn cold(&mut self) -> Result<()> {
        self.bar.set_message(COLD);
        for _ in 0..self.options.rounds() {
            let stage = &self.stage;
            let database = &stage.ours.site.database;
            let ours =
                ours::cold_start(&stage.binaries, &stage.postgres, &stage.shared, database).await?;
            let floor = floor::cold_start(&stage.shared).await?;
            let peer = match &stage.fastapi {
                Some((installed, _)) => {
                    Some(installed.cold_start(&stage.postgres, &stage.shared).await?)
                }
                None => None,
            };
            for (name, took) in [("ours", Some(ours)), ("floor", Some(floor)), ("FastAPI", peer)] {
                if let Some(took) = took {
                    self.results.add(
                        COLD,
                        name,
                        Round::from([(Metric::Seconds, took.as_secs_f64())]),
                    );
                }
            }
        }
        self.show(COLD);
        Ok(())
    }

    fn size(&mut self) -> Result<()> {
        let binaries = &self.stage.binaries;
        for (name, file) in [("auth-service", &binaries.auth), ("shop-service", &binaries.shop)] {
            let bytes = std::fs::metadata(file)?.len();
            self.results.add(SIZE, name, Round::from([(Metric::Bytes, float(bytes))]));
        }
        Ok(())
    }
}
