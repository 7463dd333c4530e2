//! The text of a token: three parts of base64url, two of which are JSON objects.

use super::*;

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn token() -> String {
    sign(SECRET, header(), person())
}

/// With a signature that is right for these two parts, whatever they are.
fn signed(header: &str, claims: &str) -> String {
    let message = format!("{header}.{claims}");
    let tag = tag(hmac::HMAC_SHA256, SECRET, &message);
    format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
}

#[expect(clippy::needless_pass_by_value, reason = "so that a table need not be full of `&`")]
fn encode(part: impl ToString) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(part.to_string())
}

#[test]
fn a_token_that_was_cut_off_anywhere_is_refused() {
    let token = token();

    for end in 0..token.len() {
        expect_refused(&token[..end], end);
        expect_refused(&token[end + 1..], end);
    }
    expect_accepted(&token);
}

#[test]
fn a_token_has_three_parts() {
    let token = token();
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, tag] = parts[..] else { panic!("{token}") };

    for wrong in [
        ".".to_owned(),
        "..".to_owned(),
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{header}..{tag}"),
        format!(".{claims}.{tag}"),
        format!("{claims}.{tag}"),
        format!("{header}{claims}{tag}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{tag}"),
        format!("{header}.{token}"),
        format!("{header}..{claims}.{tag}"),
        // As many as an encrypted one has (RFC 7516 §7.1), and both kinds of JSON that there are.
        format!("{header}.{claims}.{tag}.{tag}.{tag}"),
        format!("{}....", encode(r#"{"alg":"dir","enc":"A256GCM","typ":"at+jwt"}"#)),
        json!({ "protected": header, "payload": claims, "signature": tag }).to_string(),
        json!({ "payload": claims, "signatures": [{ "protected": header, "signature": tag }] })
            .to_string(),
    ] {
        expect_refused(&wrong, &wrong);
    }
    expect_refused(&signed(header, &format!("{claims}.{claims}")), "signed in four");
    expect_refused(&signed(&format!("{header}.{header}"), claims), "signed in four");
}

#[test]
fn base64url_has_no_padding_and_one_alphabet() {
    // Each part has a character by which the alphabets differ.
    let text = json!("???>>>~~~???>>>");
    let (header, claims) = (with(header(), "x", text.clone()), with(person(), "x", text));
    let (header, claims) = (encode(header), encode(claims));
    let other = |part: &str| part.replace('-', "+").replace('_', "/");
    assert!(other(&header) != header && other(&claims) != claims);
    expect_accepted(&signed(&header, &claims));

    expect_refused(&signed(&other(&header), &claims), "the header's alphabet");
    expect_refused(&signed(&header, &other(&claims)), "the claims' alphabet");
    for padding in ["=", "==", "==="] {
        expect_refused(&signed(&format!("{header}{padding}"), &claims), "a padded header");
        expect_refused(&signed(&header, &format!("{claims}{padding}")), "padded claims");
        expect_refused(&format!("{}{padding}", token()), "a padded signature");
    }
    // 43 characters, of which hardly one signature has none of the 62nd and 63rd.
    let tags = (0..64).map(|_| token()).filter(|token| other(token) != *token);
    assert!(tags.map(|token| expect_refused(&other(&token), token)).count() > 0);
}

/// The last character of a part can have bits that stand for nothing: one token, one text.
#[test]
fn bits_that_stand_for_nothing_are_zero() {
    let token = token();
    let last = token.bytes().last().unwrap();
    let place = ALPHABET.iter().position(|&letter| letter == last).unwrap();
    assert_eq!(place % 4, 0, "32 bytes are 43 characters, of which the last has two bits to spare");

    for spare in 1..4 {
        let same = char::from(ALPHABET[place + spare]);
        expect_refused(&format!("{}{same}", &token[..token.len() - 1]), "the signature");
    }
    for fill in ["", " ", "  "] {
        let (header, claims) = (format!("{}{fill}", header()), format!("{}{fill}", person()));
        expect_accepted(&sign(SECRET, &header, &claims));
        let (header, claims) = (encode(header), encode(claims));
        let spared = |part: &str| {
            let place = ALPHABET.iter().position(|&letter| part.as_bytes().last() == Some(&letter));
            format!("{}{}", &part[..part.len() - 1], char::from(ALPHABET[place.unwrap() ^ 1]))
        };
        if header.len() % 4 != 0 {
            expect_refused(&signed(&spared(&header), &claims), "the header");
        }
        if claims.len() % 4 != 0 {
            expect_refused(&signed(&header, &spared(&claims)), "the claims");
        }
    }
}

#[test]
fn nothing_stands_between_its_characters() {
    let token = token();
    let dots: Vec<usize> = token.match_indices('.').map(|(at, _)| at).collect();

    for more in [" ", "\n", "\r\n", "\t", "\0", "%20", "é", "\u{200b}", "\u{feff}", "\"", ","] {
        for at in [0, 1, dots[0], dots[0] + 1, dots[1], dots[1] + 1, token.len()] {
            let mut token = token.clone();
            token.insert_str(at, more);
            expect_refused(&token, (more, at));
        }
    }
    for dot in ["\u{ff0e}", "\u{3002}", "%2e", ","] {
        expect_refused(&token.replace('.', dot), dot);
    }
    // Letters that others fold into those of the alphabet.
    expect_refused(&token.replace('e', "\u{435}"), "Cyrillic");
    expect_refused(&token.replace('k', "\u{212a}"), "the sign of Kelvin");
    expect_refused(&token.to_uppercase(), "upper case");
}

#[test]
fn no_token_is_longer_than_eight_kilobytes() {
    let of = |length: usize| sign(SECRET, header(), with(person(), "x", json!("x".repeat(length))));
    let most = (5000..7000).rev().find(|&length| of(length).len() <= MAX_BYTES).unwrap();

    expect_accepted(&of(most));
    expect_refused(&of(most + 3), "three bytes more");
    expect_refused(&of(100 * 1024), "100 KB");
    expect_refused(&"A".repeat(100 * 1024), "100 KB of nothing");
    expect_refused(&".".repeat(100 * 1024), "100 KB of dots");
}

#[test]
fn header_and_claims_are_objects_and_nothing_beside() {
    let (header, claims) = (header().to_string(), person().to_string());
    let wrong = |right: &str| {
        [
            String::new(),
            "null".to_owned(),
            "7".to_owned(),
            "\"HS256\"".to_owned(),
            "{}".to_owned(),
            "[]".to_owned(),
            format!("[{right}]"),
            format!("{right}{right}"),
            format!("{right}\0"),
            format!("{right},"),
            format!("\u{feff}{right}"),
            right.replace('"', "'"),
            right.replace('}', ",}"),
            right.replace('}', "/**/}"),
            right[..right.len() - 1].to_owned(),
            right[1..].to_owned(),
        ]
    };

    for wrong in wrong(&header) {
        expect_refused(&sign(SECRET, &wrong, &claims), wrong);
    }
    for wrong in wrong(&claims) {
        expect_refused(&sign(SECRET, &header, &wrong), wrong);
    }
    // Values in the order of the members, as some formats write an object.
    let list = json!(["HS256", "at+jwt", kid(SECRET), false]);
    expect_refused(&sign(SECRET, list, &claims), "list");
    let list = json!([
        "https://auth.example",
        UserId::generate(),
        now() + 60,
        null,
        null,
        null,
        "public",
        null,
        "shop",
    ]);
    expect_refused(&sign(SECRET, &header, list), "list");
}

#[test]
fn text_is_utf_8() {
    let header = |typ: &[u8]| [br#"{"alg":"HS256","typ":""#, typ, br#"","x":""}"#].concat();
    let claims = without(person(), "jti").to_string();
    let claims = |jti: &[u8]| [br#"{"jti":""#, jti, br#"","#, &claims.as_bytes()[1..]].concat();
    let encode = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
    let (right_header, right_claims) = (header(b"at+jwt"), claims(b"1"));
    let signed = |header: &[u8], claims: &[u8]| signed(&encode(header), &encode(claims));
    expect_accepted(&signed(&right_header, &right_claims));

    for text in [&b"\xff"[..], b"\xc0\xae", b"\xed\xa0\x80", b"\n", b"\0", br"\ud800", br"\x41"] {
        expect_refused(&signed(&header(&[b"at+jwt", text].concat()), &right_claims), text);
        expect_refused(&signed(&right_header, &claims(text)), text);
    }
    let wide = |part: &[u8]| part.iter().flat_map(|&byte| [byte, 0]).collect::<Vec<u8>>();
    expect_refused(&signed(&wide(&right_header), &right_claims), "UTF-16");
    expect_refused(&signed(&right_header, &wide(&right_claims)), "UTF-16");
}

/// Thousands of levels fit into a token: none overflows the stack.
#[test]
fn json_in_json_in_json_harms_nobody() {
    let deep = |open: &str, close: &str| format!("{}7{}", open.repeat(800), close.repeat(800));

    for nested in [deep("[", "]"), deep(r#"{"x":"#, "}")] {
        for name in ["kid", "jwk", "crit", "x5c", "alg", "typ"] {
            let header = with(header(), name, json!("HERE")).to_string();
            let header = header.replace("\"HERE\"", &nested);
            expect_refused(&sign(SECRET, header, person()), name);
        }
        for name in ["iss", "aud", "sub", "exp", "nbf", "iat", "scope", "sid"] {
            let claims = with(person(), name, json!("HERE")).to_string();
            let claims = claims.replace("\"HERE\"", &nested);
            expect_refused(&sign(SECRET, header(), claims), name);
        }
    }
}
