//! Whether a letter that was not sent may be tried again, and what is said of it.

use std::error::Error;
use std::time::Duration;
use std::{fmt, io};

use lettre::Address;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::response::Code;
use secrecy::{ExposeSecret, SecretString};

use super::line;

/// Servers say what they like, and it is stored: so much of it is enough.
const TEXT_MAX: usize = 200;

/// Stands where something was that is not to be read.
const ELLIPSIS: &str = "…";

/// Why a letter was not sent: one line without the recipient's address and without any secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// This letter can never be delivered.
    #[error("{0}")]
    Refused(String),
    /// It could not be sent now: the server is away or busy, or this service's own login or
    /// address are not as the server wants them.
    #[error("{0}")]
    Unavailable(String),
}

/// How far the dialogue with a server has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Connection,
    Login,
    Sender,
    Recipient,
    Content,
}

impl MailError {
    pub(super) fn no_address() -> Self {
        Self::Refused("the recipient's address is none that mail can be sent to".to_owned())
    }

    pub(super) fn no_smtputf8() -> Self {
        let why = "the recipient's address is not ASCII, and the server has no SMTPUTF8";
        Self::Refused(why.to_owned())
    }

    pub(super) fn late(patience: Duration) -> Self {
        Self::Unavailable(format!("not sent within {} s", patience.as_secs()))
    }

    /// Names no path: it stands in `MAIL_URL`.
    pub(super) fn folder(error: &io::Error) -> Self {
        Self::Unavailable(format!("the folder of MAIL_URL cannot be written: {}", error.kind()))
    }

    pub(super) fn out_of_step(code: Code) -> Self {
        Self::Unavailable(format!("{}: the server answers {code} to DATA", Step::Content))
    }

    /// What a server that answered nothing in time means.
    pub(super) fn silent(step: Step, patience: Duration) -> Self {
        Self::Unavailable(format!("{step}: no answer within {} s", patience.as_secs()))
    }

    /// What an answer at this step means for the letter.
    pub(super) fn judge(step: Step, error: &SmtpError, private: &Private<'_>) -> Self {
        let (code, words) = (error.status().map(u16::from), words(error));
        let what = match code {
            // A server's words about a login could repeat it.
            Some(code) if step == Step::Login => format!("{step}: the server answers {code}"),
            Some(code) => format!("{step}: the server answers {code} {}", private.hide(&words)),
            None => format!("{step}: {}", private.hide(&words)),
        };
        match code {
            Some(code) if is_about_the_letter(step, code, &words) => Self::Refused(cut(&what)),
            _ => Self::Unavailable(cut(&what)),
        }
    }
}

/// Whether an answer refuses this very letter for ever (RFC 5321 §4.2.1). Others are about this
/// service, and whoever mends that has all letters sent: what comes before the recipient is named;
/// 530 to 538, log in first or better (RFC 4954 §6); and that the server will not relay for us,
/// or not for our network (RFC 3463 §3.8).
fn is_about_the_letter(step: Step, code: u16, words: &str) -> bool {
    let is_about_our_login = (530..=538).contains(&code);
    match step {
        Step::Connection | Step::Login | Step::Sender => false,
        Step::Recipient => code >= 500 && !is_about_our_login && !words.starts_with("5.7."),
        Step::Content => code >= 500 && !is_about_our_login,
    }
}

/// What the server said, or what is at the bottom of the error: those above it say less.
fn words(error: &SmtpError) -> String {
    let mut bottom: &dyn Error = error;
    while let Some(below) = bottom.source() {
        bottom = below;
    }
    bottom.to_string()
}

/// One line that is not too long.
fn cut(text: &str) -> String {
    let text = line(text);
    match text.char_indices().nth(TEXT_MAX - 1) {
        Some((end, _)) if text.chars().nth(TEXT_MAX).is_some() => {
            format!("{}{ELLIPSIS}", &text[..end])
        }
        _ => text,
    }
}

/// What nobody shall read in an error: whom a letter is for, and the password.
pub(super) struct Private<'a> {
    pub(super) to: &'a Address,
    pub(super) password: Option<&'a SecretString>,
}

