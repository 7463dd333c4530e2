//! A storm: the shop, auth and PostgreSQL are killed at random moments of many registrations,
//! checkouts and deletions, and then between each two of their steps. Nothing that was
//! acknowledged is lost, nothing is done twice, nobody is stuck.
//!
//! | module | what it is |
//! |---|---|
//! | [`flights`] | what is under way |
//! | [`gaps`] | between which steps a kill fell |
//! | [`deeds`] | what customers do until they know what came of it |
//! | [`killer`] | kills at random moments |
//! | [`steps`] | kills between each two steps |
//! | [`aftermath`] | what must hold in the end |

mod aftermath;
mod deeds;
mod flights;
mod gaps;
mod killer;
mod steps;

use std::collections::VecDeque;
use std::sync::Mutex;

use tokio::sync::watch;
use uuid::Uuid;

use crate::machine::Machine;
use deeds::{Account, Applicant, Receipt};
use flights::Flights;
use gaps::Tally;
use killer::Random;

const REGISTRATIONS: usize = 100;
const SHOPPERS: usize = 20;
/// Of each shopper.
const CHECKOUTS: usize = 5;
const DELETIONS: usize = 50;
/// Of the deletions, as many are of people who have just shopped.
const DELETED_SHOPPERS: usize = 10;

const PRODUCTS: usize = 8;
const STOCK: i64 = 1000;

/// A machine, and what is done and destroyed on it.
struct Storm {
    machine: Machine,
    products: Vec<Uuid>,
    flights: Flights,
    tally: Tally,
    done: watch::Sender<usize>,
}

/// What was acknowledged, or found out to have succeeded.
#[derive(Default)]
struct Done {
    /// Who is registered.
    accounts: Vec<Account>,
    /// Who is not any more.
    deleted: Vec<Account>,
    receipts: Vec<Receipt>,
}

/// What one worker does without a break.
enum Work {
    Register,
    Shop { customer: Account, number: usize, and_leave: bool },
    Leave(Account),
}

impl Storm {
    async fn start() -> Self {
        let machine = Machine::start().await;
        let mut products = Vec::new();
        for price in (1..).take(PRODUCTS) {
            products.push(machine.product(price, STOCK).await);
        }
        Self {
            machine,
            products,
            flights: Flights::default(),
            tally: Tally::default(),
            done: watch::Sender::new(0),
        }
    }

    /// How many deeds are done.
    fn done(&self) -> usize {
        *self.done.borrow()
    }

    async fn until_done(&self, deeds: usize) {
        self.done.subscribe().wait_for(|done| *done >= deeds).await.unwrap();
    }

    fn count(&self) {
        self.done.send_modify(|done| *done += 1);
    }

    async fn work(&self, work: Work, done: &Mutex<Done>) {
        match work {
            Work::Register => {
                let account = self.register(Applicant::new()).await;
                done.lock().unwrap().accounts.push(account);
                self.count();
            }
            Work::Shop { customer, number, and_leave } => {
                for round in 0..CHECKOUTS {
                    let first = (number + round) % (PRODUCTS - 2);
                    let wanted = &self.products[first..first + 1 + round % 3];
                    let cart = self.fill_cart(&customer, wanted).await;
                    let key = Uuid::now_v7().to_string();
                    let receipt = self.order(&customer, &key, &cart, 0).await;
                    done.lock().unwrap().receipts.push(receipt);
                    self.count();
                }
                match and_leave {
                    true => self.leave(customer, done).await,
                    false => done.lock().unwrap().accounts.push(customer),
                }
            }
            Work::Leave(customer) => self.leave(customer, done).await,
        }
    }

    async fn leave(&self, customer: Account, done: &Mutex<Done>) {
        self.delete(&customer, false).await;
        done.lock().unwrap().deleted.push(customer);
        self.count();
    }
}

/// All of this, eight at once.
async fn all(storm: &Storm, work: Vec<Work>) -> Done {
    let (queue, done) = (Mutex::new(VecDeque::from(work)), Mutex::default());
    let worker = async || {
        loop {
            let next = queue.lock().unwrap().pop_front();
            let Some(next) = next else { break };
            storm.work(next, &done).await;
        }
    };
    tokio::join!(worker(), worker(), worker(), worker(), worker(), worker(), worker(), worker());
    done.into_inner().unwrap()
}

#[tokio::test]
async fn whoever_is_killed_nothing_acknowledged_is_lost_and_nobody_is_stuck() {
    let seed = Uuid::now_v7().as_u64_pair().1;
    tell(&format!("seed {seed}"));
    let mut random = Random(seed);
    let storm = Storm::start().await;
    let people = (0..SHOPPERS + DELETIONS - DELETED_SHOPPERS).map(|_| Work::Register).collect();
    let mut people = all(&storm, people).await.accounts;
    let before = storm.done();

    let mut work: Vec<Work> = (0..REGISTRATIONS).map(|_| Work::Register).collect();
    for number in 0..SHOPPERS {
        let customer = people.pop().unwrap();
        let and_leave = number < DELETED_SHOPPERS;
        work.push(Work::Shop { customer, number, and_leave });
    }
    work.extend(people.into_iter().map(Work::Leave));
    shuffle(&mut work, &mut random);
    let deeds = before + REGISTRATIONS + SHOPPERS * CHECKOUTS + DELETIONS;
    let (mut done, strikes) = tokio::join!(all(&storm, work), storm.rage(&mut random, deeds));
    let (tries, lost) = storm.flights.count();
    storm.hurry_jobs().await;
    storm.step_by_step(&mut done).await;

    let replays = done.receipts.iter().filter(|receipt| receipt.is_replay).count();
    tell(&format!(
        "{strikes} services killed in {tries} tries, {lost} of them without an answer; {replays} \
        orders of lost tries\n{}",
        storm.tally
    ));
    storm.expect_all_whole(&done).await;
}

#[expect(clippy::print_stderr, reason = "shown where the test fails, or where it is asked for")]
fn tell(what: &str) {
    eprintln!("{what}");
}

fn shuffle(work: &mut [Work], random: &mut Random) {
    for place in (1..work.len()).rev() {
        let other = random.below(u64::try_from(place).unwrap() + 1);
        work.swap(place, usize::try_from(other).unwrap());
    }
}
