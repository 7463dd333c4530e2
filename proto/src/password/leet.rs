//! Keeps a hostile password from costing a second of computing.
//!
//! zxcvbn tries every way to read symbols as letters (`@` and `4` as `a`, `1` as `i` or `l`) with
//! its whole dictionary. A password that holds many of these symbols has hundreds of readings:
//! 100 of them, well chosen, took 1.1 s where a common password takes 0.5 ms.

use std::borrow::Cow;

/// The symbols that zxcvbn reads as a letter, where there are several for one.
const SYMBOLS: [(char, &str); 7] =
    [('a', "4@"), ('c', "({[<"), ('g', "69"), ('i', "1!|"), ('l', "1|7"), ('s', "$5"), ('t', "+7")];

/// More readings than that are not paid for.
const READINGS_MAX: usize = 16;

/// The password itself; or, if it has too many readings, one in which a letter has a single
/// symbol, the first of those that stand for it: as hard to guess as any that full of symbols.
pub(super) fn affordable(password: &str) -> Cow<'_, str> {
    let count = |symbols: &str| symbols.chars().filter(|c| password.contains(*c)).count().max(1);
    let readings: usize = SYMBOLS.iter().map(|(_, symbols)| count(symbols)).product();
    if readings <= READINGS_MAX {
        return Cow::Borrowed(password);
    }
    let plain = |c: char| {
        let same = SYMBOLS.iter().find(|(_, symbols)| symbols.contains(c));
        same.and_then(|(_, symbols)| symbols.chars().next()).unwrap_or(c)
    };
    password.chars().map(plain).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use zxcvbn::{Score, zxcvbn};

    use super::*;

    #[test]
    fn an_ordinary_password_is_judged_as_it_is() {
        for ordinary in ["correct horse", "P@55w0rd!", "1234567890", "!QAZ2wsx#EDC4rfv"] {
            assert_eq!(affordable(ordinary), ordinary);
        }
    }

    #[test]
    fn one_full_of_symbols_has_few_readings_and_is_still_strong() {
        let hostile = "4@8({[<369!|1705$+7%2".repeat(6);

        let judged = affordable(&hostile);

        assert!(judged.starts_with("448((((366111"), "{judged}");
        assert_eq!(judged.len(), hostile.len());
        assert!(zxcvbn(&judged, &[]).score() >= Score::Two);
    }
}
