//! The password rule: 8 to 128 code points after Unicode NFC, and not easy to guess.

mod leet;

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;
use zxcvbn::{Score, zxcvbn};

use crate::email::Email;
use crate::fields::Message;

const MIN: usize = 8;
const MAX: usize = 128;

/// A password as it is hashed: NFC, so that it is the same from every keyboard.
#[derive(Clone)]
pub struct Password(SecretString);

impl Password {
    /// A password to log in with; `None` where it is one that nobody can have.
    pub fn presented(text: &str) -> Option<Self> {
        // Bounded before it is normalised: NFC never makes fewer code points out of one that
        // `MAX` of them could stand for more than 18 times as many (UAX #15 §8).
        if text.chars().nth(MAX * 18).is_some() {
            return None;
        }
        let text: String = text.nfc().collect();
        let fits = text.chars().nth(MAX).is_none() && !text.is_empty() && !text.contains('\0');
        fits.then(|| Self(text.into()))
    }

    /// A password somebody chooses, judged by the rule, to which the e-mail is easy to guess.
    pub fn chosen(text: &str, email: Option<&Email>) -> Result<Self, Message> {
        if text.contains('\0') {
            return Err("must not contain NUL".into());
        }
        let password = Self::presented(text)
            .filter(|password| password.expose().chars().nth(MIN - 1).is_some())
            .ok_or_else(|| format!("must have {MIN} to {MAX} characters"))?;
        let hints = email.map(|email| [email.as_str(), email.local_part()]);
        let affordable = leet::affordable(password.expose());
        let judged = zxcvbn(&affordable, hints.as_ref().map_or(&[], |hints| hints));
        if judged.score() >= Score::Two {
            return Ok(password);
        }
        let words = judged.feedback().map_or_else(String::new, |feedback| {
            let warning = feedback.warning().map(|warning| warning.to_string());
            let suggestions = feedback.suggestions().iter().map(ToString::to_string);
            warning.into_iter().chain(suggestions).collect::<Vec<_>>().join(" ")
        });
        Err(format!("is too easy to guess. {words}").trim_end().to_owned().into())
    }

    /// The text itself, to be hashed or sent.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(text: &str) -> Result<Password, Message> {
        Password::chosen(text, Some(&"ann.lee@example.com".parse().unwrap()))
    }

    #[test]
    fn a_good_password_is_taken_in_nfc() {
        let decomposed = judge("cafe\u{301} au lait 19").unwrap();

        assert_eq!(decomposed.expose(), "caf\u{e9} au lait 19");
    }

    #[test]
    fn length_is_counted_in_code_points_after_nfc() {
        let long: String = "correct horse battery staple ".chars().cycle().take(128).collect();

        assert!(judge(&long).is_ok());
        assert!(judge(&format!("{long}x")).unwrap_err().contains("8 to 128"));
        assert!(judge("7 chars").unwrap_err().contains("8 to 128"));
        assert!(judge("e\u{301}xyzq17").unwrap_err().contains("8 to 128"));
        assert!(judge(&"\u{301}".repeat(100_000)).is_err());
    }

    #[test]
    fn an_easy_one_is_refused_in_zxcvbns_own_words() {
        let reason = judge("password1").unwrap_err();

        assert!(reason.starts_with("is too easy to guess. This is a very common password."));
    }

    #[test]
    fn the_e_mail_and_its_local_part_are_easy() {
        assert!(judge("ann.lee@example.com").is_err());
        assert!(judge("ann.lee1").is_err());
    }

    #[test]
    fn nul_is_refused() {
        assert_eq!(judge("correct\0horse battery").unwrap_err(), "must not contain NUL");
        assert!(Password::presented("correct\0horse").is_none());
    }

    #[test]
    fn it_is_never_printed() {
        assert_eq!(format!("{:?}", judge("correct horse").unwrap()), "Password([redacted])");
    }
}
