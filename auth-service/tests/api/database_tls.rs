//! TLS to PostgreSQL: the real binary, and a real server with a certificate of this test's making.

use std::fs;

use devstack_postgres::testing::{TestDatabase, database};
use devstack_testkit::Api;
use devstack_testkit::database::connect;
use devstack_testkit::process::{Ended, Program, field};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::auth::PASSWORD;
use crate::cli::{Cli, serve};

/// Root certificates as files: the first signed the server's certificate, the second is a
/// stranger's.
struct Roots {
    folder: TempDir,
}

impl Roots {
    fn trusted(&self) -> String {
        self.file("trusted.pem")
    }

    fn strange(&self) -> String {
        self.file("strange.pem")
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn issuer(name: &str) -> Issuer {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A database on the tests' server, which speaks TLS to those who ask. All tests share the server:
/// who does not ask notices nothing.
async fn database_with_tls() -> (TestDatabase, String) {
    static ROOT: OnceCell<String> = OnceCell::const_new();
    let database = database().await;
    let root = ROOT.get_or_init(|| turn_on(database.url())).await;
    (database, root.clone())
}

/// Gives the server a certificate for 127.0.0.1 and returns its issuer's.
async fn turn_on(url: &str) -> String {
    let (root, key) = (issuer("ours"), KeyPair::generate().unwrap());
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &root).unwrap();
    let server = connect(url).await;
    // The server refuses a key of another user's, and runs as whoever it may be: it writes both
    // files itself, into its own folder.
    for (file, pem) in [("server.crt", certificate.pem()), ("server.key", key.serialize_pem())] {
        let copy = format!(
            "COPY (SELECT regexp_split_to_table('{pem}', '\\r?\\n'))
             TO PROGRAM 'umask 077 && cat > {file}'"
        );
        server.batch_execute(&copy).await.unwrap();
    }
    server.batch_execute("ALTER SYSTEM SET ssl = on").await.unwrap();
    server.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    root.pem()
}

/// The roots as files, and a database behind TLS.
async fn setting() -> (TestDatabase, Roots) {
    let (database, root) = database_with_tls().await;
    let roots = Roots { folder: tempfile::tempdir().unwrap() };
    fs::write(roots.trusted(), root).unwrap();
    fs::write(roots.strange(), issuer("a stranger").pem()).unwrap();
    (database, roots)
}

/// The binary on this database, with what stands behind the URL's `?`.
fn program(database: &TestDatabase, parameters: &str, roots: &str, args: &[&str]) -> Program {
    let cli = Cli::at(&format!("{}?{parameters}", database.url()));
    cli.command(args).env("SSL_CERT_FILE", roots)
}

/// For each connection that others have to this database, whether it is encrypted.
async fn are_encrypted(database: &TestDatabase) -> Vec<bool> {
    let others = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let rows = connect(database.url()).await.query(others, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[track_caller]
fn expect_refused(ended: &Ended, words: &str) {
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    assert!(ended.stderr.contains(words), "{ended:?}");
}

#[tokio::test]
async fn with_require_every_connection_is_encrypted() {
    let (database, roots) = setting().await;

    // The first to connect is the migration.
    let served = serve(program(&database, "sslmode=require", &roots.trusted(), &[])).await;
    let login = [("username", "nobody@example.com"), ("password", PASSWORD)];
    served.api.post("/login").form(&login).send().await.expect_oauth_error(400, "invalid_grant");

    let encrypted = are_encrypted(&database).await;
    assert!(!encrypted.is_empty() && encrypted.iter().all(|is| *is), "{encrypted:?}");
}

#[tokio::test]
async fn the_words_of_libpq_encrypt_as_well() {
    let (database, roots) = setting().await;

    let migrate = program(&database, "sslmode=verify-full", &roots.trusted(), &["migrate"]);
    let refused = program(&database, "sslmode=verify-full", &roots.strange(), &["migrate"]);

    assert_eq!(migrate.run().await.code, Some(0));
    expect_refused(&refused.run().await, "UnknownIssuer");
}

#[tokio::test]
async fn a_certificate_of_an_unknown_issuer_is_refused_with_what_to_set() {
    let (database, roots) = setting().await;
    // One that takes the trusted one's name.
    let impostor = roots.file("impostor.pem");
    fs::write(&impostor, issuer("ours").pem()).unwrap();

    for args in [&["migrate"][..], &["user", "show", "ann@example.com"]] {
        for (roots, words) in [(&roots.strange(), "UnknownIssuer"), (&impostor, "BadSignature")] {
            let refused = program(&database, "sslmode=require", roots, args).run().await;
            expect_refused(&refused, &format!("certificate: {words}; SSL_CERT_FILE names "));
        }
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_with_both_names() {
    let (database, roots) = setting().await;
    let named = database.url().replace("127.0.0.1", "db.example");
    let elsewhere = Cli::at(&format!("{named}?hostaddr=127.0.0.1&sslmode=require"));

    let migrate = elsewhere.command(&["migrate"]).env("SSL_CERT_FILE", &roots.trusted());

    let ended = migrate.run().await;
    expect_refused(&ended, "db.example");
    expect_refused(&ended, "127.0.0.1");
}

#[tokio::test]
async fn a_service_that_trusts_no_certificate_it_gets_lives_and_waits() {
    let (database, roots) = setting().await;

    let running = program(&database, "sslmode=require", &roots.strange(), &[]).start();
    let listening = running.line("listening").await;
    let waiting = running.line("waiting for the database").await;

    assert!(waiting.contains("UnknownIssuer"), "{waiting}");
    let ops = Api::at(field(&listening, "ops_addr").parse().unwrap());
    ops.get("/health/live").send().await.expect(200);
    ops.get("/health/ready").send().await.expect_problem(503, "unavailable");
}

#[tokio::test]
async fn without_require_nothing_is_encrypted_and_no_certificate_is_read() {
    let (database, roots) = setting().await;

    for parameters in ["", "sslmode=prefer", "sslmode=disable"] {
        let missing = roots.file("missing.pem");
        let served = serve(program(&database, parameters, &missing, &[])).await;

        let encrypted = are_encrypted(&database).await;
        assert!(!encrypted.is_empty() && !encrypted.contains(&true), "{parameters} {encrypted:?}");
        assert_eq!(served.process.terminate().await.code, Some(0));
    }
}

#[tokio::test]
async fn require_without_any_root_certificate_is_a_failure_that_says_so() {
    let (database, roots) = setting().await;
    let missing = roots.file("missing.pem");

    for args in [&["serve"][..], &["migrate"]] {
        let ended = program(&database, "sslmode=require", &missing, args).run().await;
        expect_refused(&ended, &missing);
        expect_refused(&ended, "SSL_CERT_FILE");
    }
}
