//! The command line.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use chassis::command::{self, CommandError};
use chassis::config::Faults;
use chassis::db::Migrations;
use chassis::{DbError, Service};
use clap::{Parser, Subcommand};

use crate::config::{ADDRESSES, Config, Settings};
use crate::error::REALM;
use crate::state::Shop;
use crate::{check, delivery, routes};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The schema this version needs.
pub fn migrations() -> Migrations {
    Migrations::new(embedded::migrations::runner())
}

/// Users, products, carts and orders.
#[derive(Debug, Parser)]
#[command(name = "shop-service", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT (the default)
    Serve,
    /// Bring the database's schema up to date
    Migrate,
    /// Ask the running service whether it is ready
    Healthcheck,
    /// Print the OpenAPI document
    Openapi,
    /// Judge configuration and database for production; starts nothing
    Check,
}

/// Runs the command line.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = Cli::parse_from(args);
    command::run(run(cli))
}

async fn run(Cli { command, settings }: Cli) -> Result<(), CommandError> {
    match command.unwrap_or(Command::Serve) {
        Command::Serve => {
            let read = |faults: &mut Faults| settings.read(faults);
            let build = |config: Config| Ok::<_, DbError>((config.http.clone(), service(&config)?));
            command::serve(REALM, &settings.log, read, build).await
        }
        Command::Migrate => command::migrate(&settings.database, &migrations()).await,
        Command::Healthcheck => command::healthcheck(&settings.http, ADDRESSES[1]).await,
        Command::Check => {
            let read = |faults: &mut Faults| settings.read(faults);
            command::check(&settings.log, read, check::judged).await
        }
        Command::Openapi => command::openapi(&routes::openapi("http://localhost:9000")),
    }
}

/// The service as [`chassis::Server::run`] runs it.
pub fn service(config: &Config) -> Result<Service, DbError> {
    if config.mail.url.is_none() {
        tracing::warn!("MAIL_URL is not set: mail to customers stays in the outbox");
    }
    let shop = Arc::new(Shop::new(config)?);
    let observed = Arc::clone(&shop);
    Ok(Service {
        route: routes::routes(&shop, config.public_auth_url.as_str()),
        shape: |_, _| None,
        db: shop.db.clone(),
        database: config.database.clone(),
        migrations: migrations(),
        background: Some(Box::new(|stop| Box::pin(delivery::work(shop, stop)))),
        observe: Some(Box::new(move || Box::pin(delivery::observe(Arc::clone(&observed))))),
    })
}
