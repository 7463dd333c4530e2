//! Mail about an order, as a mail server or a folder gets it.

use devstack_testkit::eventually;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::command::program;
use crate::mint;
use crate::shop::{Person, Shop};
use crate::smtp::MailServer;

/// A shop whose mail goes there.
pub(crate) async fn shop_with(mail_url: &str) -> Shop {
    let url = format!("--mail-url={mail_url}");
    Shop::start_with(&[&url, "--mail-from=Our Shop <shop@shop.example>"]).await
}

/// Two notebooks, ordered.
pub(crate) async fn order(shop: &Shop, person: &Person) -> Value {
    let product = shop.product("12.50", 10).await;
    shop.add(person, product, 2).send().await.expect(201);
    shop.order(person).send().await.expect(201)
}

/// The only job there is, once it is in this state.
pub(crate) async fn job(shop: &Shop, state: &str) -> Value {
    eventually(&format!("the job is {state}"), async || {
        let call = shop.get(&format!("/admin/outbox?state={state}"));
        let jobs = call.bearer(mint::machine("shop:admin")).send().await.expect(200);
        jobs.get(0).cloned()
    })
    .await
}

/// Waits until there is no job any more.
pub(crate) async fn until_done(shop: &Shop) {
    eventually("the job is done", async || {
        (shop.count("outbox WHERE done_at IS NULL").await == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn who_has_ordered_gets_a_mail_with_the_order() {
    let Some(server) = MailServer::start(&json!({})).await else { return };
    let shop = shop_with(&server.url()).await;
    let ann = shop.customer().await;

    let order = order(&shop, &ann).await;
    let mail = server.mail(1).await;

    let id = order["id"].as_str().unwrap();
    assert_eq!((&*mail.sender, &mail.recipients), ("shop@shop.example", &vec![ann.email.clone()]));
    for line in [
        "From: \"Our Shop\" <shop@shop.example>",
        &format!("To: {}", ann.email),
        &format!("Subject: Your order {id}"),
        &format!("Message-ID: <{id}@shop.example>"),
        "Notebook",
        "    2 x 12.50 = 25.00",
        "Total: 25.00",
    ] {
        assert!(mail.message.lines().any(|of_it| of_it == line), "{line} is not in {mail:?}");
    }
    until_done(&shop).await;
    assert_eq!(server.count().await, 1);
}

#[tokio::test]
async fn nothing_that_a_user_typed_is_in_the_mail() {
    let Some(server) = MailServer::start(&json!({})).await else { return };
    let shop = shop_with(&server.url()).await;
    let ann = shop.customer().await;

    order(&shop, &ann).await;
    let message = server.mail(1).await.message;

    for typed in ["1 Main Street", "Ann Lee"] {
        assert!(!message.contains(typed), "{message}");
    }
}

#[tokio::test]
async fn a_products_name_is_text_whatever_it_holds() {
    let Some(server) = MailServer::start(&json!({})).await else { return };
    let shop = shop_with(&server.url()).await;
    let ann = shop.customer().await;
    let product = shop.product("1", 1).await;
    let name = "<script>x\r\n.\r\nBcc: x@y\r\n\u{202e}{{ id }}";
    shop.sql("UPDATE products SET name = $1", &[&name]).await;

    shop.add(&ann, product, 1).send().await.expect(201);
    shop.order(&ann).send().await.expect(201);
    let mail = server.mail(1).await;

    assert_eq!(mail.recipients, [&*ann.email]);
    let in_text = "\r\n<script>x  .  Bcc: x@y   {{ id }}\r\n";
    let in_html = ">&#60;script&#62;x  .  Bcc: x@y   {{ id }}</td>";
    assert!(mail.message.contains(in_text) && mail.message.contains(in_html), "{mail:?}");
}

#[tokio::test]
async fn the_longest_name_of_the_widest_characters_arrives() {
    let Some(server) = MailServer::start(&json!({})).await else { return };
    let shop = shop_with(&server.url()).await;
    let ann = shop.customer().await;
    let product = shop.product("1", 1).await;
    shop.sql("UPDATE products SET name = $1", &[&"🦀".repeat(200)]).await;

    shop.add(&ann, product, 1).send().await.expect(201);
    shop.order(&ann).send().await.expect(201);
    let message = server.mail(1).await.message;

    assert!(message.is_ascii() && message.lines().all(|line| line.len() <= 998), "{message}");
}

#[tokio::test]
async fn the_shop_logs_in_as_its_mail_url_says() {
    let options = json!({ "login": ["shop@mail", "p:ä/s w@rd"] });
    let Some(server) = MailServer::start(&options).await else { return };
    let login = "shop%40mail:p%3A%C3%A4%2Fs%20w%40rd";
    let shop = shop_with(&format!("smtp://{login}@127.0.0.1:{}", server.port)).await;

    order(&shop, &shop.customer().await).await;
    let mail = server.mail(1).await;

    assert_eq!((mail.login.as_deref(), mail.tls), (Some("shop@mail"), false));
}

#[tokio::test]
async fn without_a_mail_url_mail_waits_and_the_start_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::start().await;
    let order = order(&shop, &shop.customer().await).await;

    let running = program(shop.database.url(), &[]).start();
    running.line("ready").await;
    let ended = running.terminate().await;
    let waiting = job(&shop, "waiting").await;
    let url = format!("file://{}", folder.path().display());
    let running = program(shop.database.url(), &["--mail-url", &url]).start();
    until_done(&shop).await;

    let warnings: Vec<&str> = ended.stderr.lines().filter(|line| line.contains("WARN")).collect();
    assert!(matches!(warnings[..], [line] if line.contains("MAIL_URL")), "{}", ended.stderr);
    assert_eq!((&waiting["kind"], &waiting["attempts"]), (&json!("order_mail"), &json!(0)));
    let file = folder.path().join(format!("{}.eml", order["id"].as_str().unwrap()));
    assert!(std::fs::read_to_string(file).unwrap().contains("Total: 25.00"));
    let ended = running.terminate().await;
    assert!(!ended.stderr.contains("MAIL_URL"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_customer_who_is_gone_gets_no_mail() {
    let folder = tempfile::tempdir().unwrap();
    let shop = shop_with(&format!("file://{}", folder.path().display())).await;
    let (product, leaving) = (shop.product("1", 1).await, shop.customer().await);
    shop.sql("UPDATE users SET state = 'deleting' WHERE id = $1", &[&leaving.id]).await;
    let [of_gone, of_leaving, of_nobody] = [(); 3].map(|()| Uuid::now_v7());
    for (order, user) in [(of_gone, None), (of_leaving, Some(leaving.id))] {
        let insert = "WITH placed AS (
                INSERT INTO orders (id, user_id, total, shipping_address) VALUES ($1, $2, 1, ''))
            INSERT INTO order_items (order_id, position, product_id, name, unit_price, quantity)
            VALUES ($1, 1, $3, 'Pen', 1, 1)";
        shop.sql(insert, &[&order, &user, &product]).await;
    }

    for order in [of_gone, of_leaving, of_nobody] {
        let insert = "INSERT INTO outbox (id, kind, payload) VALUES ($1, 'order_mail', $2)";
        shop.sql(insert, &[&Uuid::now_v7(), &json!({ "order": order })]).await;
    }
    until_done(&shop).await;

    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_job_that_names_no_order_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let shop = shop_with(&format!("file://{}", folder.path().display())).await;

    let insert = "INSERT INTO outbox (id, kind, payload) VALUES ($1, 'order_mail', '{}')";
    shop.sql(insert, &[&Uuid::now_v7()]).await;
    let dead = job(&shop, "dead").await;

    assert_eq!(dead["last_error"], "the job names no order");
}
