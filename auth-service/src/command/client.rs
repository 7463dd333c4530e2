//! `client`: create, list and delete clients.

use chassis::command::{CommandError, print};
use clap::Subcommand;
use proto::claims::PUBLIC_CLIENT;
use proto::scope::ScopeList;
use proto::{ClientId, Scope};
use uuid::Uuid;

use super::{connect, row};
use crate::access::By;
use crate::admin::{NewClient, clients};
use crate::clients::{registration_record, store};
use crate::config::Settings;

/// Clients that are read at once.
const PAGE: i64 = 200;

#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Create a client, and print its secret this once
    Create {
        /// Its id
        id: ClientId,
        /// What it is granted; once for each: shop, shop:admin, auth:admin, auth:register
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<Scope>,
    },
    /// Print every client as JSON, a line each, first the one that exists by configuration
    List,
    /// Delete a client; the sessions that were begun through it end
    Delete {
        /// Its id
        id: ClientId,
    },
}

pub(super) async fn run(settings: &Settings, command: ClientCommand) -> Result<(), CommandError> {
    let registration = settings.registration_client_id();
    let is_reserved = |id: &ClientId| [PUBLIC_CLIENT, registration].contains(&id.as_str());
    let mut db = connect(settings).await?;
    match command {
        ClientCommand::Create { id, .. } | ClientCommand::Delete { id } if is_reserved(&id) => {
            Err(CommandError::failed(format_args!(
                "{id} exists by configuration; it is neither created nor deleted"
            )))
        }
        ClientCommand::Create { id, scopes } => {
            let wanted = NewClient { id, scopes: ScopeList(scopes.into_iter().collect()) };
            let created = clients::create(&mut db, &wanted, &By::CommandLine, None).await;
            print(created.map_err(CommandError::failed)?.secret)
        }
        ClientCommand::List => {
            print(row(&registration_record(registration))?)?;
            let mut above = Uuid::nil();
            loop {
                let page = store::list(&db, above, PAGE).await.map_err(CommandError::failed)?;
                let Some(last) = page.last() else { return Ok(()) };
                above = last.key;
                for client in &page {
                    print(row(client)?)?;
                }
            }
        }
        ClientCommand::Delete { id } => clients::delete(&mut db, &id, &By::CommandLine, None)
            .await
            .map_err(CommandError::failed),
    }
}
