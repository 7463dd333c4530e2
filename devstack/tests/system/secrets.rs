//! Nothing secret is written anywhere: after a whole journey through both services as processes
//! that log all they can, every place that outlives a request is searched for every secret.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use devstack_postgres::testing::{TestDatabase, database_from_template};
use devstack_testkit::http::Call;
use devstack_testkit::process::Program;
use devstack_testkit::{Answer, Api, database, eventually};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::collector::Collector;
use crate::served::{CLIENT_SECRET, TOKEN_SECRET, serve};
use crate::system::{OTHER_PASSWORD, PASSWORD};

const PEPPER: &str = "5b9e-pepper-of-passwords-that-nobody-may-read-anywhere";
const MAIL_PASSWORD: &str = "8e3b-password-of-the-mail-server";
const COLLECTOR_TOKEN: &str = "4c1a-token-of-the-collector-of-traces";
const WRONG_PASSWORD: &str = "2c4f wrong password of somebody";
/// A password in the field of the e-mail: people do that.
const MISPLACED: &str = "6d8a password in the wrong field";

/// What is secret, and every answer that was an error.
#[derive(Default)]
struct Found {
    secrets: Vec<(&'static str, String)>,
    errors: Vec<String>,
}

impl Found {
    fn secret(&mut self, name: &'static str, secret: &str) -> String {
        self.secrets.push((name, secret.to_owned()));
        // As a header carries it, and as a column of bytes is shown.
        self.secrets.push((name, hex(secret.as_bytes())));
        self.secrets.push((name, BASE64_STANDARD.encode(secret)));
        secret.to_owned()
    }

    fn refresh_token(&mut self, body: &Value) -> String {
        let token = self.secret("refresh token", body["refresh_token"].as_str().unwrap());
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&token).unwrap();
        self.secrets.push(("secret of a refresh token", hex(&bytes[20..52])));
        token
    }

    fn access_token(&mut self, body: &Value) -> String {
        self.secret("access token", body["access_token"].as_str().unwrap())
    }

    async fn error(&mut self, call: Call) {
        let answer = call.send().await;
        assert!(answer.status >= 400, "{answer:?}");
        self.errors.push(format!("{answer:?}"));
        self.errors.push(String::from_utf8_lossy(&answer.body).into_owned());
    }

