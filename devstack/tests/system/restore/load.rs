//! People who register, order, and in part delete themselves, for as long as a backup takes.

use devstack_testkit::eventually;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::doors::{Doors, text};
use crate::system::PASSWORD;

/// So many at once.
const WORKERS: usize = 3;

/// Somebody who was there.
#[derive(Clone)]
struct Person {
    email: String,
    order: String,
    is_deleted: bool,
}

/// Those who do it.
pub(super) struct Load {
    done: watch::Sender<Vec<Person>>,
    stop: watch::Sender<bool>,
    workers: JoinSet<()>,
    before: usize,
}

/// Those who did it: first, those who were done before the backup began.
pub(super) struct People {
    all: Vec<Person>,
    before: usize,
}

impl Load {
    /// Begins it; some are done already.
    pub(super) async fn start(doors: &Doors, product: Uuid) -> Self {
        let (done, stop) = (watch::Sender::new(Vec::new()), watch::Sender::new(false));
        let mut workers = JoinSet::new();
        for _ in 0..WORKERS {
            workers.spawn(work(doors.clone(), product, done.clone(), stop.subscribe()));
        }
        let mut load = Self { done, stop, workers, before: 0 };
        load.goes_on().await;
        load.before = load.done.borrow().len();
        load
    }

    /// Waits until more of them are done, of each kind.
    pub(super) async fn goes_on(&self) {
        let wanted = self.done.borrow().len() + 4 * WORKERS;
        eventually("the load goes on", async || (self.done.borrow().len() >= wanted).then_some(()))
            .await;
    }

    /// Ends it.
    pub(super) async fn stop(self) -> People {
        self.stop.send_replace(true);
        self.workers.join_all().await;
        People { all: self.done.borrow().clone(), before: self.before }
    }
}

async fn work(
    doors: Doors,
    product: Uuid,
    done: watch::Sender<Vec<Person>>,
    stop: watch::Receiver<bool>,
) {
    for number in 0.. {
        if *stop.borrow() {
            return;
        }
        let email = format!("{}@example.com", Uuid::now_v7().simple());
        let (id, token) = doors.customer(&email, PASSWORD).await;
        doors.add(&token, product, 1).await;
        let order = text(&doors.order(&token, "only").await.expect(201), "id");
        let is_deleted = number % 2 == 1;
        if is_deleted {
            doors.delete(id, &token).await;
        }
        done.send_modify(|done| done.push(Person { email, order, is_deleted }));
    }
}

impl People {
    /// That those from before the backup are as they were, and that all others are there as a whole
    /// or can register.
    pub(super) async fn expect_none_stuck(&self, doors: &Doors) {
        for (number, person) in self.all.iter().enumerate() {
            let login = doors.login(&person.email, PASSWORD).await;
            let is_old = number < self.before;
            if is_old && !person.is_deleted {
                assert_eq!(login.status, 200, "{login:?}");
            }
            if login.status == 200 {
                assert!(!(is_old && person.is_deleted), "{} is back", person.email);
                let token = text(&login.json(), "access_token");
                doors.get("/user/me", &token).await.expect(200);
                let orders = doors.get("/orders/", &token).await.expect(200);
                assert!(!is_old || orders[0]["id"] == *person.order, "{orders}");
            } else {
                login.expect_oauth_error(400, "invalid_grant");
                doors.patient_customer(&person.email, PASSWORD).await;
            }
        }
    }
}
