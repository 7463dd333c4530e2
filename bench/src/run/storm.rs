//! Reading a cart while others log in: hashes may take all processors, and shoppers must not feel it.

use std::sync::Arc;

use anyhow::Result;

use super::Bench;
use crate::rounds::undisturbed;

/// Carts read a second.
const RATE: f64 = 100.0;

const NAME: &str = "GET /cart/ in a login storm";

impl Bench {
    pub(super) async fn storm(&mut self) -> Result<()> {
        if !self.options.wants(NAME) {
            return Ok(());
        }
        self.bar.set_message(NAME);
        let (warm_up, time) = (self.options.warm_up(), self.options.time());
        for _ in 0..self.options.rounds() {
            let ours = self.stage.restart_ours().await?;
            let login = Arc::clone(ours.site);
            let ours =
                undisturbed(async || ours.in_storm(&login, RATE, warm_up, time).await).await?;
            let floor = self.stage.restart_floor().await?;
            let floor =
                undisturbed(async || floor.in_storm(&login, RATE, warm_up, time).await).await?;
            let peer = match self.stage.restart_fastapi().await? {
                Some(peer) => Some(
                    undisturbed(async || peer.in_storm(peer.site, RATE, warm_up, time).await)
                        .await?,
                ),
                None => None,
            };
            self.results.add(NAME, "ours", ours);
            self.results.add(NAME, "floor", floor);
            if let Some(peer) = peer {
                self.results.add(NAME, "FastAPI", peer);
            }
        }
        self.show(NAME);
        Ok(())
    }
}
