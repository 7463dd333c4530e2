//! The dialogue with a server, step by step, and a few connections that are kept.
//!
//! lettre has a transport with a pool, which is not used: it waits for answers without end, and
//! when it is given up it puts the connection back as it is, in the middle of a letter, so that
//! the next letter would become a part of that one. Here a connection is kept only after a
//! dialogue that came to its end. And a step that fails is known: whose fault it is depends on it.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use secrecy::ExposeSecret;
use tokio::time::{Instant, sleep, timeout};

use super::failure::{MailError, Private, Step};
use crate::config::{SmtpServer, SmtpTls};

/// How long a server may take to answer one step. The receipt for a letter may take as long as
/// the whole may: whoever gives up there may have sent it, and sends it twice.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long one of a name's addresses may take, so that another can be tried.
const ADDRESS_PATIENCE: Duration = Duration::from_secs(4);

/// How many connections are kept, and how long: less than servers keep them (RFC 5321 §4.5.3.2.7
/// asks for 5 minutes; some take half a minute).
const IDLE_MAX: usize = 4;
const IDLE: Duration = Duration::from_secs(20);

/// A mail server.
pub(super) struct Smtp {
    server: SmtpServer,
    name: ClientId,
    credentials: Option<Credentials>,
    /// Built at first use: it loads the system's certificates.
    tls: OnceLock<TlsParameters>,
    idle: Mutex<Vec<Idle>>,
}

/// A connection on which nothing is under way.
struct Idle {
    connection: AsyncSmtpConnection,
    since: Instant,
}

impl Smtp {
    /// Nothing is connected yet.
    pub(super) fn new(server: SmtpServer) -> Self {
        let credentials = server.login.as_ref().map(|login| {
            let password = login.password.expose_secret().to_owned();
            Credentials::new(login.user.clone(), password)
        });
        let (name, tls, idle) = (ClientId::default(), OnceLock::new(), Mutex::default());
        Self { server, name, credentials, tls, idle }
    }

    /// Hands a message over.
    pub(super) async fn send(
        self: &Arc<Self>,
        from: &Address,
        to: &Address,
        message: &[u8],
    ) -> Result<(), MailError> {
        let password = self.server.login.as_ref().map(|login| &login.password);
        let private = Private { to, password };
        let mut connection = match self.take().await {
            Some(connection) => connection,
            None => self.connect(&private).await?,
        };
        let sent = dialogue(&mut connection, from, message, &private).await;
        match sent {
            Ok(()) => self.keep(connection),
            // Not waited for: the server has said what it had to say.
            Err(_) => drop(tokio::spawn(quit(connection))),
        }
        sent
    }

    async fn connect(&self, private: &Private<'_>) -> Result<AsyncSmtpConnection, MailError> {
        let place = (&*self.server.host, self.server.port);
        let tls = match self.server.tls {
            SmtpTls::Plain => None,
            SmtpTls::Required | SmtpTls::Implicit => Some(self.tls(private)?),
        };
        let (at_once, later) = match self.server.tls {
            SmtpTls::Implicit => (tls, None),
            SmtpTls::Plain | SmtpTls::Required => (None, tls),
        };
        let open = AsyncSmtpConnection::connect_tokio1(
            place,
            Some(ADDRESS_PATIENCE),
            &self.name,
            at_once,
            None,
        );
        let mut connection = step(Step::Connection, private, open).await?;
        if let Some(tls) = later {
            step(Step::Connection, private, connection.starttls(tls, &self.name)).await?;
        }
        if let Some(credentials) = &self.credentials {
            let login = connection.auth(DEFAULT_MECHANISMS, credentials);
            step(Step::Login, private, login).await?;
        }
        Ok(connection)
    }

    fn tls(&self, private: &Private<'_>) -> Result<TlsParameters, MailError> {
        if let Some(tls) = self.tls.get() {
            return Ok(tls.clone());
        }
        let tls = TlsParameters::new(self.server.host.clone())
            .map_err(|error| MailError::judge(Step::Connection, &error, private))?;
        Ok(self.tls.get_or_init(|| tls).clone())
    }

    /// A connection that is kept and that the server has not closed.
    async fn take(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let mut connection = self.idle().pop()?.connection;
            if timeout(PATIENCE, connection.test_connected()).await == Ok(true) {
                return Some(connection);
            }
        }
    }

    fn keep(self: &Arc<Self>, connection: AsyncSmtpConnection) {
        if self.idle().len() >= IDLE_MAX {
            drop(tokio::spawn(quit(connection)));
            return;
        }
        self.idle().push(Idle { connection, since: Instant::now() });
        let smtp = Arc::downgrade(self);
        tokio::spawn(async move {
            sleep(IDLE).await;
            let Some(smtp) = smtp.upgrade() else { return };
            let is_old = |idle: &mut Idle| idle.since.elapsed() >= IDLE;
            let old: Vec<Idle> = smtp.idle().extract_if(.., is_old).collect();
            for idle in old {
                quit(idle.connection).await;
            }
        });
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One letter on a connection: who it is from, for whom, what it says.
async fn dialogue(
    connection: &mut AsyncSmtpConnection,
    from: &Address,
    message: &[u8],
    private: &Private<'_>,
) -> Result<(), MailError> {
    let mut parameters = Vec::new();
    let to = private.to;
    if !to.to_string().is_ascii() {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(MailError::no_smtputf8());
        }
        // Whoever has SMTPUTF8 has 8BITMIME (RFC 6531 §3.1); the header names the address.
        parameters.push(MailParameter::SmtpUtfEight);
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    let sender = Mail::new(Some(from.clone()), parameters);
    step(Step::Sender, private, connection.command(sender)).await?;
    let recipient = Rcpt::new(to.clone(), Vec::new());
    step(Step::Recipient, private, connection.command(recipient)).await?;
    let go_ahead = step(Step::Content, private, connection.command(Data)).await?;
    // Anything else answers another command, so the receipt would be another's too. That can be
    // brought about: lettre reads on after STARTTLS what was said before TLS.
    if !go_ahead.has_code(354) {
        return Err(MailError::out_of_step(go_ahead.code()));
    }
    let receipt = connection.message(message).await;
    receipt.map_err(|error| MailError::judge(Step::Content, &error, private))?;
    Ok(())
}

/// A step that the server must answer in time.
async fn step<T>(
    step: Step,
    private: &Private<'_>,
    answer: impl Future<Output = Result<T, SmtpError>>,
) -> Result<T, MailError> {
    match timeout(PATIENCE, answer).await {
        Ok(answer) => answer.map_err(|error| MailError::judge(step, &error, private)),
        Err(_) => Err(MailError::silent(step, PATIENCE)),
    }
}

/// Ends a connection as it should be, where the server plays along.
async fn quit(mut connection: AsyncSmtpConnection) {
    let _ = timeout(PATIENCE, connection.quit()).await;
}
