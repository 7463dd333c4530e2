//! A kill between each two steps: the service is held there, killed, and started again.

use std::future::Future;

use uuid::Uuid;

use super::aftermath::Mail;
use super::deeds::Applicant;
use super::flights::Deed;
use super::gaps::{Gap, Scene, Victim};
use super::{Done, Storm};
use crate::holds::Gate;
use crate::system::id;
use crate::wire::Held;

/// How often a gap is tried that was missed, for a machine may be too slow to hold anything.
const ROUNDS: usize = 3;

/// Where a service waits to be killed.
#[derive(Debug, Clone, Copy)]
enum Hold {
    /// Before it makes such a change.
    Change(Change),
    /// While its request, or the request to it, is on the wire.
    Request,
    /// While the answer to its request, or its answer, is on the wire.
    Answer,
    /// After its next commit, before it hears of it.
    Commit,
    /// The same, of the commit that follows the request.
    CommitAfterRequest,
    /// The same, of the commit that follows the answer.
    CommitAfterAnswer,
    /// The same, of the commit of this change.
    CommitOf(Change),
}

/// A table, what is done there, and to which rows.
type Change = (&'static str, &'static str, &'static str);

const MAIL_IS_TAKEN: Change =
    ("outbox", "UPDATE", "NEW.kind = 'order_mail' AND NEW.done_at IS NULL");
const MAIL_IS_DONE: Change =
    ("outbox", "UPDATE", "NEW.kind = 'order_mail' AND NEW.done_at IS NOT NULL");

impl Storm {
    /// Kills each service in each gap; whatever it was about is done in the end.
    pub(super) async fn step_by_step(&self, done: &mut Done) {
        for _ in 0..ROUNDS {
            for (victim, gap) in self.tally.missed() {
                self.until_jobs_are_done().await;
                self.kill_in(victim, gap, done).await;
            }
        }
        assert_eq!(self.tally.missed(), [], "{}", self.tally);
    }

    async fn kill_in(&self, victim: Victim, gap: Gap, done: &mut Done) {
        use Victim::{Auth, Shop};
        let hold = match (gap, victim) {
            (Gap::NotRegistered, _) => Hold::Change(("users", "INSERT", "true")),
            (Gap::Pending, Shop) => Hold::Request,
            (Gap::Pending, Auth) => Hold::Change(("credentials", "INSERT", "true")),
            (Gap::Stored, Auth) => Hold::CommitAfterRequest,
            (Gap::Stored, Shop) => Hold::Answer,
            (Gap::Active, _) => Hold::CommitAfterAnswer,
            (Gap::NotDeleted, _) => Hold::Change(("users", "UPDATE", "NEW.state = 'deleting'")),
            (Gap::Deleting, Shop) => Hold::Commit,
            (Gap::Deleting, Auth) => {
                Hold::Change(("credentials", "UPDATE", "NEW.unregistered_at IS NOT NULL"))
            }
            (Gap::Forgotten, Auth) => Hold::CommitAfterRequest,
            (Gap::Forgotten, Shop) => Hold::Answer,
            (Gap::Unregistered, _) => Hold::CommitAfterAnswer,
            (Gap::NotOrdered, _) => {
                for change in ["cart_items DELETE", "orders INSERT", "outbox INSERT"] {
                    let (table, change) = change.split_once(' ').unwrap();
                    let hold = Hold::Change((table, change, "true"));
                    self.order_over_a_dead(victim, hold, done).await;
                }
                return;
            }
            (Gap::Ordered, _) => return self.order_over_a_dead(victim, Hold::Commit, done).await,
            (Gap::MailWaits, _) => {
                return self.mail_over_a_dead(Hold::Change(MAIL_IS_TAKEN), done).await;
            }
            (Gap::MailSent, _) => {
                return self.mail_over_a_dead(Hold::Change(MAIL_IS_DONE), done).await;
            }
            (Gap::Mailed, _) => {
                return self.mail_over_a_dead(Hold::CommitOf(MAIL_IS_DONE), done).await;
            }
        };
        match gap {
            Gap::NotRegistered | Gap::Pending | Gap::Stored | Gap::Active => {
                self.register_over_a_dead(victim, hold, done).await;
            }
            _ => self.delete_over_a_dead(victim, hold, done).await,
        }
    }

    async fn register_over_a_dead(&self, victim: Victim, hold: Hold, done: &mut Done) {
        let mut applicant = Applicant::new();
        let deed = applicant.deed();
        let registered = self.kill(victim, hold, self.try_to_register(&mut applicant)).await;
        self.look_and_restart(victim, &deed).await;
        let account = match registered {
            Some(account) => account,
            None => self.register(applicant).await,
        };
        done.accounts.push(account);
    }

    async fn delete_over_a_dead(&self, victim: Victim, hold: Hold, done: &mut Done) {
        let account = self.register(Applicant::new()).await;
        let deed = Deed::Deletion { user: account.id };
        let deleted = self.kill(victim, hold, self.try_to_delete(&account, false)).await;
        self.look_and_restart(victim, &deed).await;
        if deleted.is_none() {
            self.delete(&account, true).await;
        }
        done.deleted.push(account);
    }

    async fn order_over_a_dead(&self, victim: Victim, hold: Hold, done: &mut Done) {
        let (account, key) = (self.register(Applicant::new()).await, Uuid::now_v7().to_string());
        let cart = self.fill_cart(&account, &self.products[..2]).await;
        let deed = Deed::Checkout { user: account.id, key: key.clone() };
        self.kill(victim, hold, self.try_to_order(&account, &key)).await;
        let gap = self.look_and_restart(victim, &deed).await;
        let receipt = self.order(&account, &key, &cart, 1).await;
        assert_eq!(receipt.is_replay, gap == Gap::Ordered);
        done.receipts.push(receipt);
        done.accounts.push(account);
    }

    /// The order is placed; what was sent before the kill is sent again, unless that was known.
    async fn mail_over_a_dead(&self, hold: Hold, done: &mut Done) {
        let (account, key) = (self.register(Applicant::new()).await, Uuid::now_v7().to_string());
        let cart = self.fill_cart(&account, &self.products[..2]).await;
        let placed = self.kill(Victim::Shop, hold, self.try_to_order(&account, &key)).await;
        let Some(placed) = placed else { return };
        let order = id(&placed.expect(201));
        let before = Mail::about(&self.machine, order);
        let gap = self.look_and_restart(Victim::Shop, &Deed::Mail { order }).await;
        self.until_jobs_are_done().await;
        let after = Mail::about(&self.machine, order).unwrap();
        match (gap, before) {
            (Gap::MailSent, Some(before)) => {
                assert_eq!(before.text, after.text);
                assert_ne!(before.file, after.file, "it was not sent again");
            }
            (Gap::Mailed, Some(before)) => assert_eq!(before.file, after.file),
            (_, before) => assert!(before.is_none(), "{gap:?}"),
        }
        done.receipts.push(self.order(&account, &key, &cart, 1).await);
        done.accounts.push(account);
    }

    async fn look_and_restart(&self, victim: Victim, deed: &Deed) -> Gap {
        let scene = Scene::after(&self.machine, victim).await;
        let gap = scene.gap(deed).await;
        self.tally.held(victim, gap);
        if victim == Victim::Shop {
            scene.end_leases().await;
        }
        victim.of(&self.machine).start().await;
        gap
    }

    /// Begins a deed, and kills the victim where it is held; what was answered before, if anything
    /// was.
    async fn kill<T>(
        &self,
        victim: Victim,
        hold: Hold,
        deed: impl Future<Output = Option<T>>,
    ) -> Option<T> {
        let (wire, postgres) = (&self.machine.wire, &self.machine.postgres);
        let service = victim.of(&self.machine);
        match hold {
            Hold::Change((table, change, when)) => {
                let keeper = postgres.connect(service.database()).await;
                let gate = Gate::close(keeper, table, change, when).await;
                let (answer, ()) = tokio::join!(deed, async {
                    gate.until_reached().await;
                    service.kill().await;
                    postgres.until_forgotten(service).await;
                    gate.remove().await;
                });
                answer
            }
            Hold::Request => self.kill_on_the_wire(victim, wire.hold_request(), deed).await,
            Hold::Answer => self.kill_on_the_wire(victim, wire.hold_answer(), deed).await,
            Hold::Commit => {
                postgres.hold_commits().await;
                tokio::join!(deed, self.kill_over_a_commit(victim)).0
            }
            Hold::CommitAfterRequest => self.kill_after(victim, wire.hold_request(), deed).await,
            Hold::CommitAfterAnswer => self.kill_after(victim, wire.hold_answer(), deed).await,
            Hold::CommitOf((table, change, when)) => {
                let keeper = postgres.connect(service.database()).await;
                let gate = Gate::close(keeper, table, change, when).await;
                let (answer, ()) = tokio::join!(deed, async {
                    gate.until_reached().await;
                    postgres.hold_commits().await;
                    gate.open().await;
                    self.kill_over_a_commit(victim).await;
                    postgres.until_forgotten(service).await;
                    gate.remove().await;
                });
                answer
            }
        }
    }

    async fn kill_on_the_wire<T>(
        &self,
        victim: Victim,
        mut held: Held,
        deed: impl Future<Output = Option<T>>,
    ) -> Option<T> {
        let strike = async {
            held.arrived().await;
            victim.of(&self.machine).kill().await;
            drop(held);
        };
        tokio::join!(deed, strike).0
    }

    async fn kill_after<T>(
        &self,
        victim: Victim,
        mut held: Held,
        deed: impl Future<Output = Option<T>>,
    ) -> Option<T> {
        let strike = async {
            held.arrived().await;
            self.machine.postgres.hold_commits().await;
            held.let_go();
            self.kill_over_a_commit(victim).await;
        };
        tokio::join!(deed, strike).0
    }

    async fn kill_over_a_commit(&self, victim: Victim) {
        let service = victim.of(&self.machine);
        self.machine.postgres.until_commit_is_held(service).await;
        service.kill().await;
        self.machine.postgres.tell_commits().await;
    }
}
