//! Who calls: guards of the routes that take a bearer token.
//!
//! A token is believed about who, never about what. Each of these reads that the session is alive
//! and its user stands, or that the client exists, and what it was granted today; so neither a
//! leaked secret nor a session that has ended administers anything here.

use std::fmt;
use std::sync::Arc;

use chassis::edge::Refusal;
use chassis::edge::guard::{self, Authorization, admit};
use proto::claims::PUBLIC_CLIENT;
use proto::{Caller, Email, Scope, Scopes, Subject, UserId};
use uuid::Uuid;
use warp::filters::BoxedFilter;

use crate::error::{Error, REALM};
use crate::state::Auth;

/// A person with a session that is alive.
#[derive(Debug, Clone)]
pub struct Person {
    /// The user.
    pub user: UserId,
    /// The user's e-mail.
    pub email: Email,
    /// The session that the token is of.
    pub session: Uuid,
}

/// Who administers, for the audit log.
#[derive(Debug, Clone)]
pub enum By {
    /// A person.
    User(UserId),
    /// A machine.
    Client(String),
    /// Whoever has a shell and the database's password.
    CommandLine,
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user {id}"),
            Self::Client(id) => write!(f, "client {id}"),
            Self::CommandLine => f.write_str("command line"),
        }
    }
}

/// Passes a person.
pub fn person(auth: &Arc<Auth>) -> BoxedFilter<(Person,)> {
    admit(auth, |auth, sent| async move {
        match stand(&auth, sent.as_ref()).await? {
            Today::Person(person, _) => Ok(person),
            Today::Machine(..) => Err(Refusal::insufficient_scope(
                REALM,
                Scope::Shop,
                "This needs a person's token: a machine has neither password nor sessions.",
            )),
        }
    })
}

/// Passes whoever was granted `auth:admin` and still holds it.
pub fn admin(auth: &Arc<Auth>) -> BoxedFilter<(By,)> {
    admit(auth, |auth, sent| async move {
        let (by, scopes) = match stand(&auth, sent.as_ref()).await? {
            Today::Person(person, scopes) => (By::User(person.user), scopes),
            Today::Machine(id, scopes) => (By::Client(id), scopes),
        };
        let detail = "This needs the scope `auth:admin`, in the token and granted today.";
        let lacks = || Refusal::insufficient_scope(REALM, Scope::AuthAdmin, detail);
        scopes.contains(Scope::AuthAdmin).then_some(by).ok_or_else(lacks)
    })
}

/// Who sent a token, and what of its scopes is granted today.
pub enum Today {
    /// A person with a session that is alive.
    Person(Person, Scopes),
    /// A client that exists.
    Machine(String, Scopes),
}

async fn stand(auth: &Auth, sent: Option<&Authorization>) -> Result<Today, Refusal> {
    let caller = guard::verify(auth, sent)?;
    let today = today(auth, &caller).await.map_err(Refusal::from)?;
    today.ok_or_else(|| Refusal::invalid_token(REALM))
}

/// What a token that verifies is worth today; `None` where its session is not alive or its client
/// does not exist.
pub async fn today(auth: &Auth, caller: &Caller) -> Result<Option<Today>, Error> {
    let user = match caller.subject.clone() {
        Subject::User(user) => user,
        Subject::Client(id) => {
            let granted = auth.clients.scopes(&id).await?;
            return Ok(
                granted.map(|granted| Today::Machine(id, granted.intersection(&caller.scopes)))
            );
        }
    };
    let Some(session) = caller.session else { return Ok(None) };
    let standing = auth.standings.find(session).await?.filter(|standing| standing.user == user);
    let Some(standing) = standing else { return Ok(None) };
    let mut scopes = standing.scopes.intersection(&caller.scopes);
    if standing.client_id != PUBLIC_CLIENT {
        let Some(granted) = auth.clients.scopes(&standing.client_id).await? else {
            return Ok(None);
        };
        scopes = scopes.intersection(&granted);
    }
    let person = Person { user, email: standing.email, session };
    Ok(Some(Today::Person(person, scopes)))
}
