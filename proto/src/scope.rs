//! Scopes: the only permission mechanism, for people and machines alike.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::fields::{Field, Message};

/// One permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// `shop`: be a customer.
    Shop,
    /// `shop:admin`: manage the catalogue, see all users and orders.
    ShopAdmin,
    /// `auth:admin`: manage users, sessions and clients.
    AuthAdmin,
    /// `auth:register`: register and unregister credentials.
    AuthRegister,
}

/// The text names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no scope of this name; the scopes are: {}", Scopes::all())]
pub struct UnknownScope;

impl Scope {
    /// Every scope there is.
    pub const ALL: [Self; 4] = [Self::Shop, Self::ShopAdmin, Self::AuthAdmin, Self::AuthRegister];

    /// Its name in a token and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shop => "shop",
            Self::ShopAdmin => "shop:admin",
            Self::AuthAdmin => "auth:admin",
            Self::AuthRegister => "auth:register",
        }
    }

    /// What it lets its holder do.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Shop => "be a customer: own profile, cart, orders",
            Self::ShopAdmin => "manage the catalogue, see all users and orders, move orders along",
            Self::AuthAdmin => "manage users, sessions and clients",
            Self::AuthRegister => "register and unregister credentials",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or(UnknownScope)
    }
}

/// A set of scopes; in JSON the space-separated list of RFC 6749 §3.3.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Every scope there is.
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// The scopes that a list names; names of no scope are passed over.
    pub fn from_list(text: &str) -> Self {
        text.split(' ').filter_map(|name| name.parse().ok()).collect()
    }

    /// Whether `scope` is among them.
    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes in both.
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).copied().collect())
    }

    /// Each of them, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = Scope> {
        self.0.iter().copied()
    }

    /// Adds one.
    pub fn insert(&mut self, scope: Scope) {
        self.0.insert(scope);
    }

    /// Takes one away.
    pub fn remove(&mut self, scope: Scope) {
        self.0.remove(&scope);
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, scope) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            scope.fmt(f)?;
        }
        Ok(())
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Ok(Self::from_list(&text))
    }
}

/// Scopes as a list of their names, where they are no OAuth parameter.
#[derive(Debug, Clone)]
pub struct ScopeList(pub Scopes);

impl Serialize for ScopeList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Scope::as_str))
    }
}

impl Field for ScopeList {
    fn from_json(json: &RawValue) -> Result<Self, Message> {
        let names: Vec<String> = serde_json::from_str(json.get())
            .map_err(|_| Message::from("must be a list of scopes' names"))?;
        let scopes: Result<Scopes, UnknownScope> = names.iter().map(|name| name.parse()).collect();
        scopes.map(Self).map_err(|error| error.to_string().into())
    }
}

impl PartialSchema for ScopeList {
    fn schema() -> RefOr<Schema> {
        let names = Scope::ALL.map(Scope::as_str);
        let name = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
        ArrayBuilder::new().items(name).into()
    }
}

impl ToSchema for ScopeList {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_is_read_back_from_its_name() {
        for scope in Scope::ALL {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        assert!("Shop".parse::<Scope>().is_err());
    }

    #[test]
    fn a_list_is_a_set_and_unknown_names_grant_nothing() {
        let scopes = Scopes::from_list("shop:admin  openid shop shop");

        assert_eq!(scopes.to_string(), "shop shop:admin");
        assert!(!scopes.contains(Scope::AuthAdmin));
    }
}