    fn judge(&self, place: &str, text: &str) {
        assert!(!text.is_empty(), "{place} is empty");
        for (name, secret) in &self.secrets {
            assert!(!text.contains(secret), "{place} holds a {name}: {secret}");
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn basic(id: &str, secret: &str) -> String {
    BASE64_STANDARD.encode(format!("{id}:{secret}"))
}

/// Every row of every table, as text.
async fn dump(database: &TestDatabase) -> String {
    let db = database::connect(database.url()).await;
    let tables = "SELECT format('%I', table_name) FROM information_schema.tables
        WHERE table_schema = 'public'";
    let mut text = String::new();
    for table in db.query(tables, &[]).await.unwrap() {
        let table: String = table.get(0);
        let rows = format!("SELECT t::text FROM {table} t");
        for row in db.query(&rows, &[]).await.unwrap() {
            text += &format!("{table} {}\n", row.get::<_, String>(0));
        }
    }
    text
}

async fn login(auth: &Api, email: &str, password: &str) -> Answer {
    auth.post("/login").form(&[("username", email), ("password", password)]).send().await
}

async fn auth_calls(auth: &Api, email: &str, found: &mut Found) -> String {
    let first = login(auth, email, PASSWORD).await.expect(200);
    let access = found.access_token(&first);
    let refresh = found.refresh_token(&first);
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*refresh)];
    let second = auth.post("/token").form(&form).send().await.expect(200);
    let refresh = found.refresh_token(&second);
    found.access_token(&second);
    for token in [&access, &refresh] {
        let call = auth.post("/introspect").form(&[("token", token)]);
        call.basic("shop-service", CLIENT_SECRET).send().await.expect(200);
    }
    let admin = login(auth, "admin@example.com", PASSWORD).await.expect(200);
    let admin = found.access_token(&admin);
    let client = json!({ "id": "billing", "scopes": ["shop"] });
    let created = auth.post("/admin/clients").bearer(&admin).json(&client).send().await.expect(201);
    let secret = found.secret("client's secret", created["secret"].as_str().unwrap());
    found.secrets.push(("Authorization header", basic("billing", &secret)));
    let form = [("grant_type", "client_credentials")];
    let machine = auth.post("/token").form(&form).basic("billing", &secret).send().await;
    found.access_token(&machine.expect(200));

    found
        .error(auth.post("/login").form(&[("username", email), ("password", WRONG_PASSWORD)]))
        .await;
    found.error(auth.post("/login").form(&[("username", MISPLACED), ("password", PASSWORD)])).await;
    let unreadable = format!("{{\"password\": \"{PASSWORD}\"");
    found.error(auth.post("/login").body("application/json", unreadable.clone())).await;
    let call = auth.post("/credentials").basic("shop-service", CLIENT_SECRET);
    found.error(call.body("application/json", unreadable)).await;
    let registration = json!({ "id": "x", "email": "x", "password": "password" });
    let call = auth.post("/credentials").basic("shop-service", CLIENT_SECRET);
    found.error(call.json(&registration)).await;
    found.error(auth.post("/token").form(&form).basic("billing", WRONG_PASSWORD)).await;
    found.error(auth.get("/sessions").bearer(format!("{access}x"))).await;
    found.error(auth.get(&format!("/{access}?token={refresh}"))).await;
    let change = json!({ "current_password": WRONG_PASSWORD, "new_password": OTHER_PASSWORD });
    found.error(auth.put("/password").bearer(&access).json(&change)).await;

    let change = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
    auth.put("/password").bearer(&access).json(&change).send().await.expect(204);
    auth.post("/revoke").form(&[("token", &*refresh)]).send().await.expect(200);
    admin
}

async fn shop_calls(shop: &Api, email: &str, access: &str, found: &mut Found) {
    shop.get("/user/me").bearer(access).send().await.expect(200);
    shop.get("/user/").bearer(access).send().await.expect(200);
    let again = json!({ "name": "Ann", "email": email, "password": PASSWORD });
    found.error(shop.post("/user/").json(&again)).await;
    found.error(shop.get("/user/me").bearer(format!("{access}x"))).await;
    found.error(shop.get("/user/me").header("authorization", &format!("Basic {access}"))).await;
    found.error(shop.get(&format!("/{access}"))).await;
}

/// Orders something, whose mail waits because the mail server refuses the login.
async fn order(shop: &Api, database: &TestDatabase, access: &str) {
    let db = database::connect(database.url()).await;
    let (category, product) = (Uuid::now_v7(), Uuid::now_v7());
    let insert = format!(
        "INSERT INTO categories (id, name, name_key) VALUES ('{category}', 'Pens', 'pens');
         INSERT INTO products (id, name, description, price, quantity, category_id)
         VALUES ('{product}', 'Pen', '', 1, 1, '{category}')"
    );
    db.batch_execute(&insert).await.unwrap();
    let item = json!({ "product_id": product });
    shop.post("/cart/items").bearer(access).json(&item).send().await.expect(201);
    let address = json!({ "shipping_address": "1 Lock Lane" });
    shop.post("/orders/").bearer(access).json(&address).send().await.expect(201);
    eventually("the mail server has refused the login", async || {
        let refused = "SELECT FROM outbox WHERE last_error LIKE '%535%'";
        db.query_opt(refused, &[]).await.unwrap().map(drop)
    })
    .await;
}

/// A mail server that repeats whatever it is told, and its address.
async fn echoing_mail_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let (heard, mut said) = connection.split();
            let mut heard = BufReader::new(heard).lines();
            said.write_all(b"220 mail.test\r\n").await.unwrap();
            while let Ok(Some(line)) = heard.next_line().await {
                let answer = match line.starts_with("EHLO ") {
                    true => "250-mail.test\r\n250 AUTH PLAIN\r\n".to_owned(),
                    false => format!("535 5.7.8 {line} ({MAIL_PASSWORD}) is wrong\r\n"),
                };
                said.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    });
    address
}

