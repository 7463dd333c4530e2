//! Getting connected: to one host of several, within a bounded time, whatever the others do.
//!
//! The driver tries one host after the other, and has a limit for the TCP connection alone: a
//! first host that accepts and says nothing would keep it from ever trying the second. Here the
//! next host is tried as soon as the one before has failed, or has taken too long; the first that
//! serves is taken.

use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_postgres::config::{Host, LoadBalanceHosts, SslMode, TargetSessionAttrs};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Notification, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;
use uuid::Uuid;

use super::error::describe;
use super::tls::{self, WatchedTls};
use super::watch::{Patience, Watch, Watched};
use super::{DbError, socket};
use crate::config::DatabaseConfig;

/// How long getting connected may take, whatever the number of hosts.
const CONNECT: Duration = Duration::from_millis(2500);

/// How long a host is waited for before the next one is tried beside it.
const HEAD_START: Duration = Duration::from_millis(500);

/// Makes sessions.
#[derive(Clone)]
pub(super) struct Dial {
    postgres: tokio_postgres::Config,
    addresses: Vec<Address>,
    tls: MakeRustlsConnect,
    patience: Arc<Patience>,
}

/// Where a server may be.
#[derive(Debug, Clone)]
pub(super) struct Address {
    /// Whom its certificate is for, and where it is.
    pub(super) host: Host,
    /// Where it is, where that is given apart (`hostaddr`).
    pub(super) ip: Option<IpAddr>,
    pub(super) port: u16,
}

/// A session, and the task that serves its connection.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) connection: JoinHandle<()>,
    pub(super) watch: Arc<Watch>,
}

/// Who hears notifications.
pub(super) type Hear = Arc<dyn Fn(&Notification) + Send + Sync>;

/// Nobody.
pub(super) fn nobody() -> Hear {
    Arc::new(|_| {})
}

impl Dial {
    /// For sessions with these settings, which may be silent for so long when they are asked.
    pub(super) fn new(
        config: &DatabaseConfig,
        session: &str,
        limit: Option<Duration>,
    ) -> Result<Self, DbError> {
        Ok(Self {
            postgres: with_session(&config.postgres, session),
            addresses: addresses(&config.postgres)?,
            tls: tls::connector(config)?,
            patience: Patience::new(limit),
        })
    }

    /// A session with the first host that serves; `hear` gets its notifications.
    pub(super) async fn connect(&self, hear: &Hear) -> Result<Session, DbError> {
        let end = sleep_until(Instant::now() + CONNECT);
        tokio::pin!(end);
        let mut addresses = self.in_order().into_iter().peekable();
        let (mut trying, mut failures) = (JoinSet::new(), Vec::new());
        loop {
            if let Some(address) = addresses.next() {
                trying.spawn(self.clone().connect_to(address, Arc::clone(hear)));
            }
            let is_last = addresses.peek().is_none();
            tokio::select! {
                tried = trying.join_next() => match tried {
                    Some(Ok(Ok(session))) => return Ok(session),
                    Some(Ok(Err(failure))) => failures.push(failure),
                    Some(Err(panic)) => failures.push(panic.to_string()),
                    None => break,
                },
                () = sleep(HEAD_START), if !is_last => {}
                () = &mut end => {
                    failures.push(format!("no answer within {CONNECT:?}"));
                    break;
                }
            }
        }
        Err(DbError::Unavailable(failures.join("; ")))
    }

    /// The addresses, from another one on each time where the URL asks for it.
    fn in_order(&self) -> Vec<Address> {
        let mut addresses = self.addresses.clone();
        if self.postgres.get_load_balance_hosts() == LoadBalanceHosts::Random {
            let [.., random] = *Uuid::now_v7().as_bytes();
            let start = usize::from(random) % addresses.len();
            addresses.rotate_left(start);
        }
        addresses
    }

    async fn connect_to(self, address: Address, hear: Hear) -> Result<Session, String> {
        let connected = self.session(&address, hear).await;
        let Address { host, port, .. } = &address;
        connected.map_err(|failure| match host {
            _ if self.addresses.len() == 1 => failure,
            Host::Tcp(name) => format!("{name}:{port}: {failure}"),
            Host::Unix(folder) => format!("{}:{port}: {failure}", folder.display()),
        })
    }

    async fn session(&self, address: &Address, hear: Hear) -> Result<Session, String> {
        let socket = socket::connect(address)
            .await
            .map_err(|error| format!("error connecting to server: {error}"))?;
        let watch = Watch::new(&self.patience);
        let is_plain = self.postgres.get_ssl_mode() != SslMode::Require;
        let name = match &address.host {
            Host::Tcp(name) => name,
            Host::Unix(_) => "",
        };
        let rustls = MakeTlsConnect::<Watched<socket::Socket>>::make_tls_connect(
            &mut self.tls.clone(),
            name,
        )
        .map_err(|error| error.to_string())?;
        let tls = WatchedTls { rustls, watch: Arc::clone(&watch) };
        let socket = Watched::new(socket, is_plain.then_some(&watch));
        let connected = self.postgres.connect_raw(socket, tls).await;
        let (client, mut connection) = connected.map_err(|error| describe(&error))?;
        let connection = tokio::spawn(async move {
            while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
                match message {
                    Ok(AsyncMessage::Notification(notification)) => hear(&notification),
                    Ok(_) => {}
                    Err(error) => {
                        let error = describe(&error);
                        return tracing::warn!(error, "a database connection broke");
                    }
                }
            }
        });
        if self.postgres.get_target_session_attrs() == TargetSessionAttrs::ReadWrite
            && is_read_only(&client).await.map_err(|error| describe(&error))?
        {
            return Err("does not allow writes".to_owned());
        }
        Ok(Session { client, connection, watch })
    }
}

async fn is_read_only(client: &Client) -> Result<bool, tokio_postgres::Error> {
    let said = client.simple_query("SHOW transaction_read_only").await?;
    Ok(said.iter().any(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0) == Some("on"),
        _ => false,
    }))
}

/// One for each host: the port is the host's own, the only one, or PostgreSQL's.
fn addresses(config: &tokio_postgres::Config) -> Result<Vec<Address>, DbError> {
    let (hosts, ips, ports) = (config.get_hosts(), config.get_hostaddrs(), config.get_ports());
    let fits = |count| count == hosts.len();
    if hosts.is_empty() || !(ips.is_empty() || fits(ips.len())) {
        return Err(DbError::Unavailable("hosts and hostaddrs do not match".to_owned()));
    }
    if ports.len() > 1 && !fits(ports.len()) {
        return Err(DbError::Unavailable("hosts and ports do not match".to_owned()));
    }
    let address = |(place, host): (usize, &Host)| Address {
        host: host.clone(),
        ip: ips.get(place).copied(),
        port: *ports.get(place).or(ports.first()).unwrap_or(&5432),
    };
    Ok(hosts.iter().enumerate().map(address).collect())
}

/// `config` with server settings for its sessions, before those of its own. TLS is either required
/// or off: `prefer`, the default, would speak plainly with whoever says he has no TLS.
fn with_session(config: &tokio_postgres::Config, session: &str) -> tokio_postgres::Config {
    let mut config = config.clone();
    if config.get_ssl_mode() != SslMode::Require {
        config.ssl_mode(SslMode::Disable);
    }
    let options = match config.get_options() {
        Some(given) => format!("{session} {given}"),
        None => session.to_owned(),
    };
    config.options(options);
    config
}
