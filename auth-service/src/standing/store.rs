//! SQL of standings, and nothing else.

use std::collections::HashMap;

use deadpool_postgres::GenericClient;
use proto::UserId;
use uuid::Uuid;

use super::Standing;
use crate::error::Error;
use crate::stored::{email, scopes};

const FIND: &str = "
    SELECT s.id, s.user_id, s.client_id, c.email,
        ARRAY(SELECT unnest(s.scopes) INTERSECT SELECT unnest(c.scopes)) AS scopes
    FROM sessions s JOIN credentials c ON c.id = s.user_id
    WHERE s.id = ANY($1) AND s.ended_at IS NULL AND s.expires_at > clock_timestamp()
        AND NOT c.disabled AND c.unregistered_at IS NULL";

/// Those of these sessions that are alive, of users who stand.
pub(super) async fn find(
    db: &impl GenericClient,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Standing>, Error> {
    let statement = db.prepare_cached(FIND).await?;
    let mut found = HashMap::with_capacity(ids.len());
    for row in db.query(&statement, &[&ids]).await? {
        let user = UserId(row.get("user_id"));
        // Nobody else's call fails by it.
        let Ok(email) = email(row.get("email")) else {
            tracing::error!(%user, "the e-mail cannot be read");
            continue;
        };
        let standing = Standing {
            user,
            email,
            client_id: row.get("client_id"),
            scopes: scopes(row.get("scopes")),
        };
        found.insert(row.get("id"), standing);
    }
    Ok(found)
}
