//! Who may call: guards of the routes, each a kind of caller.

use std::sync::Arc;

use chassis::edge::Refusal;
use chassis::edge::guard::bearer;
use proto::verifier::Subject;
use proto::{Caller, Scope, UserId};
use warp::filters::BoxedFilter;

use crate::error::REALM;
use crate::state::Shop;

/// A person who may shop.
#[derive(Debug, Clone, Copy)]
pub struct Customer {
    /// The person.
    pub user: UserId,
    /// Whether the token also grants `shop:admin`.
    pub is_admin: bool,
}

/// Who may see users: a customer, or an admin.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// The person; a machine is none.
    pub user: Option<UserId>,
    /// Whether the token grants `shop:admin`.
    pub is_admin: bool,
}

/// Who manages the shop.
#[derive(Debug, Clone, Copy)]
pub struct Admin {
    /// The person; a machine is none.
    pub user: Option<UserId>,
}

/// Who changes an order.
#[derive(Debug)]
pub struct Actor {
    subject: Subject,
    /// Whose orders alone the caller may change; `None` for an admin, who may change all.
    pub only_own: Option<UserId>,
}

impl Actor {
    /// The person; a machine is none.
    pub fn user(&self) -> Option<UserId> {
        match self.subject {
            Subject::User(user) => Some(user),
            Subject::Client(_) => None,
        }
    }

    /// The user's id, or the client's.
    pub fn id(&self) -> String {
        match &self.subject {
            Subject::User(user) => user.to_string(),
            Subject::Client(client) => client.clone(),
        }
    }
}

/// Passes a person with the scope `shop`.
pub fn customer(shop: &Arc<Shop>) -> BoxedFilter<(Customer,)> {
    bearer(shop, |caller| match caller.user() {
        Some(user) if caller.may(Scope::Shop) => {
            Ok(Customer { user, is_admin: caller.may(Scope::ShopAdmin) })
        }
        Some(_) => Err(lacks(Scope::Shop, "This needs a token with the scope `shop`.")),
        None => Err(lacks(Scope::Shop, "This needs a person's token: a machine has no profile.")),
    })
}

/// Passes whoever has the scope `shop` or `shop:admin`.
pub fn member(shop: &Arc<Shop>) -> BoxedFilter<(Member,)> {
    bearer(shop, |caller: Caller| {
        let is_admin = caller.may(Scope::ShopAdmin);
        match caller.may(Scope::Shop) || is_admin {
            true => Ok(Member { user: caller.user(), is_admin }),
            false => Err(lacks(Scope::Shop, "This needs the scope `shop` or `shop:admin`.")),
        }
    })
}

/// Passes whoever has the scope `shop:admin`.
pub fn admin(shop: &Arc<Shop>) -> BoxedFilter<(Admin,)> {
    bearer(shop, |caller: Caller| match caller.may(Scope::ShopAdmin) {
        true => Ok(Admin { user: caller.user() }),
        false => Err(crate::error::Error::NotAnAdmin.into()),
    })
}

/// Passes a person with the scope `shop`, and whoever has `shop:admin`.
pub fn customer_or_admin(shop: &Arc<Shop>) -> BoxedFilter<(Actor,)> {
    bearer(shop, |caller: Caller| match caller.user() {
        _ if caller.may(Scope::ShopAdmin) => Ok(Actor { subject: caller.subject, only_own: None }),
        user @ Some(_) if caller.may(Scope::Shop) => {
            Ok(Actor { subject: caller.subject, only_own: user })
        }
        Some(_) => Err(lacks(Scope::Shop, "This needs the scope `shop` or `shop:admin`.")),
        None => Err(lacks(
            Scope::Shop,
            "This needs a person's token, or one with the scope `shop:admin`.",
        )),
    })
}

/// Passes whoever has the scope `shop:admin`, to change anybody's order.
pub fn mover(shop: &Arc<Shop>) -> BoxedFilter<(Actor,)> {
    bearer(shop, |caller: Caller| match caller.may(Scope::ShopAdmin) {
        true => Ok(Actor { subject: caller.subject, only_own: None }),
        false => Err(crate::error::Error::NotAnAdmin.into()),
    })
}

fn lacks(scope: Scope, detail: &'static str) -> Refusal {
    Refusal::insufficient_scope(REALM, scope, detail)
}
