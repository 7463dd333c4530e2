//! Whoever kills at random moments, and looks at what is left.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::sleep;

use super::Storm;
use super::flights::Deed;
use super::gaps::{Gap, Scene, Victim};

/// Between two kills, at most as many deeds are done, and then this many milliseconds pass: a slow
/// machine gets as far between two kills as a quick one.
const CALM: u64 = 10;
const MOMENT: u64 = 30;

/// Random numbers that can be had again (SplitMix64).
pub(super) struct Random(pub(super) u64);

impl Random {
    /// A number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

impl Storm {
    /// Kills the shop, auth, and twice PostgreSQL, until all deeds are done; says how often.
    pub(super) async fn rage(&self, random: &mut Random, deeds: usize) -> usize {
        let mut seen = HashSet::new();
        let (mut strikes, mut outages) = (0, 0);
        while self.done() < deeds {
            let calm = self.done() + usize::try_from(random.below(CALM)).unwrap();
            self.until_done(calm.min(deeds)).await;
            // Nothing to wait for: the moment is to be any.
            sleep(Duration::from_millis(random.below(MOMENT))).await;
            if self.done() * 3 > deeds * (outages + 1) && outages < 2 {
                self.outage(outages == 1).await;
                outages += 1;
            } else {
                let victim = if random.below(5) < 3 { Victim::Shop } else { Victim::Auth };
                self.strike(victim, &mut seen).await;
                strikes += 1;
            }
        }
        assert_eq!(outages, 2);
        strikes
    }

    /// PostgreSQL is stopped, or killed, and started again; the services stay.
    async fn outage(&self, is_hard: bool) {
        match is_hard {
            true => self.machine.postgres.kill(),
            false => self.machine.postgres.stop().await,
        }
        self.machine.postgres.start_again().await;
    }

    /// Kills one, and counts where each deed stood; each is counted once in a gap.
    async fn strike(&self, victim: Victim, seen: &mut HashSet<(Deed, Gap)>) {
        let under_way = self.flights.under_way();
        victim.of(&self.machine).kill().await;
        let lost = self.flights.lost(&under_way).await;
        let scene = Scene::after(&self.machine, victim).await;
        for deed in lost.into_iter().chain(scene.jobs().await) {
            let gap = scene.gap(&deed).await;
            if is_of(victim, &deed) && seen.insert((deed, gap)) {
                self.tally.random(victim, gap);
            }
        }
        if victim == Victim::Shop {
            scene.end_leases().await;
        }
        victim.of(&self.machine).start().await;
    }
}

/// Whether it takes the victim to do it.
fn is_of(victim: Victim, deed: &Deed) -> bool {
    victim == Victim::Shop || !matches!(deed, Deed::Checkout { .. } | Deed::Mail { .. })
}
