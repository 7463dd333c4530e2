//! `user`: show users, and change what they may do.

use chassis::command::{CommandError, print};
use clap::Subcommand;
use proto::{Email, Scope, Scopes};

use super::{connect, row};
use crate::access::By;
use crate::admin::change_user::change_user;
use crate::admin::{UserChange, store};
use crate::config::Settings;
use crate::credentials::Credential;
use crate::throttle;

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
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
    /// Keep a user from logging in; the sessions end
    Disable {
        /// The user's e-mail
        email: Email,
    },
    /// Let a user log in again
    Enable {
        /// The user's e-mail
        email: Email,
    },
    /// Forget every failed login on an e-mail: the next attempt need not wait
    Unlock {
        /// The user's e-mail
        email: Email,
    },
}

impl UserCommand {
    fn email(&self) -> &Email {
        match self {
            Self::Show { email }
            | Self::Grant { email, .. }
            | Self::Revoke { email, .. }
            | Self::Disable { email }
            | Self::Enable { email }
            | Self::Unlock { email } => email,
        }
    }

    /// What it changes in the user as it is; `None` where it changes nothing there.
    fn change(&self, user: &Credential) -> Option<UserChange> {
        let set = |scopes: &[Scope]| scopes.iter().copied().collect::<Scopes>();
        Some(match self {
            Self::Grant { scopes, .. } => UserChange::grant(&user.scopes.0, &set(scopes)),
            Self::Revoke { scopes, .. } => UserChange::revoke(&user.scopes.0, &set(scopes)),
            Self::Disable { .. } => UserChange::disable(true),
            Self::Enable { .. } => UserChange::disable(false),
            Self::Show { .. } | Self::Unlock { .. } => return None,
        })
    }
}

/// Prints the user as it is afterwards.
pub(super) async fn run(settings: &Settings, command: UserCommand) -> Result<(), CommandError> {
    let mut db = connect(settings).await?;
    let email = command.email();
    if let UserCommand::Unlock { email } = &command {
        throttle::unlock(&db, email).await.map_err(CommandError::failed)?;
    }
    let found = store::find_by_email(&db, email).await.map_err(CommandError::failed)?;
    let Some(user) = found else {
        return Err(CommandError::failed(format_args!("no user has the e-mail {email}")));
    };
    let Some(_) = command.change(&user) else { return print(row(&user)?) };
    // Once more, of the user as it is under the lock.
    let change = |user: &Credential| command.change(user).unwrap_or_default();
    let user = change_user(&mut db, user.id, change, &By::CommandLine, None)
        .await
        .map_err(CommandError::failed)?;
    print(row(&user)?)
}