impl Private<'_> {
    /// The text without it. Every address goes, and every word that holds the name before the
    /// recipient's @: servers repeat either, in their own writing.
    fn hide(&self, text: &str) -> String {
        if self.password.is_some_and(|password| text.contains(password.expose_secret())) {
            return ELLIPSIS.to_owned();
        }
        let name = self.to.user().to_lowercase();
        let is_private = |word: &str| {
            let word = word.to_lowercase();
            // The @ as it is, and as URLs have it.
            word.contains('@') || word.contains("%40") || holds(&word, &name)
        };
        let words = text.split_whitespace();
        let words = words.map(|word| if is_private(word) { ELLIPSIS } else { word });
        words.collect::<Vec<_>>().join(" ")
    }
}

/// Whether a name stands in a word by itself: not in the middle of another name.
fn holds(word: &str, name: &str) -> bool {
    let is_apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    word.match_indices(name).any(|(start, _)| {
        is_apart(word[..start].chars().next_back())
            && is_apart(word[start + name.len()..].chars().next())
    })
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connection => "connecting",
            Self::Login => "logging in",
            Self::Sender => "naming MAIL_FROM",
            Self::Recipient => "naming the recipient",
            Self::Content => "sending the letter",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of a server's words to ann.lee@example.com.
    fn hidden(text: &str) -> String {
        let to: Address = "ann.lee@example.com".parse().unwrap();
        let password = SecretString::from("pass word");
        Private { to: &to, password: Some(&password) }.hide(text)
    }

    #[test]
    fn whom_a_letter_is_for_is_not_repeated() {
        for (said, left) in [
            ("5.1.1 <ann.lee@example.com>: unknown", "5.1.1 … unknown"),
            ("<ANN.Lee@Example.COM> unknown", "… unknown"),
            ("rcpt=ann.lee@example.com, sorry", "… sorry"),
            ("see https://help.example/?to=ann.lee%40example.com", "see …"),
            ("no user Ann.Lee. here", "no user … here"),
            ("no user 'ann.lee' or user=ann.lee", "no user … or …"),
            ("no joann.lee or ann.leeds here", "no joann.lee or ann.leeds here"),
            ("sent by shop@example.com for ann.lee @example.com", "sent by … for … …"),
        ] {
            assert_eq!(hidden(said), left);
        }
    }

    #[test]
    fn words_that_hold_the_password_are_not_repeated() {
        assert_eq!(hidden("your pass word is wrong"), "…");
        assert_eq!(hidden("your password is wrong"), "your password is wrong");
    }

    #[test]
    fn an_error_is_one_line_that_is_not_too_long() {
        assert_eq!(cut("a\r\nb\u{202e}c"), "a  b c");
        assert_eq!(cut(&"ä".repeat(200)), "ä".repeat(200));
        assert_eq!(cut(&"ä".repeat(201)), format!("{}…", "ä".repeat(199)));
    }

    #[test]
    fn only_what_is_about_the_letter_refuses_it() {
        let is_refused = |step, code| is_about_the_letter(step, code, "5.1.1 unknown");
        for code in [500, 501, 550, 552, 553, 554, 556, 529, 539] {
            assert!(is_refused(Step::Recipient, code), "{code}");
            assert!(is_refused(Step::Content, code), "{code}");
            for early in [Step::Connection, Step::Login, Step::Sender] {
                assert!(!is_refused(early, code), "{early} {code}");
            }
        }
        for code in [421, 450, 451, 452, 499, 530, 534, 535, 538] {
            assert!(!is_refused(Step::Recipient, code), "{code}");
            assert!(!is_refused(Step::Content, code), "{code}");
        }
    }

    #[test]
    fn a_server_that_does_not_relay_for_us_refuses_no_letter() {
        let denied = "5.7.1 relay access denied";

        assert!(!is_about_the_letter(Step::Recipient, 554, denied));
        assert!(is_about_the_letter(Step::Content, 554, "5.7.1 looks like spam"));
    }

    #[test]
    fn a_folders_error_does_not_name_it() {
        let error = io::Error::new(io::ErrorKind::PermissionDenied, "/secret/place");

        let MailError::Unavailable(text) = MailError::folder(&error) else { panic!("{error}") };
        assert_eq!(text, "the folder of MAIL_URL cannot be written: permission denied");
    }
}
