//! What calls read of a large database: PostgreSQL writes the plans that it ran into its log
//! (`auto_explain`; where the server comes without it, in the package postgresql-contrib), those of
//! foreign keys too, and the rows are counted, not the time.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use devstack_postgres::testing::database_from_template;
use devstack_testkit::http::Call;
use devstack_testkit::{Answer, database, eventually};
use serde_json::Value;
use uuid::Uuid;

use crate::calls::{GUARDED, OPEN, fill};
use crate::mint;
use crate::pages::{LISTS, with};
use crate::shop::{Shop, migrate, must};

/// What a plan may read in any of its steps: a search walks over 20 times the page, here of ten and
/// one, and half of the products may be of another category.
const ROWS_MAX: f64 = 500.0;

/// Who has 10 orders, and who has 5,000.
const FEW: u128 = id(20_000);
const MANY: u128 = id(20_001);

/// Half of the products, the older ones, are hidden, a quarter of the users is pending, all but 200
/// jobs are done. One product in a hundred is blue; one, the last, is golden.
const LARGE: &str = "
    CREATE FUNCTION id(n int) RETURNS uuid IMMUTABLE LANGUAGE sql
        RETURN ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;
    INSERT INTO users (id, email, name, state)
        SELECT id(n), n || '@example.com', 'Ann Lee',
            CASE WHEN n <= 5000 THEN 'pending' ELSE 'active' END
        FROM generate_series(1, 20001) n;
    INSERT INTO categories SELECT id(n), n, n FROM generate_series(1, 2000) n;
    INSERT INTO products (id, name, description, price, quantity, category_id, hidden)
        SELECT id(n), CASE WHEN n = 20000 THEN 'Golden' WHEN n % 100 = 0 THEN 'Blue' ELSE 'Red' END,
            'A notebook', 1, 100, id(CASE WHEN n % 2 = 0 THEN 1 ELSE n / 10 + 1 END), n <= 10000
        FROM generate_series(1, 20000) n;
    INSERT INTO cart_items (id, user_id, product_id, quantity)
        SELECT id(n), id(n), id(n), 1 FROM generate_series(1, 20000) n;
    INSERT INTO orders (id, user_id, total, shipping_address)
        SELECT id(n), id(CASE WHEN n % 2 = 0 THEN 20001 WHEN n % 1000 = 1 THEN 20000 ELSE n END),
            2, '1 Main Street'
        FROM generate_series(1, 10000) n;
    INSERT INTO order_items (order_id, position, product_id, name, unit_price, quantity)
        SELECT id(n), position, id(n + position * 5000), 'Notebook', 1, 1
        FROM generate_series(1, 10000) n, generate_series(1, 2) position;
    INSERT INTO order_history (order_id, from_status, to_status, changed_by)
        SELECT id(n), 'PROCESSING', 'SHIPPED', id(n) FROM generate_series(1, 10000) n;
    INSERT INTO idempotency_keys (user_id, key, body_hash, order_id)
        SELECT id(n), 'k', '', id(n) FROM generate_series(1, 10000) n;
    INSERT INTO outbox (id, kind, payload, user_id, next_attempt_at, done_at)
        SELECT id(n), 'order_mail', '{}', id(n), now() + interval '1 day',
            CASE WHEN n <= 19800 THEN now() END
        FROM generate_series(1, 20000) n;
    DROP FUNCTION id;
    VACUUM ANALYZE;";

/// The id of the nth row of each table.
const fn id(n: u128) -> u128 {
    (0x0190_0000_0000_7000_8000 << 48) | n
}

/// A shop with a large database, and what PostgreSQL writes about it.
struct Watched {
    shop: Shop,
    log: PathBuf,
}

/// A call's answer, and the plans of its statements.
struct Seen {
    answer: Answer,
    plans: Vec<Value>,
}

