//! The command line.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use chassis::command::{self, CommandError, print};
use chassis::config::Faults;
use chassis::db::Migrations;
use chassis::{Db, Service};
use clap::{Parser, Subcommand};
use proto::{Email, Scope, Scopes, SecretList};

use crate::config::{ADDRESSES, Config, Settings};
use crate::credentials::{Credential, store};
use crate::error::Error;
use crate::state::Auth;
use crate::{routes, tokens};

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
    /// Show users, and grant or revoke their scopes
    #[command(subcommand)]
    User(UserCommand),
    /// Make secrets
    #[command(subcommand)]
    Secret(SecretCommand),
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Print a user as JSON
    Show {
        /// The user's e-mail
        email: Email,
    },
    /// Grant scopes to a user; they are in the next token
    Grant {
        /// The user's e-mail
        email: Email,
        /// shop, shop:admin, auth:admin, auth:register
        #[arg(required = true)]
        scopes: Vec<Scope>,
    },
    /// Take scopes from a user; they are in no next token
    Revoke {
        /// The user's e-mail
        email: Email,
        /// shop, shop:admin, auth:admin, auth:register
        #[arg(required = true)]
        scopes: Vec<Scope>,
    },
}

#[derive(Debug, Subcommand)]
enum SecretCommand {
    /// Print a fresh value for TOKEN_SECRETS or REGISTRATION_CLIENT_SECRET
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
            command::serve(&settings.log, read, build).await
        }
        Command::Migrate => command::migrate(&settings.database, &migrations()).await,
        Command::Healthcheck => command::healthcheck(&settings.http, ADDRESSES[1]).await,
        Command::Openapi => command::openapi(&routes::openapi()),
        Command::User(command) => print(user(&settings, command).await?),
        Command::Secret(SecretCommand::Generate) => {
            print(SecretList::generate().map_err(CommandError::failed)?)
        }
    }
}

/// The service as [`chassis::Server::run`] runs it.
pub fn service(config: &Config) -> Result<Service, Error> {
    let auth = Arc::new(Auth::new(config)?);
    Ok(Service {
        route: routes::routes(&auth),
        shape: tokens::shape,
        db: auth.db.clone(),
        database: config.database.clone(),
        migrations: migrations(),
        background: None,
    })
}

async fn user(settings: &Settings, command: UserCommand) -> Result<String, CommandError> {
    let mut faults = Faults::default();
    let database = settings.database.read(&mut faults);
    let db = Db::new(&faults.or(database)?).map_err(CommandError::failed)?;
    let db = db.get().await.map_err(CommandError::failed)?;
    let set = |scopes: Vec<Scope>| scopes.into_iter().collect::<Scopes>();
    let (email, found) = match command {
        UserCommand::Show { email } => {
            let found = store::find_by_email(&db, &email).await;
            (email, found)
        }
        UserCommand::Grant { email, scopes } => {
            let found = store::grant(&db, &email, &set(scopes)).await;
            (email, found)
        }
        UserCommand::Revoke { email, scopes } => {
            let found = store::revoke(&db, &email, &set(scopes)).await;
            (email, found)
        }
    };
    match found.map_err(CommandError::failed)? {
        Some(credential) => row(&credential),
        None => Err(CommandError::failed(format_args!("no user has the e-mail {email}"))),
    }
}

fn row(credential: &Credential) -> Result<String, CommandError> {
    serde_json::to_string(credential).map_err(CommandError::failed)
}
