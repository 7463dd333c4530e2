//! Between which two of its steps a deed stood when a service was killed: as both databases tell.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::flights::Deed;
use crate::machine::{Machine, Service};

/// Who was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Victim {
    Shop,
    Auth,
}

/// What was done of a deed, and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Gap {
    /// A registration: nothing yet.
    NotRegistered,
    /// The profile is pending, auth does not know.
    Pending,
    /// The profile is pending, auth has the credentials.
    Stored,
    /// The profile is active, and nobody was told.
    Active,
    /// A deletion: nothing yet.
    NotDeleted,
    /// The profile is gone, auth still has the credentials.
    Deleting,
    /// Auth has forgotten, the job is not done.
    Forgotten,
    /// The job is done, and the shop has not heard.
    Unregistered,
    /// A checkout: nothing yet.
    NotOrdered,
    /// The order stands, and nobody was told.
    Ordered,
    /// An order's mail: it waits.
    MailWaits,
    /// It was sent, the job is not done.
    MailSent,
    /// The job is done, and the shop has not heard.
    Mailed,
}

/// Between which steps each service must be killed. Auth has two: it has not done yet what it was
/// asked for, or it has done it and not answered.
pub(super) const ALL: [(Victim, Gap); 17] = [
    (Victim::Shop, Gap::NotRegistered),
    (Victim::Shop, Gap::Pending),
    (Victim::Auth, Gap::Pending),
    (Victim::Auth, Gap::Stored),
    (Victim::Shop, Gap::Stored),
    (Victim::Shop, Gap::Active),
    (Victim::Shop, Gap::NotDeleted),
    (Victim::Shop, Gap::Deleting),
    (Victim::Auth, Gap::Deleting),
    (Victim::Auth, Gap::Forgotten),
    (Victim::Shop, Gap::Forgotten),
    (Victim::Shop, Gap::Unregistered),
    (Victim::Shop, Gap::NotOrdered),
    (Victim::Shop, Gap::Ordered),
    (Victim::Shop, Gap::MailWaits),
    (Victim::Shop, Gap::MailSent),
    (Victim::Shop, Gap::Mailed),
];

/// How often a service was killed in each gap.
#[derive(Default)]
pub(super) struct Tally(Mutex<BTreeMap<(Victim, Gap), Count>>);

#[derive(Default)]
struct Count {
    random: usize,
    held: usize,
}

impl Tally {
    /// A kill at a random moment.
    pub(super) fn random(&self, victim: Victim, gap: Gap) {
        self.count(victim, gap, |count| count.random += 1);
    }

    /// A kill of a service that was held between these steps.
    pub(super) fn held(&self, victim: Victim, gap: Gap) {
        self.count(victim, gap, |count| count.held += 1);
    }

    fn count(&self, victim: Victim, gap: Gap, add: impl FnOnce(&mut Count)) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        add(counts.entry((victim, gap)).or_default());
    }

    /// Those of [`ALL`] in which no service was held and killed.
    pub(super) fn missed(&self) -> Vec<(Victim, Gap)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_missed = |gap: &(Victim, Gap)| counts.get(gap).is_none_or(|count| count.held == 0);
        ALL.into_iter().filter(is_missed).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(f, "killed, and what was done by then       at random   held")?;
        for ((victim, gap), Count { random, held }) in &*counts {
            let gap = format!("{gap:?}");
            writeln!(f, "{:<12}{gap:<28}{random:>9}{held:>7}", format!("{victim:?}"))?;
        }
        Ok(())
    }
}

/// Both databases and the mail after a kill, while whoever was killed is dead.
pub(super) struct Scene<'a> {
    shop: Client,
    auth: Client,
    mail: &'a Path,
}

impl<'a> Scene<'a> {
    /// Once nothing goes on any more that the dead has begun.
    pub(super) async fn after(machine: &'a Machine, victim: Victim) -> Self {
        machine.postgres.until_forgotten(victim.of(machine)).await;
        let (shop, auth) = tokio::join!(machine.shop_db(), machine.auth_db());
        Self { shop, auth, mail: machine.mail() }
    }

    /// Where this deed stands.
    pub(super) async fn gap(&self, deed: &Deed) -> Gap {
        match deed {
            Deed::Registration { email } => self.registration(email).await,
            Deed::Deletion { user } => self.deletion(*user).await,
            Deed::Checkout { user, key } => {
                let placed = "idempotency_keys WHERE user_id = $1 AND key = $2";
                match exists(&self.shop, placed, &[user, key]).await {
                    true => Gap::Ordered,
                    false => Gap::NotOrdered,
                }
            }
            Deed::Mail { order } => {
                let waits = "outbox WHERE done_at IS NULL AND payload ->> 'order' = $1";
                match exists(&self.shop, waits, &[&order.to_string()]).await {
                    false => Gap::Mailed,
                    true if self.mail.join(format!("{order}.eml")).exists() => Gap::MailSent,
                    true => Gap::MailWaits,
                }
            }
        }
    }

    async fn registration(&self, email: &str) -> Gap {
        let profile = "SELECT state, attempt FROM users WHERE email = $1";
        let Some(row) = self.shop.query_opt(profile, &[&email]).await.unwrap() else {
            return Gap::NotRegistered;
        };
        let (state, attempt): (&str, i64) = (row.get(0), row.get(1));
        let stored = "credentials WHERE email = $1 AND attempt = $2";
        match state {
            "active" => Gap::Active,
            _ if exists(&self.auth, stored, &[&email, &attempt]).await => Gap::Stored,
            _ => Gap::Pending,
        }
    }

    async fn deletion(&self, user: Uuid) -> Gap {
        let profile = "SELECT state FROM users WHERE id = $1";
        let Some(row) = self.shop.query_opt(profile, &[&user]).await.unwrap() else {
            return Gap::Unregistered;
        };
        let tombstone = "credentials WHERE id = $1 AND unregistered_at IS NOT NULL";
        match row.get(0) {
            "deleting" if exists(&self.auth, tombstone, &[&user]).await => Gap::Forgotten,
            "deleting" => Gap::Deleting,
            _ => Gap::NotDeleted,
        }
    }

    /// What goes on without anybody who asks: deletions and mails that have not ended.
    pub(super) async fn jobs(&self) -> Vec<Deed> {
        let jobs = "SELECT (payload ->> 'user')::uuid, (payload ->> 'order')::uuid FROM outbox
            WHERE done_at IS NULL";
        let job = |row: &Row| match row.get(0) {
            Some(user) => Deed::Deletion { user },
            None => Deed::Mail { order: row.get(1) },
        };
        self.shop.query(jobs, &[]).await.unwrap().iter().map(job).collect()
    }

    /// Ends what a dead shop has taken, as if a minute had passed.
    pub(super) async fn end_leases(&self) {
        let end = "UPDATE outbox SET next_attempt_at = clock_timestamp() WHERE done_at IS NULL";
        self.shop.execute(end, &[]).await.unwrap();
    }
}

async fn exists(db: &Client, rows: &str, parameters: &[&(dyn ToSql + Sync)]) -> bool {
    let exists = format!("SELECT EXISTS (SELECT FROM {rows})");
    db.query_one(&exists, parameters).await.unwrap().get(0)
}

impl Victim {
    /// The process.
    pub(super) fn of(self, machine: &Machine) -> &Service {
        match self {
            Self::Shop => &machine.shop,
            Self::Auth => &machine.auth,
        }
    }
}
