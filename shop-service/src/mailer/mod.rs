//! Sends mail, over SMTP or into a folder. It knows no orders: what a letter says is given.
//!
//! | file | what it is |
//! |---|---|
//! | `mod.rs` | letters, and the message that one becomes |
//! | `smtp.rs` | the dialogue with a server, and a few connections that are kept |
//! | `failure.rs` | whether a failed letter may be tried again, and what is said of it |
//! | `folder.rs` | the folder |
//! | `line.rs` | text that others wrote, made fit to stand in a line |

mod failure;
mod folder;
mod line;
mod smtp;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use time::OffsetDateTime;
use tokio::time::timeout;
use uuid::Uuid;

pub use failure::MailError;
pub use line::line;

use crate::config::{MailConfig, MailUrl};
use smtp::Smtp;

/// How long sending one letter may take, from the connection to the server's receipt.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who answers mail by a program shall not answer this (RFC 3834 §5).
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

/// A mail to somebody.
#[derive(Debug)]
pub struct Letter<'a> {
    /// Becomes its `Message-ID`: a letter that is sent again can be told from a second one.
    pub id: Uuid,
    /// The recipient's address.
    pub to: &'a str,
    /// What it is about.
    pub subject: String,
    /// When what it tells happened: the same each time it is sent.
    pub date: OffsetDateTime,
    /// What it says, as plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// Sends letters.
pub struct Mailer {
    from: Mailbox,
    way: Way,
}

enum Way {
    Smtp(Arc<Smtp>),
    Folder(PathBuf),
}

impl Mailer {
    /// Where the configuration says where mail goes; nothing is connected, nothing loaded yet.
    pub fn new(config: &MailConfig) -> Option<Self> {
        let way = match config.url.clone()? {
            MailUrl::Smtp(server) => Way::Smtp(Arc::new(Smtp::new(server))),
            MailUrl::Folder(folder) => Way::Folder(folder),
        };
        Some(Self { from: config.from.clone(), way })
    }

    /// Sends a letter. When it returns without an error, the server is answerable for it (RFC 5321
    /// §6.1); after an error it may have been sent all the same.
    pub async fn send(&self, letter: &Letter<'_>) -> Result<(), MailError> {
        let to: Address = letter.to.parse().map_err(|_| MailError::no_address())?;
        let message = self.compose(to.clone(), letter)?;
        let sent = async {
            match &self.way {
                Way::Smtp(smtp) => smtp.send(&self.from.email, &to, &message).await,
                Way::Folder(folder) => {
                    let put = folder::put(folder, letter.id, &message).await;
                    put.map_err(|error| MailError::folder(&error))
                }
            }
        };
        timeout(PATIENCE, sent).await.unwrap_or_else(|_| Err(MailError::late(PATIENCE)))
    }

    /// The message, the same bytes each time.
    fn compose(&self, to: Address, letter: &Letter<'_>) -> Result<Vec<u8>, MailError> {
        let Letter { id, date, text, html, .. } = letter;
        let bodies = MultiPart::alternative()
            .boundary(format!("part-{}", id.simple()))
            .singlepart(SinglePart::plain(text.clone()))
            .singlepart(SinglePart::html(html.clone()));
        let message = Message::builder()
            .from(self.from.clone())
            .to(to.into())
            .subject(line(&letter.subject))
            .date(SystemTime::from(*date))
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()))
            .multipart(bodies)
            .map_err(|error| MailError::Refused(error.to_string()))?;
        Ok(message.formatted())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = uuid::uuid!("01997b2e-3c44-7d51-8a3b-0d6a5ef0c001");

    fn mailer(from: &str) -> (Mailer, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let url = Some(MailUrl::Folder(folder.path().to_owned()));
        let config = MailConfig { url, from: from.parse().unwrap() };
        (Mailer::new(&config).unwrap(), folder)
    }

    fn letter(to: &str) -> Letter<'_> {
        Letter {
            id: ID,
            to,
            subject: "Your order".to_owned(),
            date: OffsetDateTime::from_unix_timestamp(1_795_523_401).unwrap(),
            text: "Thank you.\n".to_owned(),
            html: "<p>Thank you.</p>\n".to_owned(),
        }
    }

    async fn sent(from: &str, letter: &Letter<'_>) -> String {
        let (mailer, folder) = mailer(from);
        mailer.send(letter).await.unwrap();
        std::fs::read_to_string(folder.path().join(format!("{ID}.eml"))).unwrap()
    }

    /// The header's lines, unfolded.
    fn header(message: &str) -> Vec<String> {
        let (header, _) = message.split_once("\r\n\r\n").unwrap();
        header.replace("\r\n ", " ").split("\r\n").map(str::to_owned).collect()
    }

    #[tokio::test]
    async fn a_letter_sent_again_is_the_same_to_the_byte() {
        let first = sent("Our Shop <shop@example.com>", &letter("ann@example.com")).await;
        let second = sent("Our Shop <shop@example.com>", &letter("ann@example.com")).await;

        assert_eq!(first, second);
        let header = header(&first);
        for line in [
            "From: \"Our Shop\" <shop@example.com>",
            "To: ann@example.com",
            "Subject: Your order",
            "Date: Tue, 24 Nov 2026 12:30:01 +0000",
            "Message-ID: <01997b2e-3c44-7d51-8a3b-0d6a5ef0c001@example.com>",
            "Auto-Submitted: auto-generated",
        ] {
            assert!(header.iter().any(|of_it| of_it == line), "{line} is not in {header:?}");
        }
    }

    #[tokio::test]
    async fn a_subject_makes_no_header_of_its_own() {
        let subject = "Ä\r\nBcc: x@example.com\n\n<script>".to_owned();

        let message = sent("shop@localhost", &Letter { subject, ..letter("a@b.de") }).await;

        let names = header(&message)
            .into_iter()
            .map(|line| line.split_once(": ").map(|(name, _)| name.to_owned()).unwrap_or(line));
        let expected = [
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type",
        ];
        assert_eq!(names.collect::<Vec<_>>(), expected);
    }

    #[tokio::test]
    async fn no_line_is_longer_than_a_server_must_take() {
        let (text, html) = ("x".repeat(5000), "<b>👩‍👧</b>".repeat(5000));

        let message = sent("shop@localhost", &Letter { text, html, ..letter("a@b.de") }).await;

        assert!(message.is_ascii());
        assert!(message.split("\r\n").all(|line| line.len() <= 998 && !line.contains('\n')));
    }

    #[tokio::test]
    async fn an_address_that_is_none_is_refused_unsent() {
        let (mailer, folder) = mailer("shop@localhost");
        let long = format!("{}@example.com", "x".repeat(65));

        for wrong in ["", "ann", "a b@c.de", "a@b.de\r\nBcc: c@d.de", "a@b.de, c@d.de", &long] {
            let sent = mailer.send(&letter(wrong)).await;
            assert!(matches!(sent, Err(MailError::Refused(_))), "{wrong}: {sent:?}");
        }

        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn without_a_mail_url_there_is_no_mailer() {
        let config = MailConfig { url: None, from: "shop@localhost".parse().unwrap() };

        assert!(Mailer::new(&config).is_none());
    }
}
