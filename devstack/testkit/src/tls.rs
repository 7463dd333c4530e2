//! Certificates of a test's own making, and a PostgreSQL that has one.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio_postgres::Client;

/// Who signs certificates.
pub type Issuer = CertifiedIssuer<'static, KeyPair>;

/// An issuer of this name: its `pem()` is a root certificate.
///
/// # Panics
/// When there is no randomness.
pub fn issuer(name: &str) -> Issuer {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate();
    match key.and_then(|key| CertifiedIssuer::self_signed(params, key)) {
        Ok(issuer) => issuer,
        Err(error) => panic!("no issuer: {error}"),
    }
}

/// Gives the server a certificate of this issuer's for 127.0.0.1: from now on it speaks TLS to
/// those who ask.
///
/// # Panics
/// When the server does not take it.
pub async fn turn_on(server: &Client, issuer: &Issuer) {
    let signed = KeyPair::generate().and_then(|key| {
        let params = CertificateParams::new(["127.0.0.1".to_owned()])?;
        Ok((params.signed_by(&key, issuer)?.pem(), key.serialize_pem()))
    });
    let (certificate, key) = match signed {
        Ok(signed) => signed,
        Err(error) => panic!("no certificate: {error}"),
    };
    // The server refuses a key of another user's, and runs as whoever it may be: it writes both
    // files itself, into its own folder.
    let write = |file, pem: &str| {
        format!(
            "COPY (SELECT regexp_split_to_table('{pem}', '\\r?\\n'))
             TO PROGRAM 'umask 077 && cat > {file}'"
        )
    };
    for statement in [
        &*write("server.crt", &certificate),
        &*write("server.key", &key),
        "ALTER SYSTEM SET ssl = on",
        "SELECT pg_reload_conf()",
    ] {
        if let Err(error) = server.batch_execute(statement).await {
            panic!("no TLS: {error:?}");
        }
    }
}