impl Watched {
    /// With plans for these parameters (`force_custom_plan`) or for any (`force_generic_plan`):
    /// which of them a prepared statement gets is up to PostgreSQL.
    async fn start(plans: &str) -> Self {
        let database = database_from_template("large", async |url| {
            migrate(url.clone()).await;
            let db = database::connect(&url).await;
            for statement in LARGE.split_inclusive(";\n") {
                must(db.batch_execute(statement).await);
            }
        })
        .await;
        let options = format!(
            "-c plan_cache_mode={plans} -c session_preload_libraries=auto_explain \
             -c auto_explain.log_min_duration=0 -c auto_explain.log_nested_statements=on \
             -c auto_explain.log_analyze=on -c auto_explain.log_timing=off \
             -c auto_explain.log_buffers=on -c auto_explain.log_format=json"
        );
        let url = format!("{}?options={}", database.url(), options.replace(' ', "%20"));
        let shop = Shop::serve(database, &[&format!("--database-url={url}")]).await;
        shop.until_ready().await;
        let data: String = shop.one("SHOW data_directory", &[]).await.get(0);
        Self { shop, log: Path::new(&data).with_file_name("server.log") }
    }

    /// Sends a call; what PostgreSQL did meanwhile.
    async fn see(&self, call: Call) -> Seen {
        self.until_idle().await;
        let before = must(std::fs::metadata(&self.log)).len();
        let answer = call.send().await;
        let processes = self.until_idle().await;
        let log = must(std::fs::read(&self.log));
        let log = String::from_utf8_lossy(&log[must(usize::try_from(before))..]).into_owned();
        Seen { answer, plans: plans(&log, &processes) }
    }

    /// Waits until PostgreSQL has ended what the shop asked for; its processes.
    async fn until_idle(&self) -> BTreeSet<i32> {
        eventually("PostgreSQL is idle", async || {
            let others = "SELECT pid, state FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                    AND backend_type = 'client backend'";
            let others = self.shop.sql(others, &[]).await;
            let is_idle = others.iter().all(|row| row.get::<_, &str>("state") == "idle");
            is_idle.then(|| others.iter().map(|row| row.get("pid")).collect())
        })
        .await
    }
}

/// The plans of these processes in a part of the log, where an entry begins with the year.
fn plans(log: &str, processes: &BTreeSet<i32>) -> Vec<Value> {
    let entries = log.split("\n2").filter(|entry| entry.contains(" LOG:  duration: "));
    let ours = entries.filter(|entry| {
        let process = entry.split(['[', ']']).nth(1).and_then(|process| process.parse().ok());
        process.is_some_and(|process| processes.contains(&process))
    });
    let plans = ours.filter_map(|entry| entry.split_once("plan:\n"));
    plans.map(|(_, plan)| must(serde_json::from_str(plan))).collect()
}

impl Seen {
    /// All steps of all plans, each with the text of its statement.
    fn steps<'a>(&'a self) -> Vec<(&'a Value, &'a str)> {
        let mut steps: Vec<_> = self.plans.iter().map(|plan| (&plan["Plan"], plan)).collect();
        let mut next = 0;
        while let Some((step, plan)) = steps.get(next).copied() {
            steps.extend(step["Plans"].as_array().into_iter().flatten().map(|step| (step, plan)));
            next += 1;
        }
        let text =
            |(step, plan): (_, &'a Value)| (step, plan["Query Text"].as_str().unwrap_or_default());
        steps.into_iter().map(text).collect()
    }

    /// The indexes that were used.
    fn indexes(&self) -> BTreeSet<&str> {
        self.steps().into_iter().filter_map(|(step, _)| step["Index Name"].as_str()).collect()
    }

    /// How many pages were touched.
    fn pages(&self) -> u64 {
        let pages = |plan: &Value, key| plan["Plan"][key].as_u64().unwrap_or_default();
        let pages = |plan| pages(plan, "Shared Hit Blocks") + pages(plan, "Shared Read Blocks");
        self.plans.iter().map(pages).sum()
    }

    /// Fails where a step reads a table from end to end, or more rows than a page is worth.
    #[track_caller]
    fn expect_few_rows(&self, call: &str) {
        assert!(!self.plans.is_empty(), "{call}: no plan was seen");
        for (step, statement) in self.steps() {
            let number = |key| step[key].as_f64().unwrap_or_default();
            let removed = number("Rows Removed by Filter")
                + number("Rows Removed by Join Filter")
                + number("Rows Removed by Index Recheck");
            let rows = (number("Actual Rows") + removed) * number("Actual Loops");
            let is_small = step["Relation Name"] == "refinery_schema_history";
            let is_scan = step["Node Type"] == "Seq Scan" && rows > 0.0 && !is_small;
            assert!(!is_scan && rows <= ROWS_MAX, "{call}: {rows} rows\n{statement}\n{step:#}");
        }
    }
}

