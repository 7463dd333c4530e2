//! Registration, held at every step while somebody else does something to the same e-mail.

use devstack_testkit::Answer;
use devstack_testkit::http::Call;
use serde_json::json;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::holds::Gate;
use crate::system::{OTHER_PASSWORD, PASSWORD, Person, System, expect_later};
use crate::wire::Held;

const ANN: &str = "ann@example.com";

/// Where a registration is held. Before the first, the profile is pending already.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    /// The request is on its way to auth.
    Asking,
    /// Auth is about to store.
    Storing,
    /// Auth has stored, its answer is on its way.
    Hearing,
}

const STEPS: [Step; 3] = [Step::Asking, Step::Storing, Step::Hearing];

/// What holds it.
enum Hold {
    Wire(Held),
    Gate(Gate),
}

/// A registration of Ann's that is held.
struct Walk {
    system: System,
    /// Who was there before.
    admin: Person,
    hold: Hold,
    registering: JoinHandle<Answer>,
}

impl Walk {
    /// After a first try that was lost before auth had heard of it.
    async fn to(step: Step) -> Self {
        let system = System::start().await;
        let admin = system.admin().await;
        system.wire.cut_requests(2);
        expect_later(&system.register("Lost", ANN, "the password of the lost try").await);
        let mut hold = match step {
            Step::Asking => Hold::Wire(system.wire.hold_request()),
            Step::Storing => Hold::Gate(system.auth.gate("credentials", "INSERT").await),
            Step::Hearing => Hold::Wire(system.wire.hold_answer()),
        };
        let registering = tokio::spawn(system.shop.registration("Ann", ANN, PASSWORD).send());
        match &mut hold {
            Hold::Wire(held) => held.arrived().await,
            Hold::Gate(gate) => gate.until_reached().await,
        }
        Self { system, admin, hold, registering }
    }

    /// Lets the registration go on; its answer.
    async fn go_on(self) -> (System, Answer) {
        match self.hold {
            Hold::Wire(held) => held.let_go(),
            Hold::Gate(gate) => gate.remove().await,
        }
        (self.system, self.registering.await.unwrap())
    }

    /// Makes a call meanwhile; where it is held, too, both go on together.
    async fn meanwhile(self, call: Call) -> (System, Answer, Answer) {
        let other = tokio::spawn(call.send());
        if let Hold::Gate(gate) = &self.hold {
            gate.until_reached_by(2).await;
            let (system, registered) = self.go_on().await;
            return (system, registered, other.await.unwrap());
        }
        let other = other.await.unwrap();
        let (system, registered) = self.go_on().await;
        (system, registered, other)
    }

    /// The id that Ann is to have.
    async fn id(&self) -> Uuid {
        let find = "SELECT id FROM users WHERE email = $1";
        self.system.shop_db.query_one(find, &[&ANN]).await.unwrap().get(0)
    }
}

/// That this name and this password are Ann's, and no others.
async fn expect_ann(system: &System, name: &str, password: &str, not: &str) {
    system.auth.login(ANN, not).await.expect_oauth_error(400, "invalid_grant");
    let token = system.auth.token(ANN, password).await;
    let me = system.shop.api.get("/user/me").bearer(token).send().await.expect(200);
    assert_eq!((&me["name"], &me["email"]), (&json!(name), &json!(ANN)));
}

#[tokio::test]
async fn a_second_registration_at_any_step_is_the_one_that_counts() {
    for step in STEPS {
        let walk = Walk::to(step).await;

        let call = walk.system.shop.registration("Second", ANN, OTHER_PASSWORD);
        let (system, first, second) = walk.meanwhile(call).await;

        first.expect_problem(409, "email_taken");
        second.expect(201);
        expect_ann(&system, "Second", OTHER_PASSWORD, PASSWORD).await;
    }
}

#[tokio::test]
async fn a_late_request_of_a_lost_try_changes_nothing_at_any_step() {
    for step in STEPS {
        let walk = Walk::to(step).await;

        let late = walk.system.auth.credentials(walk.id().await, ANN, OTHER_PASSWORD, 1);
        let (system, registered, late) = walk.meanwhile(late).await;

        registered.expect(201);
        match step {
            // Auth had heard of no other try yet, and hears of the next one.
            Step::Asking => assert_eq!(late.status, 201),
            Step::Storing => assert!([201, 409].contains(&late.status), "{late:?}"),
            Step::Hearing => assert_eq!(late.status, 409),
        }
        expect_ann(&system, "Ann", PASSWORD, OTHER_PASSWORD).await;
    }
}

#[tokio::test]
async fn a_login_at_any_step_works_once_auth_has_stored() {
    for step in STEPS {
        let walk = Walk::to(step).await;

        let login = walk.system.auth.login(ANN, PASSWORD).await;
        let (system, registered) = walk.go_on().await;

        match step {
            Step::Hearing => drop(login.expect(200)),
            _ => drop(login.expect_oauth_error(400, "invalid_grant")),
        }
        registered.expect(201);
        expect_ann(&system, "Ann", PASSWORD, OTHER_PASSWORD).await;
    }
}

#[tokio::test]
async fn a_checkout_before_the_registration_has_ended_stands() {
    let walk = Walk::to(Step::Hearing).await;
    let product = walk.system.product(&walk.admin, 10).await;

    let shop = &walk.system.shop.api;
    let token = walk.system.auth.token(ANN, PASSWORD).await;
    let item = json!({ "product_id": product["id"] });
    shop.post("/cart/items").bearer(&token).json(&item).send().await.expect(201);
    let order = json!({ "shipping_address": "1 Main Street" });
    let order = shop.post("/orders/").bearer(&token).json(&order).send().await.expect(201);
    let (system, registered) = walk.go_on().await;

    registered.expect(201);
    let orders = system.shop.api.get("/orders/").bearer(&token).send().await.expect(200);
    assert_eq!(orders[0]["id"], order["id"]);
    expect_ann(&system, "Ann", PASSWORD, OTHER_PASSWORD).await;
}

#[tokio::test]
async fn a_deletion_at_any_step_leaves_an_email_that_can_be_registered() {
    for step in STEPS {
        let walk = Walk::to(step).await;
        let delete = walk.system.shop.api.delete(&format!("/user/{}", walk.id().await));
        delete.bearer(&walk.admin.token).send().await.expect(204);
        match &walk.hold {
            Hold::Gate(gate) => gate.until_reached_by(2).await,
            Hold::Wire(_) => walk.system.until_auth_is_told().await,
        }
        let (system, registered) = walk.go_on().await;
        system.until_auth_is_told().await;

        match registered.status {
            409 => drop(registered.expect_problem(409, "email_taken")),
            _ => expect_later(&registered),
        }
        system.auth.login(ANN, PASSWORD).await.expect_oauth_error(400, "invalid_grant");
        system.register("New", ANN, OTHER_PASSWORD).await.expect(201);
        expect_ann(&system, "New", OTHER_PASSWORD, PASSWORD).await;
    }
}
