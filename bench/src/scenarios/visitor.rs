//! A client of a system: it does one deed again and again.

use std::sync::{Arc, PoisonError};

use anyhow::{Context, Result};

use super::request::Request;
use crate::load::Client;
use crate::load::connection::Connection;
use crate::systems::site::{PASSWORD, Session, Site, email};

/// What a client does in one visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Login,
    MachineToken,
    Refresh,
    Introspect,
    Me,
    Cart,
    Products,
    Orders,
    AddItem,
    Order,
    /// Browse, put two things into the cart, look at it, order, look at the orders.
    Purchase,
}

/// A client.
pub(crate) struct Visitor {
    site: Arc<Site>,
    deed: Deed,
    auth: Connection,
    shop: Connection,
    /// A login that stands, taken from the site while this one uses it.
    session: Option<Session>,
}

impl Visitor {
    /// So many clients, each with a connection of its own.
    pub(crate) fn many(site: &Arc<Site>, deed: Deed, count: usize) -> Vec<Self> {
        (0..count).map(|_| Self::new(Arc::clone(site), deed)).collect()
    }

    fn new(site: Arc<Site>, deed: Deed) -> Self {
        let (auth, shop) = (Connection::to(site.auth), Connection::to(site.shop));
        let needs_login = matches!(deed, Deed::Refresh | Deed::Introspect);
        let take = || site.sessions.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let session = if needs_login { take() } else { None };
        Self { site, deed, auth, shop, session }
    }

    async fn get(&mut self, path: &str, user: u64) -> Result<()> {
        self.shop.call(&Request::get(path, self.site.token(user)), 200).await?;
        Ok(())
    }

    async fn order(&mut self, user: u64) -> Result<()> {
        self.shop.call(&Request::order(&self.site, user), 201).await?;
        Ok(())
    }

    async fn add(&mut self, turn: u64, line: u64) -> Result<()> {
        let (user, product) = (self.site.buyer(turn), self.site.product(turn, line));
        self.shop.call(&Request::add_item(&self.site, user, product), 201).await?;
        Ok(())
    }

    /// Whose turn it is; `None` when everybody has been there.
    fn next_buyer(&self) -> Option<u64> {
        let turn = self.site.turn();
        (turn < self.site.buyers()).then_some(turn)
    }

    async fn purchase(&mut self) -> Result<bool> {
        let Some(turn) = self.next_buyer() else { return Ok(false) };
        let user = self.site.buyer(turn);
        self.get("/products/?limit=20", user).await?;
        self.add(turn, 0).await?;
        self.add(turn, 1).await?;
        self.get(self.site.cart(), user).await?;
        self.order(user).await?;
        self.get(self.site.orders(), user).await?;
        Ok(true)
    }

    async fn refresh(&mut self) -> Result<()> {
        let session = self.session.as_mut().context("nobody is logged in")?;
        let body = self.auth.call(&Request::refresh(&session.refresh_token), 200).await?;
        *session = serde_json::from_slice(body)?;
        Ok(())
    }
}

impl Client for Visitor {
    async fn visit(&mut self) -> Result<bool> {
        match self.deed {
            Deed::Login => {
                let user = 1 + fastrand::u64(..self.site.stock.users);
                self.auth.call(&Request::login(&email(user), PASSWORD), 200).await?;
            }
            Deed::MachineToken => {
                self.auth.call(&Request::machine_token(&self.site), 200).await?;
            }
            Deed::Refresh => self.refresh().await?,
            Deed::Introspect => {
                let session = self.session.as_ref().context("nobody is logged in")?;
                let request = Request::introspect(&self.site, &session.access_token);
                let said = self.auth.call(&request, 200).await?;
                anyhow::ensure!(
                    said.starts_with(br#"{"active":true"#),
                    "a live token is not active"
                );
            }
            Deed::Me => self.get("/user/me", self.site.reader()).await?,
            Deed::Cart => self.get(self.site.cart(), self.site.reader()).await?,
            Deed::Products => {
                self.shop.call(&Request::products(), 200).await?;
            }
            Deed::Orders => {
                let page = format!("{}?limit=10", self.site.orders());
                self.get(&page, self.site.reader()).await?;
            }
            Deed::AddItem => {
                let turn = self.site.turn();
                self.add(turn, 0).await?;
            }
            Deed::Order => {
                let Some(turn) = self.next_buyer() else { return Ok(false) };
                self.order(self.site.buyer(turn)).await?;
            }
            Deed::Purchase => return self.purchase().await,
        }
        Ok(true)
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.site.sessions.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        }
    }
}
