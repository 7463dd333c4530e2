//! Demo data: two users who can log in, and something to buy. All of it through the services' own
//! doors; what is there already stays as it is.

use anyhow::{Context, Result, bail, ensure};
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::options::Options;
use crate::process::{AUTH, Environment, call};
use crate::secrets::Secrets;

/// The demo customer.
pub(crate) const CUSTOMER: &str = "customer@example.com";
/// The demo admin, who has every scope.
pub(crate) const ADMIN: &str = "admin@example.com";

/// Categories, each with its products: name, description, price, quantity.
type Shelf = (&'static str, &'static [(&'static str, &'static str, f64, u32)]);
const SHELVES: [Shelf; 3] = [
    (
        "Keys",
        &[
            ("Brass key", "Opens the garden gate. Solid brass, cut by hand.", 12.50, 40),
            ("Skeleton key", "Opens most of what was built before 1900.", 89.00, 5),
            ("Spare key", "For under the doormat, where nobody looks.", 4.99, 250),
        ],
    ),
    (
        "Locks",
        &[
            ("Padlock", "Four pins, hardened shackle, two keys.", 24.90, 60),
            ("Latch", "Keeps the door shut in the wind.", 7.25, 120),
        ],
    ),
    ("Books", &[("The Locksmith's Handbook", "How it is all done, with 212 drawings.", 39.95, 15)]),
];

/// Makes the demo data, as far as it is not there.
pub(crate) async fn fill(
    http: &Client,
    options: &Options,
    secrets: &Secrets,
    auth: &Environment,
) -> Result<()> {
    register(http, options, "Demo Customer", CUSTOMER, &secrets.customer_password).await?;
    register(http, options, "Demo Admin", ADMIN, &secrets.admin_password).await?;
    let grant = ["user", "grant", ADMIN, "shop", "shop:admin", "auth:admin", "auth:register"];
    call(AUTH, &grant, auth).await?;
    stock(http, options, &secrets.admin_password).await
}

async fn register(
    http: &Client,
    options: &Options,
    name: &str,
    email: &str,
    password: &str,
) -> Result<()> {
    let user = json!({ "name": name, "email": email, "password": password });
    let answer = http.post(format!("{}/user/", options.shop_url())).json(&user).send().await?;
    match answer.status() {
        StatusCode::CREATED | StatusCode::CONFLICT => Ok(()),
        status => bail!("cannot register {email}: {status} {}", answer.text().await?),
    }
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

async fn stock(http: &Client, options: &Options, password: &str) -> Result<()> {
    let shop = options.shop_url();
    let categories = http.get(format!("{shop}/products/category")).send().await?;
    if !categories.json::<Vec<Value>>().await?.is_empty() {
        return Ok(());
    }
    let login = [("username", ADMIN), ("password", password)];
    let answer = http.post(format!("{}/login", options.auth_url())).form(&login).send().await?;
    ensure!(
        answer.status().is_success(),
        "the demo admin cannot log in; begin anew with: cargo dev --fresh"
    );
    let Token { access_token } = answer.json().await?;
    let create = async |path: &str, body: Value| -> Result<String> {
        let call = http.post(format!("{shop}{path}")).bearer_auth(&access_token).json(&body);
        let answer = call.send().await?.error_for_status();
        let created: Created = answer.with_context(|| format!("POST {path}"))?.json().await?;
        Ok(created.id)
    };
    for (category, products) in SHELVES {
        let category_id = create("/products/category", json!({ "name": category })).await?;
        for (name, description, price, quantity) in products {
            let product = json!({
                "name": name, "description": description, "price": price, "quantity": quantity,
                "category_id": category_id,
            });
            create("/products/", product).await?;
        }
    }
    Ok(())
}
