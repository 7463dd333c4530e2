//! The command line.

mod client;
mod hash;
mod user;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use chassis::command::{self, CommandError, print};
use chassis::config::Faults;
use chassis::db::{Connection, Migrations};
use chassis::{Db, Plans, Service};
use clap::{Parser, Subcommand};
use client::ClientCommand;
use hash::HashCommand;
use proto::SecretList;
use serde::Serialize;
use user::UserCommand;

use crate::config::{ADDRESSES, Config, Settings};
use crate::error::{Error, REALM};
use crate::state::Auth;
use crate::{check, purge, routes, tokens};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The schema this version needs.
pub fn migrations() -> Migrations {
    Migrations::new(embedded::migrations::runner())
}

/// Owns credentials and issues OAuth2 tokens.
#[derive(Debug, Parser)]
#[command(name = "auth-service", version)]
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
    /// Show users, grant or revoke their scopes, disable and unlock them
    #[command(subcommand)]
    User(UserCommand),
    /// Create, list and delete clients
    #[command(subcommand)]
    Client(ClientCommand),
    /// Fit password hashes to this machine
    #[command(subcommand)]
    Hash(HashCommand),
    /// Make secrets
    #[command(subcommand)]
    Secret(SecretCommand),
}

#[derive(Debug, Subcommand)]
enum SecretCommand {
    /// Print a fresh value for TOKEN_SECRETS, REGISTRATION_CLIENT_SECRET or PASSWORD_PEPPER
    Generate,
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
            let build = |config: Config| Ok::<_, Error>((config.http.clone(), service(&config)?));
            command::serve(REALM, &settings.log, read, build).await
        }
        Command::Migrate => command::migrate(&settings.database, &migrations()).await,
        Command::Healthcheck => command::healthcheck(&settings.http, ADDRESSES[1]).await,
        Command::Check => {
            let read = |faults: &mut Faults| settings.read(faults);
            command::check(&settings.log, read, check::judged).await
        }
        Command::Openapi => command::openapi(&routes::openapi()),
        Command::User(command) => user::run(&settings, command).await,
        Command::Client(command) => client::run(&settings, command).await,
        Command::Hash(command) => hash::run(&settings, &command),
        Command::Secret(SecretCommand::Generate) => {
            print(SecretList::generate().map_err(CommandError::failed)?)
        }
    }
}

/// The service as [`chassis::Server::run`] runs it.
pub fn service(config: &Config) -> Result<Service, Error> {
    let auth = Arc::new(Auth::new(config)?);
    let db = auth.db.clone();
    Ok(Service {
        route: routes::routes(&auth),
        shape: tokens::shape,
        db: auth.db.clone(),
        database: config.database.clone(),
        migrations: migrations(),
        background: Some(Box::new(move |stop| Box::pin(purge::run(db, stop)))),
        observe: None,
    })
}

/// A connection for a command that is done in one go.
async fn connect(settings: &Settings) -> Result<Connection, CommandError> {
    let mut faults = Faults::default();
    let database = settings.database.read(&mut faults);
    let db = Db::new(&faults.or(database)?, Plans::AsItDecides).map_err(CommandError::failed)?;
    db.get().await.map_err(CommandError::failed)
}

/// A result as a line of JSON.
fn row(result: &impl Serialize) -> Result<String, CommandError> {
    serde_json::to_string(result).map_err(CommandError::failed)
}
