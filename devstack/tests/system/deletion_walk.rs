//! Deletion, held at every step while somebody else does something to the same user.

use devstack_testkit::http::Call;
use devstack_testkit::{Answer, eventually};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::holds::Gate;
use crate::system::{
    OTHER_PASSWORD, PASSWORD, Person, System, all_at_once, count, expect_later, id, waiting,
};
use crate::wire::Held;

/// Where a deletion is held.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    /// The user's row is locked, nothing is changed yet.
    Deleting,
    /// It is committed, the job is not taken yet.
    Waiting,
    /// The request is on its way to auth.
    Asking,
    /// Auth is about to forget.
    Forgetting,
    /// Auth has forgotten, its answer is on its way.
    Hearing,
    /// The shop has heard, and is about to free the e-mail.
    Freeing,
}

const STEPS: [Step; 6] =
    [Step::Deleting, Step::Waiting, Step::Asking, Step::Forgetting, Step::Hearing, Step::Freeing];

/// What holds it.
enum Hold {
    Wire(Held),
    Gate(Gate),
}

/// A deletion that is held.
struct Walk {
    system: System,
    ann: Person,
    product: Value,
    hold: Hold,
    deleting: JoinHandle<Answer>,
}

impl Walk {
    /// Ann has something in her cart.
    async fn to(step: Step) -> Self {
        let system = System::start().await;
        let (ann, admin) = (system.customer().await, system.admin().await);
        let product = system.product(&admin, 10).await;
        system.add(&ann, &product).send().await.expect(201);
        let mut hold = match step {
            Step::Deleting => Hold::Gate(system.gate("users", "UPDATE").await),
            Step::Waiting => Hold::Gate(system.gate("outbox", "UPDATE").await),
            Step::Asking => Hold::Wire(system.wire.hold_request()),
            Step::Forgetting => Hold::Gate(system.auth.gate("credentials", "INSERT").await),
            Step::Hearing => Hold::Wire(system.wire.hold_answer()),
            Step::Freeing => Hold::Gate(system.gate("users", "DELETE").await),
        };
        let deleting = tokio::spawn(system.delete(&ann, &ann).send());
        match &mut hold {
            Hold::Wire(held) => held.arrived().await,
            Hold::Gate(gate) => gate.until_reached().await,
        }
        Self { system, ann, product, hold, deleting }
    }

    /// Makes calls meanwhile, and lets the deletion go on to its end once they are answered, or
    /// all of them wait for it.
    async fn meanwhile<const N: usize>(self, calls: [Call; N]) -> (System, Person, [Answer; N]) {
        let before = self.waiting().await;
        let calls = tokio::spawn(all_at_once(calls));
        eventually("the calls are answered, or wait", async || {
            let all_wait = self.waiting().await == before + i64::try_from(N).unwrap();
            (calls.is_finished() || all_wait).then_some(())
        })
        .await;
        match self.hold {
            Hold::Wire(held) => held.let_go(),
            Hold::Gate(gate) => gate.remove().await,
        }
        self.deleting.await.unwrap().expect(204);
        self.system.until_auth_is_told().await;
        let answers = calls.await.unwrap().try_into().unwrap();
        (self.system, self.ann, answers)
    }

    /// How many statements wait for a lock.
    async fn waiting(&self) -> i64 {
        waiting(&self.system.shop_db).await + waiting(&self.system.auth.db).await
    }
}

/// That Ann is gone, with all she had, and that her e-mail is free.
async fn expect_gone(system: &System, ann: &Person) {
    for password in [PASSWORD, OTHER_PASSWORD] {
        let login = system.auth.login(&ann.email, password).await;
        login.expect_oauth_error(400, "invalid_grant");
    }
    system.get("/user/me", ann).send().await.expect_problem(401, "invalid_token");
    assert_eq!(count(&system.shop_db, "cart_items").await, 0);
    assert_eq!(count(&system.shop_db, "orders").await, 0);
    let new = system.register("New", &ann.email, PASSWORD).await.expect(201);
    assert_ne!(id(&new), ann.id);
}

#[tokio::test]
async fn a_checkout_at_any_step_comes_too_late() {
    for step in STEPS {
        let walk = Walk::to(step).await;

        let calls = [walk.system.order(&walk.ann), walk.system.add(&walk.ann, &walk.product)];
        let (system, ann, answers) = walk.meanwhile(calls).await;

        for answer in answers {
            answer.expect_problem(401, "invalid_token");
        }
        expect_gone(&system, &ann).await;
    }
}

#[tokio::test]
async fn a_second_registration_at_any_step_is_a_new_user_or_is_to_be_tried_again() {
    for step in STEPS {
        let walk = Walk::to(step).await;

        let call = walk.system.shop.registration("New", &walk.ann.email, OTHER_PASSWORD);
        let (system, ann, [answer]) = walk.meanwhile([call]).await;

        match step {
            // It waits for the row, and the deletion may have ended when it gets there.
            Step::Deleting | Step::Freeing if answer.status == 201 => {
                assert_ne!(id(&answer.json()), ann.id);
                system.auth.login(&ann.email, OTHER_PASSWORD).await.expect(200);
                let refused = system.auth.login(&ann.email, PASSWORD).await;
                refused.expect_oauth_error(400, "invalid_grant");
            }
            _ => {
                expect_later(&answer);
                expect_gone(&system, &ann).await;
            }
        }
    }
}

#[tokio::test]
async fn a_late_request_to_register_brings_nobody_back_at_any_step() {
    for step in STEPS {
        let walk = Walk::to(step).await;

        // Who has logged in keeps the password anyway.
        let nobody_logged_in = "UPDATE credentials SET last_login_at = NULL";
        if step != Step::Forgetting {
            walk.system.auth.db.execute(nobody_logged_in, &[]).await.unwrap();
        }
        let late = walk.system.auth.credentials(walk.ann.id, &walk.ann.email, OTHER_PASSWORD, 9);
        let (system, ann, [late]) = walk.meanwhile([late]).await;

        let taken = matches!(step, Step::Deleting | Step::Waiting | Step::Asking);
        assert_eq!(late.status, if taken { 201 } else { 409 }, "{step:?}: {late:?}");
        expect_gone(&system, &ann).await;
    }
}

#[tokio::test]
async fn a_login_at_any_step_is_good_for_nothing() {
    for step in STEPS {
        let walk = Walk::to(step).await;

        let form = [("username", &*walk.ann.email), ("password", PASSWORD)];
        let login = walk.system.auth.api().post("/login").form(&form);
        let (system, ann, [login]) = walk.meanwhile([login]).await;

        let works = matches!(step, Step::Deleting | Step::Waiting | Step::Asking);
        assert_eq!(login.status, if works { 200 } else { 400 }, "{step:?}: {login:?}");
        if works {
            let token = login.json()["access_token"].as_str().unwrap().to_owned();
            let me = system.shop.api.get("/user/me").bearer(&token).send().await;
            me.expect_problem(401, "invalid_token");
            let sessions = system.auth.api().get("/sessions").bearer(&token).send().await;
            sessions.expect_problem(401, "invalid_token");
        }
        expect_gone(&system, &ann).await;
    }
}
