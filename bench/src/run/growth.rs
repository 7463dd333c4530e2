//! The same requests on much more data: what they cost must not grow with it.

use std::sync::Arc;

use anyhow::{Context, Result};

use super::Bench;
use crate::rounds::{Measured, undisturbed};
use crate::scenarios::Scenario;
use crate::scenarios::visitor::Deed;
use crate::seed::{self, More};
use crate::systems::ours::{self, Ours};
use crate::systems::site::{Dialect, Site, Stock};

/// Little, and much. Of a million users, ten thousand are met.
const SIZES: [(&str, Stock, More); 2] = [
    (
        "small",
        Stock { users: 1_000, readers: 1, products: 1_000, every: 1 },
        More { orders: 10, sessions: 1 },
    ),
    (
        "large",
        Stock { users: 1_000_000, readers: 1, products: 100_000, every: 100 },
        More { orders: 10_000, sessions: 1_000_000 },
    ),
];

/// What grows, what is asked, and whether everybody asks or the first one alone.
const QUESTIONS: [(&str, Deed, bool); 4] = [
    ("growth: orders", Deed::Orders, false),
    ("growth: users", Deed::Me, true),
    ("growth: products", Deed::Products, false),
    ("growth: expired sessions", Deed::Refresh, false),
];

const CLIENTS: usize = 16;

impl Bench {
    pub(super) async fn growth(&mut self) -> Result<()> {
        let wanted = QUESTIONS.into_iter().filter(|(name, ..)| self.options.wants(name));
        let wanted: Vec<_> = wanted.collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let mut systems = Vec::new();
        for (name, stock, more) in SIZES {
            self.bar.set_message(format!("filling the {name} databases"));
            let stage = &self.stage;
            let ours =
                ours::start(&stage.binaries, &stage.postgres, &stage.shared, name, stock, "warn")
                    .await?;
            seed::grow(&stage.postgres, name, stock, more).await?;
            ours::log_in(&ours.site, CLIENTS + 1).await?;
            systems.push((name, stock, ours));
        }
        for (question, deed, is_everybodys) in wanted {
            self.question(question, deed, is_everybodys, &mut systems).await.context(question)?;
        }
        for (_, _, ours) in systems {
            ours.auth.stop().await;
            ours.shop.stop().await;
        }
        Ok(())
    }

    async fn question(
        &mut self,
        question: &str,
        deed: Deed,
        is_everybodys: bool,
        systems: &mut [(&'static str, Stock, Ours)],
    ) -> Result<()> {
        self.bar.set_message(question.to_owned());
        let scenario = Scenario::of(deed, CLIENTS);
        let (warm_up, time) = (self.options.warm_up(), self.options.time());
        for _ in 0..self.options.rounds() {
            for (name, stock, ours) in &mut *systems {
                ours.restart().await?;
                let site = if is_everybodys {
                    everybodys(&ours.site, *stock)
                } else {
                    Arc::clone(&ours.site)
                };
                let (postgres, servers) = (&self.stage.postgres, ours.servers());
                let measured = Measured { postgres, site: &site, servers };
                let round =
                    undisturbed(async || measured.closed(&scenario, warm_up, time).await).await?;
                self.results.add(question, name, round);
            }
        }
        self.show(question);
        Ok(())
    }
}

/// The same system, where everybody reads.
fn everybodys(site: &Site, stock: Stock) -> Arc<Site> {
    let stock = Stock { readers: stock.users, ..stock };
    let mut everybodys = Site::new(Dialect::Latchkey, site.auth, site.shop, stock);
    everybodys.tokens.clone_from(&site.tokens);
    everybodys.database.clone_from(&site.database);
    Arc::new(everybodys)
}
