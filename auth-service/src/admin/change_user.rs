//! One use case: what a user may do is changed, or whether the user may log in at all.

use chassis::db::Connection;
use proto::UserId;
use serde_json::{Value, json};

use super::{UserChange, store};
use crate::access::By;
use crate::audit::{self, Entry, Event};
use crate::credentials::{Credential, store::hold};
use crate::error::Error;
use crate::sessions::store::{Ending, end};
use crate::source::Source;

/// Changes a user as `change` says of the user as it is, audits it, and gives the user as it is
/// then. A disabled user's sessions end.
pub async fn change_user(
    db: &mut Connection,
    id: UserId,
    change: impl FnOnce(&Credential) -> UserChange,
    by: &By,
    source: Option<&Source>,
) -> Result<Credential, Error> {
    let tx = db.transaction().await?;
    hold(&tx, id).await?.ok_or(Error::UserNotFound)?;
    let before = store::find(&tx, id).await?.ok_or(Error::UserNotFound)?;
    let change = change(&before);
    let scopes = change.scopes.unwrap_or_else(|| before.scopes.clone());
    let disabled = change.disabled.unwrap_or(before.disabled);
    store::update(&tx, id, &scopes.0, disabled).await?;

    let entry = |event, detail: Value| Entry {
        event,
        user: Some(id),
        client_id: None,
        email: Some(&before.email),
        source,
        detail,
    };
    let by = by.to_string();
    if scopes.0 != before.scopes.0 {
        let detail = json!({ "by": by, "from": before.scopes, "to": scopes });
        audit::store::insert(&tx, entry(Event::ScopesChanged, detail)).await?;
    }
    if disabled != before.disabled {
        let event = if disabled { Event::Disabled } else { Event::Enabled };
        audit::store::insert(&tx, entry(event, json!({ "by": by }))).await?;
    }
    if disabled {
        // In a statement of its own, after the row is held: what a login has just begun ends too.
        end(&tx, Ending::All(id), source, &by).await?;
    }
    tx.commit().await?;
    Ok(Credential { scopes, disabled, ..before })
}