/// Every list, and what is searched for in vain or nearly so.
fn lists() -> Vec<String> {
    let category = Uuid::from_u128(id(1)).to_string();
    let lists = LISTS.iter().map(|list| list.replace("{category}", &category));
    let words = ["golden", "blue", "red", "bicycle", "-notebook"];
    let searches = words.iter().flat_map(|q| {
        let search = format!("/products/?q={q}");
        [with(&search, &format!("category_id={category}")), search]
    });
    lists.chain(searches).collect()
}

/// The page of a list that begins after the nth row.
fn page(list: &str, n: u128) -> String {
    let cursor = BASE64_URL_SAFE_NO_PAD.encode(Uuid::from_u128(id(n)));
    with(list, &format!("limit=10&after={cursor}"))
}

#[tokio::test]
async fn a_page_of_a_list_reads_little_more_than_itself() {
    for plans in ["force_generic_plan", "force_custom_plan"] {
        let watched = Watched::start(plans).await;
        let shop = &watched.shop;
        let token = mint::person(Uuid::from_u128(MANY), "shop shop:admin");

        for list in lists() {
            for path in [with(&list, "limit=10"), page(&list, 5_000), page(&list, 15_000)] {
                let seen = watched.see(shop.get(&path).bearer(&token)).await;

                seen.answer.expect(200);
                seen.expect_few_rows(&format!("{plans} GET {path}"));
            }
        }
    }
}

#[tokio::test]
async fn every_other_call_reads_what_it_is_about_and_no_more() {
    for plans in ["force_generic_plan", "force_custom_plan"] {
        let watched = Watched::start(plans).await;
        let shop = &watched.shop;

        for sample in GUARDED.iter().chain(&OPEN) {
            let person = shop.admin().await;
            // A checkout needs something in the cart.
            fill(shop, "{line}", Some(person.id)).await;
            let call = sample.call(shop, Some(person.id)).await;
            let seen = watched.see(call.bearer(&person.token)).await;

            // The auth service is away.
            let is_done = seen.answer.status < 300 || sample.route == "POST /user/";
            assert!(is_done, "{}: {:?}", sample.route, seen.answer);
            seen.expect_few_rows(&format!("{plans} {} {}", sample.method(), sample.path));
        }
    }
}

#[tokio::test]
async fn every_list_has_its_index() {
    let watched = Watched::start("force_generic_plan").await;
    let token = mint::person(Uuid::from_u128(MANY), "shop shop:admin");

    for (list, index) in [
        ("/user/", "users_active"),
        ("/products/category", "categories_pkey"),
        ("/products/", "products_on_sale"),
        ("/products/?category_id={category}", "products_on_sale_by_category"),
        ("/products/?q=golden", "products_by_word"),
        ("/products/?q=golden&category_id={category}", "products_by_word"),
        ("/orders/", "orders_by_user"),
        ("/orders/?all=true", "orders_pkey"),
        ("/admin/outbox", "outbox_open"),
    ] {
        let path = list.replace("{category}", &Uuid::from_u128(id(1)).to_string());
        let seen = watched.see(watched.shop.get(&path).bearer(&token)).await;

        assert!(seen.indexes().contains(index), "{list}: {:?}", seen.indexes());
    }
}

#[tokio::test]
async fn a_page_of_orders_costs_the_same_however_many_there_are() {
    let watched = Watched::start("force_generic_plan").await;
    let pages = async |user: u128, path: &str| {
        let token = mint::person(Uuid::from_u128(user), "shop");
        let seen = watched.see(watched.shop.get(path).bearer(&token)).await;
        assert_eq!(seen.answer.expect(200).as_array().unwrap().len(), 10);
        // The first call of a connection also reads the catalogues; these are the plans' own pages.
        seen.pages()
    };

    let few = pages(FEW, "/orders/?limit=10").await;
    let many = pages(MANY, "/orders/?limit=10").await;
    let deep = pages(MANY, &page("/orders/", 5_000)).await;

    let costs = [few, many, deep];
    assert!(costs.iter().all(|pages| *pages <= 2 * costs.iter().min().unwrap()), "{costs:?}");
}
