//! TLS to PostgreSQL, where `sslmode=require` asks for it: the server's certificate must be of a
//! root that is trusted, and for the host's name.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::DbError;
use super::socket::Socket;
use super::watch::{Watch, Watched};
use crate::config::DatabaseConfig;

/// The protocol's name inside TLS. From PostgreSQL 17 on, a server insists on it where a
/// connection begins with TLS (`sslnegotiation=direct`).
const ALPN: &[u8] = b"postgresql";

/// What makes connections of this configuration. Without `require` it trusts nobody, for nobody
/// asks it: loading the roots takes milliseconds and most of a megabyte.
pub(super) fn connector(config: &DatabaseConfig) -> Result<MakeRustlsConnect, DbError> {
    let roots = match (config.postgres.get_ssl_mode(), &config.roots) {
        (SslMode::Require, Some(roots)) => Arc::clone(roots),
        (SslMode::Require, None) => Arc::new(roots()?),
        _ => Arc::new(RootCertStore::empty()),
    };
    // Named, not the process's default: whoever else brings rustls along cannot change it.
    let mut tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| DbError::Unavailable(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    Ok(MakeRustlsConnect::new(tls))
}

/// The system's root certificates, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
fn roots() -> Result<RootCertStore, DbError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (readable, _) = roots.add_parsable_certificates(found.certs);
    if readable > 0 {
        return Ok(roots);
    }
    let reasons: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
    Err(DbError::Unavailable(format!(
        "sslmode=require needs root certificates, and there are none: install the system's, or \
         name a file of them in SSL_CERT_FILE {reasons:?}"
    )))
}

/// What to do about a broken handshake, where that is known.
pub(super) fn advice(error: &(dyn Error + 'static)) -> &'static str {
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match inner.and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        )) => {
            "; SSL_CERT_FILE names the file of root certificates to trust, or sslrootcert in the URL"
        }
        _ => "",
    }
}

type Beneath = Watched<Socket>;
type Rustls = <MakeRustlsConnect as MakeTlsConnect<Beneath>>::TlsConnect;
type Encrypted = <Rustls as TlsConnect<Beneath>>::Stream;

/// TLS whose content is watched.
pub(super) struct WatchedTls {
    pub(super) rustls: Rustls,
    pub(super) watch: Arc<Watch>,
}

impl TlsConnect<Beneath> for WatchedTls {
    type Stream = Watched<Encrypted>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Stream>> + Send>>;

    fn connect(self, stream: Beneath) -> Self::Future {
        let Self { rustls, watch } = self;
        Box::pin(async move { Ok(Watched::new(rustls.connect(stream).await?, Some(&watch))) })
    }
}
