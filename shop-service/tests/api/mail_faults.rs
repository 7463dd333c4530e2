//! Mail that a server does not take: what is tried again, what is given up, what is said of it.

#![expect(clippy::unwrap_used, reason = "a test says by panicking what it missed")]

use std::time::Duration;

use serde_json::json;
use shop_service::config::MailConfig;
use shop_service::mailer::{Letter, MailError, Mailer};
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::{advance, pause, resume, timeout};
use uuid::Uuid;

use crate::mail::{job, order, shop_with, until_done};
use crate::shop::CLOSED;
use crate::smtp::MailServer;

/// What is said of a mail whose server answers that at that step, and the job's state.
async fn said(server: &MailServer, state: &str) -> String {
    let shop = shop_with(&server.url()).await;
    let ann = shop.customer().await;
    order(&shop, &ann).await;
    let error = job(&shop, state).await["last_error"].as_str().unwrap().to_owned();
    let (user, _) = ann.email.split_once('@').unwrap();
    assert!(!error.to_lowercase().contains(user), "{error} is about {}", ann.email);
    assert!(error.chars().count() <= 200 && !error.contains(char::is_control), "{error:?}");
    error
}

async fn answering(command: &str, answer: &str) -> Option<MailServer> {
    MailServer::start(&json!({ "answers": { command: answer } })).await
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let options = json!({ "answers": { "DATA": "451 4.3.0 busy" }, "times": 2 });
    let Some(server) = MailServer::start(&options).await else { return };
    let shop = shop_with(&server.url()).await;

    order(&shop, &shop.customer().await).await;
    server.mail(1).await;
    until_done(&shop).await;

    assert_eq!(shop.one("SELECT attempts FROM outbox", &[]).await.get::<_, i64>(0), 3);
    assert_eq!(server.count().await, 1);
}

#[tokio::test]
async fn a_recipient_that_is_refused_is_given_up_and_named_nowhere() {
    let answer = "550 5.1.1 <{address}>: no user <{address}> here (see /?for={address})";
    let Some(server) = answering("RCPT", answer).await else { return };

    let error = said(&server, "dead").await;

    let expected = "naming the recipient: the server answers 550 5.1.1 … no user … here (see …";
    assert_eq!(error, expected);
}

#[tokio::test]
async fn a_letter_that_is_refused_is_given_up() {
    let long = format!("554 5.6.0 {}", "no ".repeat(150));
    let Some(server) = answering("DATA", &long).await else { return };

    let error = said(&server, "dead").await;

    assert!(error.starts_with("sending the letter: the server answers 554 5.6.0 no no"), "{error}");
    assert!(error.ends_with('…'), "{error}");
}

