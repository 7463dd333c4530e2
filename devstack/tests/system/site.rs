//! Both services as they are shipped, with all their limits, and somebody who uses them.

use std::time::{Duration, Instant};

use devstack_testkit::http::Call;
use devstack_testkit::{Answer, eventually};
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::machine::Service;
use crate::system::{PASSWORD, expect_later};

/// A product `$1` of which there is plenty, in a category of its own.
pub(crate) const PRODUCT: &str = "
    WITH paper AS (INSERT INTO categories (id, name, name_key) VALUES ($1, 'Paper', 'paper'))
    INSERT INTO products (id, name, description, price, quantity, category_id)
    VALUES ($1, 'Notebook', '', 1, 1000000, $1)";

/// Both services, as processes.
pub(crate) struct Site {
    pub(crate) auth: Service,
    pub(crate) shop: Service,
}

/// Somebody who has registered, logged in, and filled a cart.
pub(crate) struct Ann {
    pub(crate) email: String,
    pub(crate) token: String,
    pub(crate) refresh_token: String,
    pub(crate) product: Uuid,
}

/// An answer, and how long it took.
pub(crate) struct Timed {
    pub(crate) path: &'static str,
    pub(crate) answer: Answer,
    pub(crate) took: Duration,
}

impl Site {
    /// Both, ready, with their databases at these URLs.
    pub(crate) async fn start(auth_url: String, shop_url: String) -> Self {
        let hashing = [("ARGON2_MEMORY_KIB", "64".to_owned()), ("ARGON2_ITERATIONS", "1".into())];
        let auth = Service::new(["auth-service", "auth"], auth_url, hashing.into());
        let own = vec![("AUTH_URL", format!("http://{}", auth.api.addr()))];
        let shop = Service::new(["shop-service", "shop"], shop_url, own);
        tokio::join!(auth.start(), shop.start());
        Self { auth, shop }
    }

    /// Somebody new, with a piece of this product in her cart.
    pub(crate) async fn customer(&self, product: Uuid) -> Ann {
        let email = format!("{}@example.com", Uuid::now_v7().simple());
        let wanted = json!({ "name": "Ann", "email": email, "password": PASSWORD });
        self.shop.api.post("/user/").json(&wanted).send().await.expect(201);
        let login = self.login(&email).send().await.expect(200);
        let [token, refresh_token] =
            ["access_token", "refresh_token"].map(|name| login[name].as_str().unwrap().to_owned());
        let ann = Ann { email, token, refresh_token, product };
        self.add(&ann).send().await.expect(201);
        ann
    }

    /// `POST /login`.
    pub(crate) fn login(&self, email: &str) -> Call {
        self.auth.api.post("/login").form(&[("username", email), ("password", PASSWORD)])
    }

    /// `POST /cart/items`, once more of the same.
    pub(crate) fn add(&self, ann: &Ann) -> Call {
        let item = json!({ "product_id": ann.product, "quantity": 1 });
        self.shop.api.post("/cart/items").bearer(&ann.token).json(&item)
    }

    /// One of each kind: OAuth endpoints and others, reads and writes, tables and batches.
    pub(crate) fn calls(&self, ann: &Ann) -> Vec<(&'static str, Call)> {
        let (auth, shop) = (&self.auth.api, &self.shop.api);
        let refresh =
            [("grant_type", "refresh_token"), ("refresh_token", ann.refresh_token.as_str())];
        vec![
            ("/login", self.login(&ann.email)),
            ("/token", auth.post("/token").form(&refresh)),
            ("/sessions", auth.get("/sessions").bearer(&ann.token)),
            ("/products/", shop.get("/products/")),
            ("/user/me", shop.get("/user/me").bearer(&ann.token)),
            ("/cart/", shop.get("/cart/").bearer(&ann.token)),
            ("/cart/items", self.add(ann)),
        ]
    }

    /// Makes each call so often, all at once.
    pub(crate) async fn call(&self, ann: &Ann, times: usize) -> Vec<Timed> {
        let mut sent = JoinSet::new();
        for (path, call) in (0..times).flat_map(|_| self.calls(ann)) {
            sent.spawn(async move {
                let started = Instant::now();
                let answer = call.send().await;
                Timed { path, answer, took: started.elapsed() }
            });
        }
        sent.join_all().await
    }

    /// Waits until every call is refused: what was open may still have been answered.
    pub(crate) async fn until_refused(&self, ann: &Ann) {
        eventually("every call is refused", async || {
            let answers = self.call(ann, 1).await;
            answers.iter().all(|timed| timed.answer.status == 503).then_some(())
        })
        .await;
    }

    /// That all is well: each of many calls, the first time.
    pub(crate) async fn expect_well(&self, ann: &Ann) {
        for Timed { path, answer, .. } in self.call(ann, 4).await {
            assert!((200..300).contains(&answer.status), "{path} {answer:?}");
        }
        for service in [&self.auth, &self.shop] {
            service.ops.get("/health/ready").send().await.expect(200);
        }
    }

    /// That both live, and are not ready.
    pub(crate) async fn expect_live_and_not_ready(&self) {
        for service in [&self.auth, &self.shop] {
            service.ops.get("/health/live").send().await.expect(200);
            let started = Instant::now();
            expect_later(&service.ops.get("/health/ready").send().await);
            assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
        }
    }
}

/// That each is a 503 in its endpoint's shape, which says when to try again, and came in time.
#[track_caller]
pub(crate) fn expect_refused(answers: &[Timed], within: Duration) {
    for Timed { path, answer, took } in answers {
        match *path {
            "/login" | "/token" => {
                answer.expect_oauth_error(503, "temporarily_unavailable");
                assert!(answer.header("retry-after").is_some(), "{answer:?}");
            }
            _ => expect_later(answer),
        }
        assert!(*took <= within, "{path} took {took:?}");
    }
}
