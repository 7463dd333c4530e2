//! Lists: pages of them, and how one follows the other.

use serde_json::Value;
use uuid::Uuid;

use crate::calls::{job, order};
use crate::mint;
use crate::shop::Shop;

/// Every list, as somebody sees it who may see everything.
pub(crate) const LISTS: [&str; 9] = [
    "/user/",
    "/products/category",
    "/products/",
    "/products/?category_id={category}",
    "/products/?q=notebook",
    "/products/?q=notebook&category_id={category}",
    "/orders/",
    "/orders/?all=true",
    "/admin/outbox?state=waiting",
];

/// A shop with seven of everything, the token of somebody who may see it, and the lists' paths.
async fn seven_of_everything() -> (Shop, String, Vec<String>) {
    let shop = Shop::start().await;
    let admin = shop.admin().await;
    for _ in 0..6 {
        shop.customer().await;
    }
    for _ in 0..7 {
        order(&shop, Some(admin.id)).await;
        job(&shop).await;
    }
    let category: Uuid = shop.one("SELECT min(id::text)::uuid FROM categories", &[]).await.get(0);
    shop.sql("UPDATE products SET category_id = $1", &[&category]).await;
    let paths = LISTS.map(|path| path.replace("{category}", &category.to_string()));
    (shop, admin.token, paths.into())
}

/// With one more parameter.
pub(crate) fn with(path: &str, parameter: &str) -> String {
    format!("{path}{}{parameter}", if path.contains('?') { '&' } else { '?' })
}

/// A page's ids, and the path of the next one.
async fn page(shop: &Shop, path: &str, token: &str) -> (Vec<String>, Option<String>) {
    let answer = shop.get(path).bearer(token).send().await;
    let rows = answer.expect(200);
    let id = |row: &Value| row["id"].as_str().unwrap_or_default().to_owned();
    let ids = rows.as_array().into_iter().flatten().map(id).collect();
    let next = answer.header("link").map(|link| {
        let path = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
        path.unwrap_or_else(|| panic!("no next page: {link}")).to_owned()
    });
    (ids, next)
}

#[tokio::test]
async fn all_pages_together_have_every_row_once_and_in_order() {
    let (shop, token, paths) = seven_of_everything().await;

    for path in paths {
        let (mut expected, none) = page(&shop, &path, &token).await;
        let (mut found, mut sizes) = (Vec::new(), Vec::new());
        let mut next = Some(with(&path, "limit=3"));
        while let Some(path) = next {
            let (ids, following) = page(&shop, &path, &token).await;
            sizes.push(ids.len());
            found.extend(ids);
            next = following;
        }

        assert_eq!(none, None, "{path}");
        assert_eq!(sizes, [3, 3, 1], "{path}");
        assert_eq!(found, expected, "{path}");
        expected.sort_unstable();
        if path.starts_with("/orders") {
            expected.reverse();
        }
        assert_eq!(found, expected, "{path}");
    }
}

#[tokio::test]
async fn the_next_page_is_path_absolute_and_keeps_the_other_parameters() {
    let (shop, token, paths) = seven_of_everything().await;

    for path in paths {
        let asked = with(&path, "limit=3&note=a%26b+c");
        let (_, next) = page(&shop, &asked, &token).await;

        let next = next.unwrap();
        let (expected, _) = asked.split_once("limit").unwrap();
        assert!(next.starts_with(expected), "{next}");
        for parameter in ["limit=3&", "note=a%26b+c&", "after="] {
            assert_eq!(next.matches(parameter).count(), 1, "{next}");
        }
    }
}

#[tokio::test]
async fn the_last_page_names_no_next_one_even_if_it_is_full() {
    let (shop, token, paths) = seven_of_everything().await;

    for path in paths {
        let (ids, next) = page(&shop, &with(&path, "limit=7"), &token).await;
        assert_eq!((ids.len(), next), (7, None), "{path}");
        let (ids, next) = page(&shop, &with(&path, "limit=6"), &token).await;
        assert_eq!((ids.len(), next.is_some()), (6, true), "{path}");
    }
}

#[tokio::test]
async fn a_page_has_50_rows_and_at_most_200() {
    let shop = Shop::start().await;
    let ids: Vec<Uuid> = (0..201).map(|_| Uuid::now_v7()).collect();
    let insert =
        "INSERT INTO categories SELECT id, id::text, id::text FROM unnest($1::uuid[]) AS t (id)";
    shop.sql(insert, &[&ids]).await;
    let robot = mint::machine("shop:admin");

    for (query, rows) in
        [("", 50), ("?limit=200", 200), ("?limit=201", 200), ("?limit=999999", 200)]
    {
        let path = format!("/products/category{query}");
        let (found, next) = page(&shop, &path, &robot).await;
        assert_eq!((found.len(), next.is_some()), (rows, true), "{path}");
    }
}

#[tokio::test]
async fn a_row_that_is_gone_does_not_break_the_page_after_it() {
    let shop = Shop::start().await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(shop.category().await);
    }

    let (_, next) = page(&shop, "/products/category?limit=2", "").await;
    shop.sql("DELETE FROM categories WHERE id = $1", &[&ids[1]]).await;
    let (rest, _) = page(&shop, &next.unwrap(), "").await;

    assert_eq!(rest, [ids[2].to_string(), ids[3].to_string()]);
}

#[tokio::test]
async fn a_parameter_that_cannot_be_read_is_a_bad_request() {
    let (shop, token, paths) = seven_of_everything().await;

    for path in paths {
        for wrong in [
            "limit=abc",
            "limit=0",
            "limit=-1",
            "limit=1.5",
            "limit=%00",
            "limit=1&limit=1",
            "after=x",
            "after=%00",
            "after=AAAA",
            "after=018f0000-0000-7000-8000-000000000000",
            "after=AZ8AAAAAAAAAAAAAAAAAAA&after=AZ8AAAAAAAAAAAAAAAAAAA",
        ] {
            let answer = shop.get(&with(&path, wrong)).bearer(&token).send().await;
            answer.expect_problem(400, "invalid_request");
        }
        let (ids, _) = page(&shop, &with(&path, "limit=&after="), &token).await;
        assert_eq!(ids.len(), 7, "{path}");
    }
}