#[tokio::test]
async fn what_is_our_own_fault_is_tried_again() {
    for (command, answer) in [
        ("MAIL", "553 5.1.8 who is {address}?"),
        ("RCPT", "554 5.7.1 <{address}>: relay access denied"),
        ("RCPT", "530 log in first"),
        ("DATA", "535 log in better"),
    ] {
        let Some(server) = answering(command, answer).await else { return };

        let error = said(&server, "failing").await;

        assert!(error.contains(&format!("the server answers {}", &answer[..3])), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_tried_again_and_not_repeated() {
    let options = json!({ "login": ["shop", "right"] });
    let Some(server) = MailServer::start(&options).await else { return };
    let shop = shop_with(&format!("smtp://shop:wr%6Fng@127.0.0.1:{}", server.port)).await;

    order(&shop, &shop.customer().await).await;
    let error = job(&shop, "failing").await["last_error"].clone();

    assert_eq!(error, "logging in: the server answers 535");
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again() {
    let shop = shop_with(&format!("smtp://shop:secret@{CLOSED}")).await;

    order(&shop, &shop.customer().await).await;
    let error = job(&shop, "failing").await["last_error"].as_str().unwrap().to_owned();

    assert!(error.starts_with("connecting: ") && !error.contains("secret"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_silent_is_left_after_ten_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let shop = shop_with(&format!("smtp://{}", silent.local_addr().unwrap())).await;

    order(&shop, &shop.customer().await).await;
    let error = job(&shop, "failing").await["last_error"].clone();

    assert_eq!(error, "connecting: no answer within 10 s");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret-place");
    std::fs::write(&file, "").unwrap();
    let shop = shop_with(&format!("file://{}/mail", file.display())).await;

    order(&shop, &shop.customer().await).await;
    let error = job(&shop, "failing").await["last_error"].as_str().unwrap().to_owned();

    assert!(error.contains("MAIL_URL") && !error.contains("secret-place"), "{error}");
    std::fs::remove_file(&file).unwrap();
    until_done(&shop).await;
}

#[tokio::test]
async fn an_address_beyond_ascii_needs_a_server_that_takes_it() {
    for (offered, state) in [(false, "dead"), (true, "done")] {
        let Some(server) = MailServer::start(&json!({ "smtputf8": offered })).await else { return };
        let shop = shop_with(&server.url()).await;
        let ann = shop.customer().await;
        let email = format!("änn-{}", ann.email);
        shop.sql("UPDATE users SET email = $1", &[&email]).await;

        order(&shop, &ann).await;

        if offered {
            assert_eq!(server.mail(1).await.recipients, [email]);
            until_done(&shop).await;
        } else {
            let error = job(&shop, state).await["last_error"].clone();
            assert!(error.as_str().unwrap().contains("SMTPUTF8"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_server_whose_answers_are_those_to_other_commands_has_not_taken_a_letter() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut heard = [0; 1000];
        connection.write_all(b"220 mail.test\r\n").await.unwrap();
        while connection.read(&mut heard).await.is_ok_and(|length| length > 0) {
            connection.write_all(b"250 as you like\r\n").await.unwrap();
        }
    });

    let sent = mailer(&format!("smtp://{address}")).send(&letter("a letter")).await;

    let error = "sending the letter: the server answers 250 to DATA";
    assert_eq!(sent, Err(MailError::Unavailable(error.to_owned())));
}

fn mailer(url: &str) -> Mailer {
    let (url, from) = (url.parse().unwrap(), "shop@localhost".parse().unwrap());
    Mailer::new(&MailConfig { url: Some(url), from }).unwrap()
}

fn letter(text: &str) -> Letter<'static> {
    Letter {
        id: Uuid::now_v7(),
        to: "ann@example.com",
        subject: "A letter".to_owned(),
        date: OffsetDateTime::UNIX_EPOCH,
        text: text.to_owned(),
        html: String::new(),
    }
}

#[tokio::test]
async fn letters_share_a_connection_as_long_as_the_server_keeps_it() {
    for (closes, is_shared) in [(false, true), (true, false)] {
        let Some(server) = MailServer::start(&json!({ "closes": closes })).await else { return };
        let mailer = mailer(&server.url());

        mailer.send(&letter("one")).await.unwrap();
        let first = server.mail(1).await.connection;
        if closes {
            server.closed(first).await;
        }
        mailer.send(&letter("two")).await.unwrap();
        let second = server.mail(2).await.connection;

        assert_eq!(first == second, is_shared);
    }
}

#[tokio::test]
async fn a_connection_that_nobody_uses_is_ended() {
    let Some(server) = MailServer::start(&json!({})).await else { return };
    let mailer = mailer(&server.url());

    mailer.send(&letter("a letter")).await.unwrap();
    let connection = server.mail(1).await.connection;
    pause();
    advance(Duration::from_secs(21)).await;
    resume();

    server.closed(connection).await;
}

#[tokio::test]
async fn a_receipt_that_does_not_come_is_waited_for_as_long_as_all_may_take() {
    let Some(server) = answering("DATA", "hang").await else { return };
    let (mailer, letter) = (mailer(&server.url()), letter("a letter"));

    let time_passes = async {
        server.hangs().await;
        pause();
    };
    let (sent, ()) = tokio::join!(mailer.send(&letter), time_passes);

    assert_eq!(sent, Err(MailError::Unavailable("not sent within 30 s".to_owned())));
}

#[tokio::test]
async fn a_letter_that_was_broken_off_is_no_part_of_the_next() {
    for step in ["MAIL", "RCPT", "DATA"] {
        let options = json!({ "answers": { step: "hang" }, "times": 1 });
        let Some(server) = MailServer::start(&options).await else { return };
        let mailer = mailer(&server.url());
        let [first, second] = [letter("the first"), letter("the second")];

        tokio::select! {
            sent = mailer.send(&first) => panic!("{sent:?}"),
            () = server.hangs() => {}
        }
        let sent = timeout(Duration::from_secs(9), mailer.send(&second)).await;

        assert_eq!(sent, Ok(Ok(())));
        let message = server.mail(1).await.message;
        assert!(message.contains("the second") && !message.contains("the first"), "{message}");
    }
}
