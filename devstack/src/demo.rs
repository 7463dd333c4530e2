//! Demo data: two users who can log in, and something to buy. All of it through the services' own
//! doors; what is there already stays as it is.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::process::{AUTH, Environment, call};
use crate::secrets::Passwords;
use crate::steps::say;

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

/// How long a call to a service may take: as long as the services give one.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where two services that run are told what they do not know yet.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The shop
    #[arg(long, env = "SHOP_URL", value_name = "URL", default_value = "http://localhost:8000")]
    shop_url: String,

    /// The auth service
    #[arg(long, env = "AUTH_URL", value_name = "URL", default_value = "http://localhost:9000")]
    auth_url: String,

    /// The file that holds the URL of the auth service's database
    #[arg(long, env = "AUTH_DATABASE_URL_FILE", value_name = "FILE")]
    auth_database_url_file: PathBuf,

    /// Where the demo users' passwords are kept
    #[arg(long, env = "DEMO_FOLDER", value_name = "FOLDER")]
    folder: PathBuf,
}

/// `demo`: fills the two services, and says the logins.
pub(crate) async fn run(options: Options) -> Result<()> {
    let passwords = Passwords::keep_in(&options.folder)?;
    let auth = vec![("DATABASE_URL_FILE", options.auth_database_url_file.into())];
    let http = client()?;
    fill(&http, &options.shop_url, &options.auth_url, &passwords, &auth).await?;
    say(&logins(&passwords));
    Ok(())
}

/// A client for calls to the services.
pub(crate) fn client() -> Result<Client> {
    Ok(Client::builder().no_proxy().timeout(PATIENCE).build()?)
}

/// The demo users and their passwords, to be shown.
pub(crate) fn logins(passwords: &Passwords) -> String {
    let Passwords { customer, admin } = passwords;
    format!("  {CUSTOMER}   password {customer}\n  {ADMIN}      password {admin}   (every scope)")
}

/// Makes the demo data, as far as it is not there. `auth` is what the auth service's own commands
/// need.
pub(crate) async fn fill(
    http: &Client,
    shop_url: &str,
    auth_url: &str,
    passwords: &Passwords,
    auth: &Environment,
) -> Result<()> {
    register(http, shop_url, "Demo Customer", CUSTOMER, &passwords.customer).await?;
    register(http, shop_url, "Demo Admin", ADMIN, &passwords.admin).await?;
    let grant = ["user", "grant", ADMIN, "shop", "shop:admin", "auth:admin", "auth:register"];
    call(AUTH, &grant, auth).await?;
    stock(http, shop_url, auth_url, &passwords.admin).await
}

async fn register(
    http: &Client,
    shop_url: &str,
    name: &str,
    email: &str,
    password: &str,
) -> Result<()> {
    let user = json!({ "name": name, "email": email, "password": password });
    let answer = http.post(format!("{shop_url}/user/")).json(&user).send().await?;
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
struct Category {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

/// Fills the shelves of a shop that sells nothing yet.
async fn stock(http: &Client, shop_url: &str, auth_url: &str, password: &str) -> Result<()> {
    let products = http.get(format!("{shop_url}/products/?limit=1")).send().await?;
    if !products.error_for_status()?.json::<Vec<Value>>().await?.is_empty() {
        return Ok(());
    }
    let login = [("username", ADMIN), ("password", password)];
    let answer = http.post(format!("{auth_url}/login")).form(&login).send().await?;
    ensure!(
        answer.status().is_success(),
        "the demo admin cannot log in with the password that is kept; begin anew, with \
         cargo dev --fresh or docker compose down --volumes"
    );
    let Token { access_token } = answer.json().await?;
    let create = async |path: &str, body: Value| -> Result<String> {
        let call = http.post(format!("{shop_url}{path}")).bearer_auth(&access_token).json(&body);
        let answer = call.send().await?.error_for_status();
        let created: Created = answer.with_context(|| format!("POST {path}"))?.json().await?;
        Ok(created.id)
    };
    // Those that an earlier run made before it was interrupted.
    let categories = http.get(format!("{shop_url}/products/category?limit=200")).send().await?;
    let mut categories: Vec<Category> = categories.error_for_status()?.json().await?;
    for (shelf, products) in SHELVES {
        let made = categories.iter().position(|category| category.name == shelf);
        let category_id = match made {
            Some(place) => categories.swap_remove(place).id,
            None => create("/products/category", json!({ "name": shelf })).await?,
        };
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
