//! Sessions: families of refresh tokens, one row each.

pub mod routes;
pub mod store;
pub mod token;

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use proto::{Email, Scopes, UserId};
use serde::Serialize;
use time::OffsetDateTime;
use token::{FamilyKey, RefreshToken};
use utoipa::ToSchema;

proto::define_id!(
    /// A session: the `sid` of its access tokens.
    SessionId
);

/// A session as its user sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// Its id: the `sid` of its access tokens.
    pub id: SessionId,
    /// The client that logged in, or `public`.
    #[schema(example = "public")]
    pub client_id: String,
    /// What that client said of itself.
    pub user_agent: Option<String>,
    /// Where it was last used.
    #[schema(example = "203.0.113.7")]
    pub address: String,
    /// When the user logged in.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: OffsetDateTime,
    /// When a refresh token of it was last used.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub last_used_at: OffsetDateTime,
    /// Whether it is the caller's own.
    pub current: bool,
}

/// A family, as far as judging one of its tokens needs it.
pub struct Family {
    /// The user.
    pub user: UserId,
    /// The user's e-mail; absent once unregistered.
    pub email: Option<Email>,
    /// The client that logged in, or `public`.
    pub client_id: String,
    /// What was granted at the login.
    pub scopes: Scopes,
    /// What the user holds today.
    pub granted: Scopes,
    /// Whether it has neither ended nor expired.
    pub is_alive: bool,
    /// When the user logged in.
    pub created_at: OffsetDateTime,
    /// When it expires.
    pub expires_at: OffsetDateTime,
    /// Where it was last used.
    pub address: String,
    key: FamilyKey,
    generation: i32,
    secret_hash: Vec<u8>,
    since_rotation: Duration,
}

/// What a token of a family is.
#[derive(Debug, PartialEq, Eq)]
pub enum Judgement {
    /// None of ours.
    Forged,
    /// The latest: to be rotated.
    Latest,
    /// The one before: whoever repeats it gets the same successor.
    Repeated,
    /// Its successor was used just now: refused, and nothing more.
    Late,
    /// Two parties hold tokens of the family, and only one of them can be the client.
    Stolen,
}

impl Family {
    /// What this token of the family is.
    pub fn judge(&self, token: &RefreshToken, grace: Duration) -> Judgement {
        if !token.is_genuine(&self.key) {
            return Judgement::Forged;
        }
        let is_latest = |token: &RefreshToken| {
            verify_slices_are_equal(&token.hash(), &self.secret_hash).is_ok()
        };
        match self.generation.saturating_sub(token.generation) {
            0 if is_latest(token) => Judgement::Latest,
            1 if is_latest(&token.successor(&self.key)) => Judgement::Repeated,
            2 if self.since_rotation <= grace => Judgement::Late,
            2.. => Judgement::Stolen,
            // Made with the key of a stolen row, or of a database that was since set back.
            _ => Judgement::Forged,
        }
    }

    /// The token after this one.
    pub fn successor(&self, token: &RefreshToken) -> RefreshToken {
        token.successor(&self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(10);

    /// A family whose third token is the latest, rotated so long ago, with all its tokens.
    fn family(since_rotation: u64) -> (Family, Vec<RefreshToken>) {
        let key = FamilyKey::generate().unwrap();
        let first = RefreshToken::first(uuid::Uuid::now_v7(), &key).unwrap();
        let second = first.successor(&key);
        let third = second.successor(&key);
        let fourth = third.successor(&key);
        let family = Family {
            user: UserId::generate(),
            email: None,
            client_id: "public".to_owned(),
            scopes: Scopes::default(),
            granted: Scopes::default(),
            is_alive: true,
            created_at: OffsetDateTime::UNIX_EPOCH,
            expires_at: OffsetDateTime::UNIX_EPOCH,
            address: "203.0.113.7".to_owned(),
            generation: 3,
            secret_hash: third.hash(),
            since_rotation: Duration::from_secs(since_rotation),
            key,
        };
        (family, vec![first, second, third, fourth])
    }

    #[test]
    fn the_latest_is_rotated_and_the_one_before_repeated_however_late() {
        for age in [0, 10, 11, 100_000] {
            let (family, tokens) = family(age);

            assert_eq!(family.judge(&tokens[2], GRACE), Judgement::Latest);
            assert_eq!(family.judge(&tokens[1], GRACE), Judgement::Repeated);
            assert_eq!(family.successor(&tokens[1]).reveal(), tokens[2].reveal());
        }
    }

    #[test]
    fn one_whose_successor_was_used_is_late_within_the_grace_and_stolen_after_it() {
        for (age, judgement) in
            [(0, Judgement::Late), (10, Judgement::Late), (11, Judgement::Stolen)]
        {
            let (family, tokens) = family(age);

            assert_eq!(family.judge(&tokens[0], GRACE), judgement, "{age}");
        }
    }

    #[test]
    fn an_older_one_is_stolen_even_within_the_grace() {
        let (mut family, tokens) = family(0);
        family.generation = 4;
        family.secret_hash = tokens[3].hash();

        assert_eq!(family.judge(&tokens[0], GRACE), Judgement::Stolen);
        assert_eq!(family.judge(&tokens[1], GRACE), Judgement::Late);
    }

    #[test]
    fn what_the_family_never_issued_is_forged() {
        let (family, tokens) = family(0);
        let other = RefreshToken::first(tokens[0].session, &family.key).unwrap();
        let stranger = RefreshToken::first(tokens[0].session, &FamilyKey::generate().unwrap());

        assert_eq!(family.judge(&tokens[3], GRACE), Judgement::Forged);
        assert_eq!(family.judge(&other.successor(&family.key), GRACE), Judgement::Forged);
        assert_eq!(family.judge(&stranger.unwrap(), GRACE), Judgement::Forged);
    }
}
