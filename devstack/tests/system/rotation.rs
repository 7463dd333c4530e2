//! Changing the secrets, while replicas of before and after run side by side.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::config::{CLIENT_SECRET, CLIENT_SECRET_ENCODED, SECRET};
use crate::running::Running;
use crate::system::{PASSWORD, System};

const NEW: &str = "the next shared secret of the tests of both services";
const NEW_CLIENT: &str = "the shop's next secret: 200% & more";

/// Of which service the replicas are restarted.
enum Which {
    Auth,
    Shop,
}

/// Two replicas of each service, and tokens that live on.
struct Fleet {
    system: System,
    auths: Vec<Running>,
    shops: Vec<Running>,
    email: String,
    /// An access token of each time something was restarted.
    tokens: Vec<String>,
    refresh: String,
}

impl Fleet {
    async fn start(flags: &[String]) -> Self {
        let system = System::start().await;
        let email = system.customer().await.email;
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let (mut auths, mut shops) = (Vec::new(), Vec::new());
        for _ in 0..2 {
            auths.push(system.auth.another(&flags).await);
            shops.push(system.another_shop(&flags).await);
        }
        let login = login(&auths[0], &email).await;
        let refresh = text(&login, "refresh_token");
        Self { system, auths, shops, email, tokens: vec![text(&login, "access_token")], refresh }
    }

    /// Restarts every replica with these flags, one after the other; after each, everything works
    /// on everything that runs.
    async fn restart(&mut self, order: [Which; 2], flags: &[String]) {
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        for which in order {
            for place in 0..2 {
                // The new one before the old one ends, as a deployment does it.
                let (new, running) = match which {
                    Which::Auth => (self.system.auth.another(&flags).await, &mut self.auths),
                    Which::Shop => (self.system.another_shop(&flags).await, &mut self.shops),
                };
                let mut old = std::mem::replace(&mut running[place], new);
                self.everything_works().await;
                old.stop().await;
            }
        }
        self.everything_works().await;
    }

    async fn everything_works(&mut self) {
        for auth in &self.auths {
            let fresh = login(auth, &self.email).await;
            self.tokens.push(text(&fresh, "access_token"));
            let refreshed = refresh(auth, &self.refresh).await;
            self.tokens.push(text(&refreshed, "access_token"));
            self.refresh = text(&refreshed, "refresh_token");
        }
        for shop in &self.shops {
            for token in &self.tokens {
                shop.api.get("/user/me").bearer(token).send().await.expect(200);
            }
        }
        for auth in &self.auths {
            self.system.wire.lead_to(auth.api.addr());
            for shop in &self.shops {
                let email = format!("{}@example.com", Uuid::now_v7().simple());
                shop.registration("Bob", &email, PASSWORD).send().await.expect(201);
            }
            for token in &self.tokens {
                auth.api.get("/sessions").bearer(token).send().await.expect(200);
            }
        }
    }
}

async fn login(auth: &Running, email: &str) -> Value {
    let form = [("username", email), ("password", PASSWORD)];
    auth.api.post("/login").form(&form).send().await.expect(200)
}

async fn refresh(auth: &Running, token: &str) -> Value {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    auth.api.post("/token").form(&form).send().await.expect(200)
}

fn text(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap().to_owned()
}

fn flags(secrets: &[&str], client_secrets: &[&str]) -> [String; 2] {
    [
        format!("--token-secrets={}", secrets.join(",")),
        format!("--registration-client-secret={}", client_secrets.join(",")),
    ]
}

#[tokio::test]
async fn secrets_are_changed_without_a_failed_request_while_both_services_restart() {
    let mut fleet = Fleet::start(&flags(&[SECRET], &[CLIENT_SECRET])).await;

    // Append the new one everywhere, then put it first; in any order.
    fleet
        .restart([Which::Shop, Which::Auth], &flags(&[SECRET, NEW], &[CLIENT_SECRET, NEW_CLIENT]))
        .await;
    fleet
        .restart([Which::Auth, Which::Shop], &flags(&[NEW, SECRET], &[NEW_CLIENT, CLIENT_SECRET]))
        .await;

    // Once the tokens under the old one have expired, drop it.
    fleet.tokens.clear();
    let refreshed = refresh(&fleet.auths[0], &fleet.refresh).await;
    fleet.refresh = text(&refreshed, "refresh_token");
    fleet.restart([Which::Auth, Which::Shop], &flags(&[NEW], &[NEW_CLIENT])).await;
}

#[tokio::test]
async fn a_secret_that_was_dropped_is_worth_nothing_and_sessions_live_on() {
    let mut fleet = Fleet::start(&flags(&[SECRET], &[CLIENT_SECRET])).await;
    let old = fleet.tokens.remove(0);
    let new = flags(&[NEW], &[NEW_CLIENT]);
    let new: Vec<&str> = new.iter().map(String::as_str).collect();

    let auth = fleet.system.auth.another(&new).await;
    let shop = fleet.system.another_shop(&new).await;

    auth.api.get("/sessions").bearer(&old).send().await.expect_problem(401, "invalid_token");
    shop.api.get("/user/me").bearer(&old).send().await.expect_problem(401, "invalid_token");
    let refreshed = refresh(&auth, &fleet.refresh).await;
    let token = text(&refreshed, "access_token");
    shop.api.get("/user/me").bearer(token).send().await.expect(200);
    let credentials = json!({ "id": Uuid::now_v7(), "email": "a@b.example", "password": PASSWORD });
    let call = auth.api.post("/credentials").basic("shop-service", CLIENT_SECRET_ENCODED);
    let call = call.json(&credentials);
    call.send().await.expect_problem(401, "invalid_client");
}
