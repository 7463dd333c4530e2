//! Properties: whatever comes, nothing but what was signed is accepted, and nothing panics.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

static VERIFIER: LazyLock<Verifier> = LazyLock::new(verifier);
/// Good for longer than any run of these tests, and for another person each.
static TOKENS: LazyLock<[String; 2]> = LazyLock::new(|| {
    let long = || with(person(), "exp", json!(now() + 86_400));
    [sign(SECRET, header(), long()), sign(OLD, without(header(), "kid"), long())]
});

/// What tokens have, and a member that they have not.
const MEMBERS: [&str; 15] = [
    "alg",
    "typ",
    "kid",
    "crit",
    "jwk",
    "iss",
    "aud",
    "sub",
    "exp",
    "nbf",
    "iat",
    "client_id",
    "scope",
    "sid",
    "x",
];
const TEXTS: [&str; 7] =
    ["HS256", "none", "at+jwt", "https://auth.example", "shop", "reports", "public"];

fn config() -> ProptestConfig {
    ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() }
}

/// One change of a token's text.
#[derive(Debug, Clone)]
enum Change {
    Replace(Index, char),
    Insert(Index, char),
    Delete(Index),
    Swap(Index, Index),
    Cut(Index, Index),
    Repeat(Index, Index),
    /// The beginning of one and the end of another.
    Splice(Index, Index),
}

fn letter() -> impl Strategy<Value = char> {
    let usual: Vec<char> = "AZaz09-_.=+/ \n\0".chars().collect();
    prop_oneof![4 => select(usual), 4 => proptest::char::range('!', '~'), 1 => any::<char>()]
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<Index>;
    prop_oneof![
        (place(), letter()).prop_map(|(at, letter)| Change::Replace(at, letter)),
        (place(), letter()).prop_map(|(at, letter)| Change::Insert(at, letter)),
        place().prop_map(Change::Delete),
        (place(), place()).prop_map(|(a, b)| Change::Swap(a, b)),
        (place(), place()).prop_map(|(a, b)| Change::Cut(a, b)),
        (place(), place()).prop_map(|(a, b)| Change::Repeat(a, b)),
        (place(), place()).prop_map(|(a, b)| Change::Splice(a, b)),
    ]
}

fn changed(token: &str, change: &Change) -> String {
    let mut text: Vec<char> = token.chars().collect();
    // Two changes could leave nothing to change.
    let length = text.len().max(1);
    text.resize(length, '.');
    let between = |a: &Index, b: &Index| {
        let (a, b) = (a.index(length), b.index(length));
        a.min(b)..a.max(b)
    };
    match change {
        Change::Replace(at, letter) => text[at.index(length)] = *letter,
        Change::Insert(at, letter) => text.insert(at.index(length + 1), *letter),
        Change::Delete(at) => drop(text.remove(at.index(length))),
        Change::Swap(a, b) => text.swap(a.index(length), b.index(length)),
        Change::Cut(a, b) => drop(text.drain(between(a, b))),
        Change::Repeat(a, b) => {
            let again = text[between(a, b)].to_vec();
            text.splice(b.index(length)..b.index(length), again);
        }
        Change::Splice(a, b) => {
            let other: Vec<char> = TOKENS[1].chars().collect();
            text.truncate(a.index(length));
            text.extend(&other[b.index(other.len())..]);
        }
    }
    text.into_iter().collect()
}

/// JSON members that stand in tokens, right and wrong.
fn member() -> impl Strategy<Value = (String, Value)> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(&TEXTS).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 8, 3, |inner| vec(inner, 0..3).prop_map(Value::from));
    (select(&MEMBERS).prop_map(str::to_owned), value)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_token_that_was_changed_anywhere_is_refused(
        which in 0..2_usize,
        changes in vec(change(), 1..4),
    ) {
        let token = &TOKENS[which];
        let other = changes.iter().fold(token.clone(), |token, change| changed(&token, change));

        let is_whole = TOKENS.contains(&other);
        prop_assert_eq!(VERIFIER.verify(&other).is_ok(), is_whole, "{}", other);
    }

    #[test]
    fn no_text_is_a_token(text in ".*", parts in vec("[A-Za-z0-9_-]{0,40}", 0..6)) {
        prop_assert_eq!(VERIFIER.verify(&text), Err(InvalidToken));
        prop_assert_eq!(VERIFIER.verify(&parts.join(".")), Err(InvalidToken));
    }

    /// With a right signature, what stands under it decides; and that is never more than was said.
    #[test]
    fn what_is_signed_is_judged_by_what_it_says(
        headers in vec(member(), 0..3),
        members in vec(member(), 0..3),
    ) {
        let set = |base, members: Vec<(String, Value)>| {
            members.into_iter().fold(base, |base, (name, value)| with(base, &name, value))
        };
        let (header, claims) = (set(header(), headers), set(person(), members));

        if let Ok(caller) = VERIFIER.verify(&sign(SECRET, &header, &claims)) {
            prop_assert_eq!(&header["alg"], "HS256");
            prop_assert_eq!(&header["typ"], "at+jwt");
            prop_assert_eq!(&header["kid"], &kid(SECRET));
            prop_assert!(header.get("crit").is_none());
            prop_assert_eq!(&claims["iss"], "https://auth.example");
            let among = |aud: &Vec<Value>| aud.contains(&json!("shop"));
            prop_assert!(claims["aud"] == "shop" || claims["aud"].as_array().is_some_and(among));
            let exp = claims["exp"].as_number().and_then(whole_seconds);
            prop_assert!(exp.is_some_and(|exp| exp >= now() - 6));
            match caller.subject {
                Subject::User(id) => prop_assert_eq!(&claims["sub"], &id.to_string()),
                Subject::Client(id) => {
                    prop_assert_eq!(&claims["sub"], &id);
                    prop_assert_eq!(&claims["client_id"], &id);
                }
            }
        }
    }
}
