//! A primary that dies and a standby that takes over, while both services write, over TLS: nothing
//! that was acknowledged is lost or doubled, and no service is restarted.

use std::cell::Cell;
use std::collections::HashSet;
use std::fs;

use devstack_postgres::testing::standby;
use devstack_postgres::{Options, Server};
use devstack_testkit::database::connect;
use devstack_testkit::http::Call;
use devstack_testkit::{Answer, eventually, tls};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

use crate::site::{PRODUCT, Site};
use crate::system::{PASSWORD, count, id};

/// So many customers at once.
const CUSTOMERS: usize = 3;

/// What each of them has done at least before, and once more after.
const DEEDS: usize = 3;

/// A primary, and a standby without which nothing is acknowledged.
struct Pair {
    primary: Server,
    standby: Server,
    /// Who signed their certificate.
    roots: String,
    _folder: TempDir,
}

/// What was acknowledged to one customer.
#[derive(Default)]
struct Acknowledged {
    emails: Vec<String>,
    orders: Vec<Uuid>,
}

impl Pair {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let primary = Server::start(Options::durable(at("primary")), |_| {}).await.unwrap();
        for database in ["auth", "shop"] {
            primary.create_database_if_absent(database).await.unwrap();
        }
        let server = connect(&primary.url("postgres")).await;
        let issuer = tls::issuer("ours");
        tls::turn_on(&server, &issuer).await;
        fs::write(at("roots.pem"), issuer.pem()).unwrap();
        let standby = standby(&primary, &at("standby")).await;
        // Of what it acknowledges from now on, the standby has a copy.
        server.batch_execute("ALTER SYSTEM SET synchronous_standby_names = '*'").await.unwrap();
        server.batch_execute("SELECT pg_reload_conf()").await.unwrap();
        eventually("the standby keeps up", async || {
            let sync = "SELECT FROM pg_stat_replication WHERE sync_state = 'sync'";
            server.query(sync, &[]).await.unwrap().pop()
        })
        .await;
        let roots = at("roots.pem").display().to_string();
        Self { primary, standby, roots, _folder: folder }
    }

    /// The URL of both, the standby first: it must be passed over.
    fn url(&self, database: &str) -> String {
        let (before, port) = (self.primary.url(database), self.primary.port());
        let hosts = format!("127.0.0.1:{},127.0.0.1:{port}/", self.standby.port());
        let both = before.replace(&format!("127.0.0.1:{port}/"), &hosts);
        let roots = &self.roots;
        format!("{both}?target_session_attrs=read-write&sslmode=verify-full&sslrootcert={roots}")
    }

    fn kill_primary(&self) {
        let pid = self.primary.pid().and_then(Pid::from_raw).unwrap();
        kill_process(pid, Signal::KILL).unwrap();
    }

    async fn promote_standby(&self) {
        let standby = connect(&self.standby.url("postgres")).await;
        standby.batch_execute("SELECT pg_promote()").await.unwrap();
    }
}

/// Asks until there is another answer than a 503.
async fn insist(call: impl Fn() -> Call) -> Answer {
    eventually("there is an answer", async || {
        let answer = call().send().await;
        (answer.status != 503).then_some(answer)
    })
    .await
}

/// Customers who register, log in, fill a cart and order, again and again.
struct Rush<'a> {
    site: &'a Site,
    product: Uuid,
    deeds: Cell<usize>,
    is_over: Cell<bool>,
}

impl Rush<'_> {
    async fn customer(&self) -> Acknowledged {
        let (site, product) = (self.site, self.product);
        let mut acknowledged = Acknowledged::default();
        while !self.is_over.get() {
            let email = format!("{}@example.com", Uuid::now_v7().simple());
            let wanted = json!({ "name": "Ann", "email": email, "password": PASSWORD });
            let registered = insist(|| site.shop.api.post("/user/").json(&wanted)).await;
            // Where the answer to the first try was lost, the e-mail is taken: by this very user.
            assert!([201, 409].contains(&registered.status), "{registered:?}");
            let login = insist(|| site.login(&email)).await.expect(200);
            acknowledged.emails.push(email);
            let token = login["access_token"].as_str().unwrap();
            let item = json!({ "product_id": product, "quantity": 1 });
            let add = || site.shop.api.post("/cart/items").bearer(token).json(&item);
            insist(add).await.expect(201);
            let (key, address) =
                (Uuid::now_v7().to_string(), json!({ "shipping_address": "1 Main Street" }));
            let order = || {
                let order = site.shop.api.post("/orders/").bearer(token).json(&address);
                order.header("idempotency-key", &key)
            };
            acknowledged.orders.push(id(&insist(order).await.expect(201)));
            self.deeds.set(self.deeds.get() + 1);
        }
        acknowledged
    }

    /// Waits until each of them has ordered so often from now on.
    async fn goes_on(&self) {
        let enough = self.deeds.get() + CUSTOMERS * DEEDS;
        eventually("customers get what they want", async || {
            (self.deeds.get() >= enough).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_standby_takes_over_and_nothing_that_was_acknowledged_is_lost() {
    let pair = Pair::start().await;
    let site = Site::start(pair.url("auth"), pair.url("shop")).await;
    let product = Uuid::now_v7();
    let shop = connect(&pair.primary.url("shop")).await;
    shop.execute(PRODUCT, &[&product]).await.unwrap();
    let plain = "SELECT FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE datname IN ('auth', 'shop') AND pid <> pg_backend_pid() AND NOT ssl";
    assert_eq!(shop.query(plain, &[]).await.unwrap().len(), 0);

    let rush = Rush { site: &site, product, deeds: Cell::default(), is_over: Cell::default() };
    let fail_over = async {
        rush.goes_on().await;
        pair.kill_primary();
        eventually("somebody is refused", async || {
            (site.login("nobody@example.com").send().await.status == 503).then_some(())
        })
        .await;
        pair.promote_standby().await;
        rush.goes_on().await;
        rush.is_over.set(true);
    };
    let [one, two, three] = [(); CUSTOMERS].map(|()| rush.customer());
    let (one, two, three, ()) = tokio::join!(one, two, three, fail_over);
    let acknowledged = [one, two, three];

    let shop = connect(&pair.standby.url("shop")).await;
    let orders: HashSet<Uuid> = acknowledged.iter().flat_map(|all| all.orders.clone()).collect();
    let stored = shop.query("SELECT id FROM orders", &[]).await.unwrap();
    let stored: HashSet<Uuid> = stored.iter().map(|row| row.get("id")).collect();
    assert_eq!(orders, stored);
    let given = acknowledged.iter().map(|all| all.orders.len()).sum::<usize>();
    assert_eq!(orders.len(), given, "two customers have the same order");
    assert_eq!(count(&shop, "cart_items").await, 0);
    for email in acknowledged.iter().flat_map(|all| &all.emails) {
        site.login(email).send().await.expect(200);
    }
    // Nobody has tried to write to it while it was a standby.
    let log = fs::read_to_string(pair.standby.folder().join("server.log")).unwrap();
    assert!(!log.contains("read-only transaction"), "{log}");
    for service in [&site.auth, &site.shop] {
        service.ops.get("/health/ready").send().await.expect(200);
    }
}
