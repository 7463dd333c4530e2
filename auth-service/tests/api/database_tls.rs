//! TLS to PostgreSQL: the real binary, and a real server with a certificate of this test's making.

use std::fs;

use devstack_postgres::testing::{TestDatabase, database};
use devstack_testkit::Api;
use devstack_testkit::database::connect;
use devstack_testkit::process::{Ended, Program, field};
use devstack_testkit::tls::{issuer, turn_on};
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

/// A database on the tests' server, which speaks TLS to those who ask. All tests share the server:
/// who does not ask notices nothing.
async fn database_with_tls() -> (TestDatabase, String) {
    static ROOT: OnceCell<String> = OnceCell::const_new();
    let database = database().await;
    let root = ROOT.get_or_init(async || {
        let root = issuer("ours");
        turn_on(&connect(database.url()).await, &root).await;
        root.pem()
    });
    let root = root.await.clone();
    (database, root)
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
async fn the_url_may_name_the_roots_to_trust() {
    let (database, roots) = setting().await;
    let named = |file: String| format!("sslmode=verify-full&sslrootcert={file}");

    // Whatever the system trusts.
    let [right, wrong] = [roots.trusted(), roots.strange()].map(named);
    let right = program(&database, &right, &roots.strange(), &["migrate"]).run().await;
    let wrong = program(&database, &wrong, &roots.trusted(), &["migrate"]).run().await;
    let system =
        program(&database, "sslrootcert=system", &roots.trusted(), &["migrate"]).run().await;

    assert_eq!((right.code, system.code), (Some(0), Some(0)), "{right:?} {system:?}");
    expect_refused(&wrong, "UnknownIssuer");
}

#[tokio::test]
async fn roots_that_cannot_be_read_stop_the_start_with_one_line() {
    let (database, roots) = setting().await;
    let (empty, broken) = (roots.file("empty.pem"), roots.file("broken.pem"));
    fs::write(&empty, "no certificate\n").unwrap();
    let certificate = fs::read_to_string(roots.trusted()).unwrap();
    fs::write(&broken, certificate.replacen("MII", "!!!", 1)).unwrap();

    for file in [&roots.file("missing.pem"), &empty, &broken] {
        let parameters = format!("sslmode=verify-full&sslrootcert={file}");
        let ended = program(&database, &parameters, &roots.trusted(), &["serve"]).run().await;

        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
        assert!(ended.stderr.starts_with("DATABASE_URL: sslrootcert: "), "{ended:?}");
        assert!(ended.stderr.contains(file.as_str()), "{ended:?}");
    }
}

#[tokio::test]
async fn a_client_certificate_is_not_supported_and_that_is_said() {
    let (database, roots) = setting().await;

    let parameters = "sslmode=verify-full&sslcert=/client.pem&sslkey=/client.key";
    let ended = program(&database, parameters, &roots.trusted(), &["serve"]).run().await;

    assert_eq!((ended.code, ended.stderr.lines().count()), (Some(2), 1), "{ended:?}");
    assert!(ended.stderr.contains("not supported"), "{ended:?}");
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
