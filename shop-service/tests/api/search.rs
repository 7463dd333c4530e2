//! `GET /products/?q=`.

use devstack_testkit::Answer;
use devstack_testkit::http::Call;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::mint;
use crate::shop::Shop;

/// A product on sale in this category.
async fn product(shop: &Shop, category: Uuid, name: &str, description: &str) -> Uuid {
    let id = Uuid::now_v7();
    let insert = "INSERT INTO products (id, name, description, price, quantity, category_id)
        VALUES ($1, $2, $3, 1, 1, $4)";
    shop.sql(insert, &[&id, &name, &description, &category]).await;
    id
}

fn list(shop: &Shop, parameters: &[(&str, &str)]) -> Call {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    shop.get(&format!("/products/?{query}"))
}

/// The names in a list, in its order.
#[track_caller]
fn names(answer: &Answer) -> Vec<String> {
    let rows = answer.expect(200);
    let name = |row: &Value| row["name"].as_str().unwrap_or_default().to_owned();
    rows.as_array().into_iter().flatten().map(name).collect()
}

/// The names of the products that are found.
async fn found(shop: &Shop, q: &str) -> Vec<String> {
    names(&list(shop, &[("q", q)]).send().await)
}

/// A shop with some products, the oldest first, and their category.
async fn stocked() -> (Shop, Uuid) {
    let shop = Shop::start().await;
    let category = shop.category().await;
    for (name, description) in [
        ("Door key", "Opens a door."),
        ("Padlock", "With two keys, for the garden door."),
        ("Key ring", "Red/blue, for a USB-C stick too."),
        ("Latch", "Keeps a door shut in the wind; no lock."),
        ("Schlüssel", "Ключ 🔑 مفتاح"),
    ] {
        product(&shop, category, name, description).await;
    }
    (shop, category)
}

#[tokio::test]
async fn words_are_found_in_any_form_in_names_and_descriptions_the_oldest_first() {
    let (shop, _) = stocked().await;

    for (q, expected) in [
        ("key", &["Door key", "Padlock", "Key ring"][..]),
        ("KEYS", &["Door key", "Padlock", "Key ring"]),
        ("door key", &["Door key", "Padlock"]),
        ("the key", &["Door key", "Padlock", "Key ring"]),
        ("\"door key\"", &["Door key"]),
        ("\"key door\"", &[]),
        ("wind or ring", &["Key ring", "Latch"]),
        ("door -key", &["Latch"]),
        ("door --key", &["Latch"]),
        ("door -\"two keys\"", &["Door key", "Latch"]),
        ("door - key", &["Door key", "Padlock"]),
        ("-key", &["Latch", "Schlüssel"]),
        ("blue", &["Key ring"]),
        ("red/blue", &["Key ring"]),
        ("usb", &["Key ring"]),
        ("SCHLÜSSEL", &["Schlüssel"]),
        ("ключ", &["Schlüssel"]),
        ("مفتاح", &["Schlüssel"]),
        ("bicycle", &[]),
    ] {
        assert_eq!(found(&shop, q).await, expected, "{q}");
    }
}

#[tokio::test]
async fn nothing_to_search_for_is_no_filter_and_nothing_that_can_be_found_finds_nothing() {
    let (shop, _) = stocked().await;

    for blank in ["", " ", "\t \n"] {
        assert_eq!(found(&shop, blank).await.len(), 5, "{blank:?}");
    }
    for nothing in ["the", "the or an", "-the", "!", "\"\"", "🔑", "&|!():*<->'\\"] {
        assert_eq!(found(&shop, nothing).await, [""; 0], "{nothing:?}");
    }
}

#[tokio::test]
async fn a_search_is_narrowed_to_a_category() {
    let (shop, category) = stocked().await;
    let other = shop.category().await;
    product(&shop, other, "Skeleton key", "").await;

    let within = async |category: Uuid, q: &str| {
        let category = category.to_string();
        names(&list(&shop, &[("category_id", &category), ("q", q)]).send().await)
    };

    assert_eq!(within(category, "key").await, ["Door key", "Padlock", "Key ring"]);
    assert_eq!(within(other, "key").await, ["Skeleton key"]);
    assert_eq!(within(other, "door").await, [""; 0]);
    assert_eq!(within(Uuid::now_v7(), "key").await, [""; 0]);
    assert_eq!(found(&shop, "skeleton").await, ["Skeleton key"]);
}

#[tokio::test]
async fn what_is_changed_is_found_by_its_new_words_and_what_is_hidden_by_none() {
    let (shop, _) = stocked().await;
    let id: Uuid = shop.one("SELECT id FROM products WHERE name = 'Padlock'", &[]).await.get(0);
    let path = format!("/products/{id}");
    let robot = mint::machine("shop:admin");

    let change = json!({ "name": "Bicycle lock" });
    shop.patch(&path).bearer(&robot).json(&change).send().await.expect(200);

    assert_eq!(found(&shop, "bicycle").await, ["Bicycle lock"]);
    assert_eq!(found(&shop, "padlock").await, [""; 0]);
    shop.sql("UPDATE products SET hidden = true WHERE id = $1", &[&id]).await;
    assert_eq!(found(&shop, "bicycle").await, [""; 0]);
    assert_eq!(found(&shop, "key").await, ["Door key", "Key ring"]);
}

