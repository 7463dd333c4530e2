//! Mail over TLS: by a process of its own, which trusts the roots that its environment names.

#![expect(clippy::unwrap_used, reason = "a test says by panicking what it missed")]

use std::fs;

use devstack_testkit::process::Running;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command::program;
use crate::mail::{job, order, until_done};
use crate::shop::Shop;
use crate::smtp::MailServer;

/// A certificate for `localhost` as files, and that of its issuer.
struct Certificate {
    folder: TempDir,
}

impl Certificate {
    fn new(issuer: &str) -> Self {
        let mut root = CertificateParams::default();
        root.distinguished_name.push(DnType::CommonName, issuer);
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let own = own.signed_by(&key, &root).unwrap();
        let certificate = Self { folder: tempfile::tempdir().unwrap() };
        for (name, pem) in [("root", root.pem()), ("cert", own.pem()), ("key", key.serialize_pem())]
        {
            fs::write(certificate.file(name), pem).unwrap();
        }
        certificate
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// A server that has it.
    async fn server(&self, tls: &str, options: &Value) -> Option<MailServer> {
        let mut all = json!({ "tls": tls, "cert": self.file("cert"), "key": self.file("key") });
        all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        MailServer::start(&all).await
    }
}

/// An order, and a process that sends the mail about it, trusting these roots.
async fn sending(mail_url: &str, roots: &str) -> (Shop, Running) {
    let shop = Shop::start().await;
    order(&shop, &shop.customer().await).await;
    let program = program(shop.database.url(), &[]);
    let program = program.env("MAIL_URL", mail_url).env("SSL_CERT_FILE", roots);
    (shop, program.start())
}

/// What is said of the mail about that order, when it cannot be sent so far.
async fn said(mail_url: &str, roots: &str) -> String {
    let (shop, _process) = sending(mail_url, roots).await;
    job(&shop, "failing").await["last_error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_mail_goes_by_tls_where_that_is_asked_for() {
    let certificate = Certificate::new("ours");
    for (tls, scheme, parameter) in
        [("starttls", "smtp", "?tls=required"), ("implicit", "smtps", "")]
    {
        let options = json!({ "login": ["shop", "secret"] });
        let Some(server) = certificate.server(tls, &options).await else { return };
        let url = format!("{scheme}://shop:secret@localhost:{}{parameter}", server.port);

        let (shop, _process) = sending(&url, &certificate.file("root")).await;
        let mail = server.mail(1).await;

        assert_eq!((mail.tls, mail.login.as_deref()), (true, Some("shop")));
        until_done(&shop).await;
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_or_of_another_name_gets_no_mail() {
    let [certificate, stranger] = ["ours", "a stranger"].map(Certificate::new);
    for (tls, scheme, parameter) in
        [("starttls", "smtp", "?tls=required"), ("implicit", "smtps", "")]
    {
        for (host, roots, reason) in [
            ("localhost", stranger.file("root"), "UnknownIssuer"),
            ("127.0.0.1", certificate.file("root"), "not valid for name"),
        ] {
            let Some(server) = certificate.server(tls, &json!({})).await else { return };

            let url = format!("{scheme}://shop:secret@{host}:{}{parameter}", server.port);
            let error = said(&url, &roots).await;

            assert!(error.starts_with("connecting: ") && error.contains(reason), "{error}");
            assert!(!error.contains("secret"), "{error}");
            assert_eq!(server.count().await, 0);
        }
    }
}

#[tokio::test]
async fn a_server_without_starttls_gets_no_mail_where_it_is_required() {
    let Some(server) = MailServer::start(&json!({})).await else { return };

    let url = format!("smtp://shop:secret@localhost:{}?tls=required", server.port);
    let error = said(&url, &Certificate::new("ours").file("root")).await;

    assert!(error.contains("STARTTLS"), "{error}");
    assert_eq!(server.count().await, 0);
}
