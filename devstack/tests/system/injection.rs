//! What users type stays what it is: a line of the log is an event, and a mail says what the shop
//! says, whatever somebody has put into every field there is.

use devstack_postgres::testing::database_from_template;
use devstack_testkit::process::Program;
use devstack_testkit::{Api, eventually};
use serde_json::{Value, json};

use crate::served::{Served, serve};
use crate::system::PASSWORD;

/// Ends a line of a log, of a header and of a mail, and begins one that looks like the others'; in
/// a terminal, a browser and a template, too.
const TYPED: &str = "x\r\n2026-01-01T00:00:00.000000Z ERROR forged: typed\r\nBcc: eve@example.com\
    \r\n\r\n.\r\n{\"level\":\"ERROR\"}\u{1b}[2J\u{85}\u{2028}<script>typed()</script>{{ typed }}";

/// The same, as far as a header can carry it.
const IN_A_HEADER: &str = "typed\tERROR forged: typed {\"level\":\"ERROR\"} <script>";

async fn type_everywhere(auth: &Api, shop: &Api) -> String {
    // What an address may hold, and a mail must not be made of.
    let email = "o'hara+typed{{x}}%0d%0abcc@example.com";
    let register = |name: &str, email: &str| {
        let user = json!({ "name": name, "email": email, "password": PASSWORD });
        shop.post("/user/").header("User-Agent", IN_A_HEADER).json(&user)
    };
    let name: String = TYPED.chars().take(50).collect();
    register(&name, email).send().await.expect(201);
    register(TYPED, TYPED).header("X-Request-Id", IN_A_HEADER).send().await.expect(422);
    for username in [TYPED, email] {
        let form = [("username", username), ("password", TYPED), ("client_id", TYPED)];
        auth.post("/login").header("User-Agent", IN_A_HEADER).form(&form).send().await;
        let form = [("grant_type", TYPED), ("refresh_token", TYPED)];
        auth.post("/token").basic(TYPED, TYPED).form(&form).send().await;
    }
    let typed: String = form_urlencoded::byte_serialize(TYPED.as_bytes()).collect();
    for path in [format!("/{typed}"), format!("/products/?q={typed}"), format!("/orders/{typed}")] {
        for api in [auth, shop] {
            api.get(&path).bearer(IN_A_HEADER).header("Accept", IN_A_HEADER).send().await;
        }
    }
    email.to_owned()
}

/// Buys something whose name is typed, too, for an address that is.
async fn buy(auth: &Served, shop: &Served, database: &str, email: &str) {
    let program = Program::new(env!("CARGO_BIN_EXE_devstack"));
    let grant = ["auth-service", "user", "grant", email, "shop:admin"];
    let granted = program.args(&grant).env("DATABASE_URL", database).run().await;
    assert_eq!(granted.code, Some(0), "{granted:?}");
    let form = [("username", email), ("password", PASSWORD)];
    let login = auth.api.post("/login").form(&form).send().await.expect(200);
    let token = login["access_token"].as_str().unwrap();
    let post = async |path: &str, body: Value| -> Value {
        let call = shop.api.post(path).bearer(token).json(&body);
        call.header("Idempotency-Key", "typed{{x}}<b>").send().await.expect(201)
    };
    let category = post("/products/category", json!({ "name": "Paper" })).await;
    let product = json!({
        "name": TYPED, "description": TYPED, "price": 1.5, "quantity": 9,
        "category_id": category["id"],
    });
    let product = post("/products/", product).await;
    post("/cart/items", json!({ "product_id": product["id"], "quantity": 2 })).await;
    post("/orders/", json!({ "shipping_address": format!("address {TYPED}") })).await;
}

/// That each line is an event as the service writes it.
#[track_caller]
fn expect_events(log: &str, format: &str) {
    assert!(log.contains("POST"), "the log is not complete");
    for line in log.lines() {
        assert!(!line.contains(char::is_control), "{line:?}");
        let level = match format {
            "json" => {
                let event: Value = serde_json::from_str(line).unwrap();
                assert!(event["timestamp"].is_string(), "{line}");
                event["level"].as_str().unwrap().to_owned()
            }
            _ => line.split_whitespace().nth(1).unwrap_or_default().to_owned(),
        };
        let levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"];
        assert!(levels.contains(&&*level), "{line:?}");
        assert!(!line.starts_with("2026-01-01"), "{line:?}");
    }
}

/// That the mail is the shop's, to its customer alone, and says nothing that a user typed.
#[track_caller]
fn expect_untouched(mail: &str, email: &str) {
    let (header, body) = mail.split_once("\r\n\r\n").unwrap();
    let names = header.replace("\r\n ", " ").replace("\r\n\t", " ");
    let names: Vec<&str> =
        names.split("\r\n").map(|line| line.split_once(':').unwrap().0).collect();
    for name in &names {
        let known = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"];
        assert!(known.contains(name) || name.starts_with("Content-") || *name == "MIME-Version");
    }
    assert_eq!(names.iter().filter(|name| **name == "To").count(), 1);
    assert!(header.contains(&format!("To: {email}")), "{header}");
    assert!(mail.is_ascii() && !mail.contains('\u{1b}'), "{mail:?}");
    for not_there in ["address", "\r\n.\r\n", "\r\nBcc:", "\r\n2026-01-01"] {
        assert!(!body.contains(not_there), "{body}");
    }
    // Quoted-printable (RFC 2045 §6.7) breaks long lines.
    let (_, html) = body.split_once("text/html").unwrap();
    let html = html.replace("=\r\n", "");
    assert!(html.contains("&#60;script&#62;") && !html.contains("<script"), "{html}");
}

#[tokio::test]
async fn nothing_a_user_types_breaks_or_enters_the_log_or_the_mail() {
    for format in ["text", "json"] {
        let (auth_database, shop_database) = tokio::join!(
            database_from_template("auth-empty", async |_| {}),
            database_from_template("shop-empty", async |_| {})
        );
        let mail = tempfile::tempdir().unwrap();
        let mail_url = format!("file://{}", mail.path().display());
        let log = ("LOG_FORMAT", format);
        let auth =
            serve("auth-service", auth_database.url(), &[log, ("ARGON2_MEMORY_KIB", "64")]).await;
        let auth_url = format!("http://{}", auth.api.addr());
        let own = [log, ("AUTH_URL", &*auth_url), ("MAIL_URL", &*mail_url)];
        let shop = serve("shop-service", shop_database.url(), &own).await;

        let email = type_everywhere(&auth.api, &shop.api).await;
        buy(&auth, &shop, auth_database.url(), &email).await;
        let sent = eventually("the mail is there", async || {
            let file = std::fs::read_dir(mail.path()).unwrap().next()?.unwrap().path();
            let is_whole = file.extension().is_some_and(|extension| extension == "eml");
            is_whole.then(|| std::fs::read_to_string(file).unwrap())
        })
        .await;

        expect_untouched(&sent, &email);
        for served in [auth, shop] {
            expect_events(&served.process.terminate().await.stderr, format);
        }
    }
}