/// However the words are spread: a page is found by walking where they are frequent, in the index
/// where they are rare, and partly so where they stop.
#[tokio::test]
async fn all_pages_together_have_every_match_once_however_rare_it_is() {
    let shop = Shop::start().await;
    let category = shop.category().await;
    let insert = "INSERT INTO products
            (id, name, description, price, quantity, category_id, hidden)
        SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, n::text,
            'item' || CASE WHEN n % 2 = 0 THEN ' even' ELSE '' END
                || CASE WHEN n <= 200 THEN ' early' ELSE '' END
                || CASE WHEN n > 500 THEN ' late' ELSE '' END
                || CASE WHEN n % 35 = 0 THEN ' rare' ELSE '' END
                || CASE WHEN n IN (45, 178) THEN ' next' ELSE '' END,
            1, 1, $1, n % 10 = 0
        FROM generate_series(1, 600) n";
    shop.sql(insert, &[&category]).await;
    let matches = |q: &'static str, n: &u32| match q {
        "even" => n.is_multiple_of(2),
        "early" => *n <= 200,
        "late" => *n > 500,
        "rare" => n.is_multiple_of(35),
        // The first ones that are not walked past, where one or seven a page are asked for.
        "next" => [45, 178].contains(n),
        _ => true,
    };

    for q in ["item", "even", "early", "late", "rare", "next"] {
        for limit in ["1", "7", "50"] {
            let category = category.to_string();
            let mut parameters = vec![("q", q), ("limit", limit)];
            if limit == "7" {
                parameters.push(("category_id", &category));
            }
            let mut found = Vec::new();
            let mut next = Some(list(&shop, &parameters));
            while let Some(page) = next {
                let answer = page.send().await;
                found.extend(names(&answer));
                next = answer.header("link").map(|link| {
                    assert!(link.contains(&format!("q={q}&")), "{link}");
                    shop.get(link.trim_start_matches('<').split('>').next().unwrap())
                });
            }

            let on_sale = (1..=600).filter(|n| n % 10 != 0 && matches(q, n));
            let expected: Vec<String> = on_sale.map(|n| n.to_string()).collect();
            assert_eq!(found, expected, "{q}, {limit} a page");
        }
    }
}

#[tokio::test]
async fn a_search_is_of_200_characters_at_most() {
    let (shop, _) = stocked().await;

    assert_eq!(found(&shop, &"é".repeat(200)).await, [""; 0]);
    assert_eq!(found(&shop, &format!("{:200}", "latch")).await, ["Latch"]);
    let long = list(&shop, &[("q", &"é".repeat(201))]).send().await;
    long.expect_invalid(&["q"]);
    for wrong in ["q=a%00b", "q=latch&q=key"] {
        let wrong = shop.get(&format!("/products/?{wrong}")).send().await;
        wrong.expect_problem(400, "invalid_request");
    }
}

#[tokio::test]
async fn nothing_that_is_searched_for_is_an_error() {
    let (shop, category) = stocked().await;
    let category = category.to_string();

    for hostile in [
        "\"",
        "'",
        "\\",
        "\"\"\"",
        "a\"b\"c",
        "&|!():*<->",
        "<->",
        "a <-> b",
        "a & | ! b",
        "((((",
        "))",
        ":*",
        "key:*",
        "key:A",
        "--",
        "---key",
        "- - -",
        "-\"",
        "-\"a b\"",
        "or",
        "or or or",
        "OR -",
        "%",
        "_",
        "%%_",
        "$1",
        "';--",
        "NULL",
        "\u{202e}key",
        "مفتاح or \u{200f}",
        "🔑🔑",
        "e\u{301}",
        "\u{feff}",
        "\u{7f}\u{1}\u{1f}",
        "<a href=\"x\">",
        "a@b.c",
        "http://x.y/z?q#f",
        "/etc/passwd",
        "1e999",
        "-1.5e-7",
        "&amp;",
        "\u{10ffff}",
        "a-b-c-d",
        "1/2/3",
    ] {
        for q in [hostile.to_owned(), hostile.repeat(200).chars().take(200).collect()] {
            list(&shop, &[("q", &q)]).send().await.expect(200);
            list(&shop, &[("q", &q), ("category_id", &category)]).send().await.expect(200);
        }
    }
}

/// PostgreSQL gives up a word of 2 KB, and it parses what looks like hosts and paths more than once.
#[tokio::test]
async fn texts_of_any_kind_and_of_full_length_can_be_stored_and_searched() {
    let shop = Shop::start().await;
    let category = shop.category().await;

    for part in [
        "x",
        "é",
        "🔑",
        "x ",
        "x-",
        "x.",
        "x/",
        "x@",
        "x_",
        "1",
        "1.",
        "1e",
        "-",
        "<",
        "<x ",
        "&x;",
        "&",
        "'",
        "\\",
        "\"",
        "x:",
        "http://x.",
        "x.y/",
        "\u{202e}",
        "\n",
    ] {
        let text = |length: usize| part.chars().cycle().take(length).collect::<String>();
        let product = json!({
            "name": text(200), "description": text(9_990) + " findable", "price": 1,
            "quantity": 1, "category_id": category,
        });
        let created =
            shop.post("/products/").bearer(mint::machine("shop:admin")).json(&product).send().await;
        created.expect(201);
        assert_eq!(created.expect(201)["description"], product["description"], "{part:?}");
    }

    let found = found(&shop, "findable").await;
    assert!(found.len() >= 20, "{found:?}");
}
