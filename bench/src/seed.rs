//! What the systems' databases hold: the same for each, made by SQL.

use anyhow::{Result, anyhow};
use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};

use crate::systems::postgres::Postgres;
use crate::systems::site::{Dialect, PASSWORD, Site, Stock, user_id};

const OURS_AUTH: &str = include_str!("../sql/ours_auth.sql");
const OURS_SHOP: &str = include_str!("../sql/ours_shop.sql");
const OURS_RESET: &str = include_str!("../sql/ours_reset.sql");
const GROWTH_AUTH: &str = include_str!("../sql/growth_auth.sql");
const GROWTH_SHOP: &str = include_str!("../sql/growth_shop.sql");
const FASTAPI_RESET: &str = include_str!("../sql/fastapi_reset.sql");

/// The parameters that both systems hash with.
pub(crate) fn argon() -> Result<Argon2<'static>> {
    let params = Params::new(19_456, 2, 1, None).map_err(|error| anyhow!("{error}"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Everybody can log in.
pub(crate) async fn fill_auth(postgres: &Postgres, database: &str, stock: Stock) -> Result<()> {
    let hash = argon()?.hash_password(PASSWORD.as_bytes()).map_err(|error| anyhow!("{error}"))?;
    let sql = fill(OURS_AUTH, stock, 0).replace("{hash}", &hash.to_string());
    postgres.execute(database, &sql).await?;
    postgres.execute(database, "VACUUM ANALYZE").await
}

/// Everybody has a profile, and the readers carts and orders.
pub(crate) async fn fill_shop(postgres: &Postgres, database: &str, stock: Stock) -> Result<()> {
    postgres.execute(database, &fill(OURS_SHOP, stock, 0)).await?;
    postgres.execute(database, "VACUUM ANALYZE").await
}

/// What there is more of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct More {
    /// Orders of the first customer.
    pub(crate) orders: u64,
    /// Sessions that are over.
    pub(crate) sessions: u64,
}

/// Lets the databases of a system grow.
pub(crate) async fn grow(postgres: &Postgres, name: &str, stock: Stock, more: More) -> Result<()> {
    for (part, sql) in [("auth", GROWTH_AUTH), ("shop", GROWTH_SHOP)] {
        let database = format!("{name}_{part}");
        let sql = fill(sql, stock, 0)
            .replace("{orders}", &more.orders.to_string())
            .replace("{sessions}", &more.sessions.to_string());
        postgres.execute(&database, &sql).await?;
        postgres.execute(&database, "VACUUM ANALYZE").await?;
    }
    Ok(())
}

/// Undoes what buyers did, and fills their carts. A vacuum and a checkpoint follow, so that neither
/// comes while somebody measures.
pub(crate) async fn reset(postgres: &Postgres, site: &Site, lines: u64) -> Result<()> {
    let sql = if site.dialect == Dialect::Latchkey { OURS_RESET } else { FASTAPI_RESET };
    site.rewind();
    let database = &site.database;
    postgres.execute(database, &fill(sql, site.stock, lines)).await?;
    postgres.execute(database, "VACUUM ANALYZE").await?;
    postgres.execute(database, "CHECKPOINT").await
}

/// Puts the numbers in their places.
fn fill(sql: &str, stock: Stock, lines: u64) -> String {
    sql.replace("{users}", &stock.users.to_string())
        .replace("{readers}", &stock.readers.to_string())
        .replace("{products}", &stock.products.to_string())
        .replace("{last_reader}", &user_id(stock.readers))
        .replace("{lines}", &lines.to_string())
}