#[tokio::test]
async fn no_secret_is_in_logs_at_trace_in_a_database_in_metrics_or_in_errors() {
    let (auth_database, shop_database) = tokio::join!(
        database_from_template("auth-empty", async |_| {}),
        database_from_template("shop-empty", async |_| {})
    );
    let collector = Collector::start().await;
    let header = format!("authorization=Bearer%20{COLLECTOR_TOKEN}");
    let traces = ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url());
    let headers = ("OTEL_EXPORTER_OTLP_HEADERS", &*header);
    let own = [("ARGON2_MEMORY_KIB", "64"), ("PASSWORD_PEPPER", PEPPER), traces, headers];
    let auth = serve("auth-service", auth_database.url(), &own).await;
    let auth_url = format!("http://{}", auth.api.addr());
    let mail_url = format!("smtp://shop:{MAIL_PASSWORD}@{}", echoing_mail_server().await);
    let shop = [("AUTH_URL", &*auth_url), ("MAIL_URL", &*mail_url), traces, headers];
    let shop = serve("shop-service", shop_database.url(), &shop).await;
    let mut found = Found::default();
    for (name, secret) in [
        ("signing secret", TOKEN_SECRET),
        ("registration secret", CLIENT_SECRET),
        ("pepper", PEPPER),
        ("mail server's password", MAIL_PASSWORD),
        ("collector's token", COLLECTOR_TOKEN),
        ("password", PASSWORD),
        ("new password", OTHER_PASSWORD),
        ("wrong password", WRONG_PASSWORD),
        ("misplaced password", MISPLACED),
    ] {
        found.secret(name, secret);
    }
    found.secrets.push(("Authorization header", basic("shop-service", CLIENT_SECRET)));
    let login = BASE64_STANDARD.encode(format!("\0shop\0{MAIL_PASSWORD}"));
    found.secrets.push(("mail server's login", login));

    let email = format!("{}@example.com", Uuid::now_v7().simple());
    for (name, email) in [("Ann", &*email), ("Admin", "admin@example.com")] {
        let body = json!({ "name": name, "email": email, "password": PASSWORD });
        shop.api.post("/user/").json(&body).send().await.expect(201);
    }
    let program = Program::new(env!("CARGO_BIN_EXE_devstack"));
    let grant = ["auth-service", "user", "grant", "admin@example.com", "shop", "auth:admin"];
    let granted = program.args(&grant).env("DATABASE_URL", auth_database.url()).run().await;
    assert_eq!(granted.code, Some(0), "{granted:?}");
    let admin = auth_calls(&auth.api, &email, &mut found).await;
    shop_calls(&shop.api, &email, &admin, &mut found).await;
    order(&shop.api, &shop_database, &admin).await;

    for served in [&auth, &shop] {
        let metrics = served.ops.get("/metrics").send().await;
        found.judge("metrics", &String::from_utf8_lossy(&metrics.body));
    }
    found.judge("an error", &found.errors.join("\n"));
    found.judge("auth's database", &dump(&auth_database).await);
    found.judge("the shop's database", &dump(&shop_database).await);
    for (name, served, route) in
        [("auth's log", auth, "/token"), ("the shop's log", shop, "/user/me")]
    {
        let ended = served.process.terminate().await;
        assert!(ended.stderr.contains(route), "{name} is not complete");
        found.judge(name, &ended.stderr);
    }
    let spans = format!("{:?}", collector.spans());
    assert!(spans.contains("PUT /password") && spans.contains("GET /user/me"), "{spans}");
    found.judge("traces", &spans);
    let sent = format!("authorization: Bearer {COLLECTOR_TOKEN}\r\n");
    assert!(collector.heads().iter().all(|head| head.contains(&sent)), "{:?}", collector.heads());
}
