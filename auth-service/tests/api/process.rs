//! The command line: `serve`, as a process.

use devstack_testkit::process::Program;
use devstack_testkit::{Answer, Api, database, eventually};
use proto::UserId;
use serde_json::json;

use crate::auth::{
    CLIENT, CLIENT_SECRET, OLD_CLIENT_SECRET, OLD_SECRET, OTHER_PASSWORD, PASSWORD, SECRET, encoded,
};
use crate::cli::{Cli, Served, serve};

async fn register(api: &Api, email: &str) {
    let body = json!({ "id": UserId::generate(), "email": email, "password": PASSWORD });
    let call = api.post("/credentials").basic(CLIENT, OLD_CLIENT_SECRET).json(&body);
    call.send().await.expect(201);
}

async fn login(api: &Api, password: &str) -> Answer {
    let form = [("username", "ann@example.com"), ("password", password)];
    api.post("/login").form(&form).send().await
}

/// Each line of what a program that must not start says.
async fn faults(program: Program) -> Vec<String> {
    let ended = program.run().await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
    ended.stderr.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn sigterm_ends_the_process_in_order() {
    let cli = Cli::new().await;
    let served = serve(cli.command(&["serve"])).await;

    let ended = served.process.terminate().await;

    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{ended:?}");
}

#[tokio::test]
async fn what_runs_at_sigterm_is_finished() {
    let cli = Cli::new().await;
    let Served { api, ops, process } = serve(cli.command(&[])).await;
    register(&api, "ann@example.com").await;
    let database = database::connect(cli.url()).await;
    database.batch_execute("BEGIN; SELECT FROM credentials FOR UPDATE").await.unwrap();
    let running = tokio::spawn(async move { login(&api, PASSWORD).await });
    let waiting = "SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually("the login waits", async || database.query_opt(waiting, &[]).await.unwrap()).await;

    process.signal_to_terminate();
    process.line("draining").await;
    ops.get("/health/ready").send().await.expect_problem(503, "unavailable");
    ops.get("/health/live").send().await.expect(200);
    database.batch_execute("COMMIT").await.unwrap();

    running.await.unwrap().expect(200);
    let ended = process.end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[tokio::test]
async fn every_missing_variable_is_named_at_once() {
    let lines = faults(Program::new(env!("CARGO_BIN_EXE_auth-service"))).await;

    let names: Vec<&str> = lines.iter().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(names, ["DATABASE_URL", "TOKEN_SECRETS", "REGISTRATION_CLIENT_SECRET"]);
    for line in lines {
        assert!(line.contains("is missing; for example "), "{line}");
    }
}

#[tokio::test]
async fn every_wrong_variable_is_named_at_once_and_no_secret_repeated() {
    let wrong = [
        ("LISTEN_ADDR", "localhost"),
        ("OPS_ADDR", "9001"),
        ("CORS_ALLOWED_ORIGINS", "*"),
        ("MAX_CONNECTIONS", "0"),
        ("SHUTDOWN_GRACE", "soon"),
        ("DATABASE_URL", "postgres://ann:hunter2@host:port/db"),
        ("DATABASE_POOL_SIZE", "-1"),
        ("MIGRATE_ON_START", "maybe"),
        ("LOG_FORMAT", "xml"),
        ("RUST_LOG", "info,=,="),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        ("TOKEN_SECRETS", "hunter2"),
        ("TOKEN_ISSUER", "localhost:9000"),
        ("TOKEN_AUDIENCE", " "),
        ("REGISTRATION_CLIENT_ID", "public"),
        ("REGISTRATION_CLIENT_SECRET", "hunter2,hunter2"),
        ("ACCESS_TOKEN_TTL", "0s"),
        ("PASSWORD_PEPPER", "hunter2"),
        ("ARGON2_MEMORY_KIB", "much"),
        ("ARGON2_ITERATIONS", "1.5"),
        ("ARGON2_PARALLELISM", ""),
        ("HASH_CONCURRENCY", "0"),
        ("HASH_QUEUE", "0"),
    ];
    let program = Program::new(env!("CARGO_BIN_EXE_auth-service"));
    let program = wrong.iter().fold(program, |program, (name, value)| program.env(name, value));

    let lines = faults(program).await;

    let mut named: Vec<&str> = lines.iter().filter_map(|line| line.split(':').next()).collect();
    let mut expected: Vec<&str> = wrong.iter().map(|(name, _)| *name).collect();
    named.sort_unstable();
    expected.sort_unstable();
    assert_eq!(named, expected, "{lines:?}");
    for line in lines {
        assert!(line.contains("; for example ") && !line.contains("hunter2"), "{line}");
    }
}

#[tokio::test]
async fn a_secret_that_is_short_or_published_is_refused() {
    let cli = Cli::without_database();
    let tutorial = "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7";

    for (value, words) in [
        ("a secret of only thirty-one bytes".get(..31).unwrap(), "shorter than 32 bytes"),
        (tutorial, "published"),
        (&format!("{SECRET},{tutorial}"), "entry 2 is published"),
        (&format!("{SECRET},"), "entry 2 is empty"),
    ] {
        for variable in ["TOKEN_SECRETS", "REGISTRATION_CLIENT_SECRET", "PASSWORD_PEPPER"] {
            let lines = faults(cli.command(&[]).env(variable, value)).await;
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(lines[0].starts_with(variable) && lines[0].contains(words), "{lines:?}");
            assert!(!lines[0].contains(value), "{lines:?}");
        }
    }
}

#[tokio::test]
async fn a_secret_may_come_from_a_file() {
    let cli = Cli::new().await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let program = cli
        .command(&[])
        .without("TOKEN_SECRETS")
        .env("TOKEN_SECRETS_FILE", &file("token", &format!("{SECRET}\n")))
        .without("REGISTRATION_CLIENT_SECRET")
        .env("REGISTRATION_CLIENT_SECRET_FILE", &file("client", &format!("{OLD_CLIENT_SECRET}\n")))
        .without("DATABASE_URL")
        .env("DATABASE_URL_FILE", &file("database", cli.url()));

    let Served { api, process: _process, .. } = serve(program).await;

    register(&api, "ann@example.com").await;
    let token = login(&api, PASSWORD).await.expect(200)["access_token"].clone();
    assert!(crate::auth::verifier().verify(token.as_str().unwrap()).is_ok());
}

#[tokio::test]
async fn a_secret_given_twice_or_from_no_file_is_refused() {
    let cli = Cli::without_database();

    let both = faults(cli.command(&[]).env("TOKEN_SECRETS_FILE", "/etc/hostname")).await;
    let program = cli.command(&[]).without("TOKEN_SECRETS");
    let neither = faults(program.env("TOKEN_SECRETS_FILE", "/no/such/file")).await;

    assert!(both.len() == 1 && both[0].starts_with("TOKEN_SECRETS: "), "{both:?}");
    assert!(neither.len() == 1 && neither[0].starts_with("TOKEN_SECRETS_FILE: "), "{neither:?}");
    assert!(neither[0].contains("/no/such/file"), "{neither:?}");
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_flag_that_changes_it() {
    let cli = Cli::without_database();
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = taken.local_addr().unwrap().to_string();

    for (flag, variable) in [("--listen-addr", "LISTEN_ADDR"), ("--ops-addr", "OPS_ADDR")] {
        let ended = cli.command(&["serve", flag, &addr]).run().await;

        assert_eq!(ended.code, Some(1), "{ended:?}");
        let line = ended.stderr.lines().last().unwrap();
        for part in [variable, flag, &addr] {
            assert!(line.contains(part), "{part}: {ended:?}");
        }
    }
}

#[tokio::test]
async fn metrics_count_requests_by_route_and_logins_by_outcome() {
    let cli = Cli::new().await;
    let Served { api, ops, process: _process } = serve(cli.command(&[])).await;
    register(&api, "ann@example.com").await;
    login(&api, PASSWORD).await.expect(200);
    login(&api, PASSWORD).await.expect(200);
    login(&api, OTHER_PASSWORD).await.expect(400);
    api.get("/unknown/ann@example.com").send().await.expect(404);

    let answer = ops.get("/metrics").send().await;

    answer.expect(200);
    assert!(answer.header("content-type").unwrap().starts_with("text/plain"), "{answer:?}");
    let metrics = answer.text();
    let value = |name: &str, labels: &[&str]| {
        let fits =
            |line: &&str| line.starts_with(name) && labels.iter().all(|label| line.contains(label));
        let line = metrics.lines().find(fits);
        line.and_then(|line| line.rsplit(' ').next()).unwrap_or("none").to_owned()
    };
    let requests = |labels: &[&str]| value("http_server_request_duration_seconds_count{", labels);
    let route = ["http_request_method=\"POST\"", "http_route=\"/login\""];
    let with = |status| [&route[..], &[status]].concat();
    assert_eq!(requests(&with("http_response_status_code=\"200\"")), "2", "{metrics}");
    assert_eq!(requests(&with("http_response_status_code=\"400\"")), "1", "{metrics}");
    assert_eq!(requests(&["http_route=\"/credentials\""]), "1", "{metrics}");
    assert_eq!(requests(&["http_route=\"none\"", "\"404\""]), "1", "{metrics}");
    let tokens = |outcome: &str| {
        let outcome = format!("outcome=\"{outcome}\"");
        value("oauth_token_requests_total{", &["grant_type=\"password\"", &outcome])
    };
    assert_eq!((tokens("success"), tokens("invalid_grant")), ("2".into(), "1".into()), "{metrics}");
    assert_eq!(value("password_hash_queue_depth", &[]), "0", "{metrics}");
    assert_ne!(value("db_client_connection_count{", &["state=\"idle\""]), "none", "{metrics}");
    assert!(!metrics.contains("ann@example.com"), "{metrics}");
}

#[tokio::test]
async fn nothing_secret_is_logged_at_any_level() {
    use base64::Engine;
    for format in ["text", "json"] {
        let cli = Cli::new().await;
        let program = cli.command(&[]).env("RUST_LOG", "trace").env("LOG_FORMAT", format);
        let Served { api, process, .. } = serve(program).await;
        register(&api, "ann@example.com").await;
        let body = login(&api, PASSWORD).await.expect(200);
        login(&api, OTHER_PASSWORD).await.expect(400);
        let pair = format!("{CLIENT}:{}", encoded(CLIENT_SECRET));
        let form = [("grant_type", "password"), ("username", "ann@example.com"), ("password", "x")];
        let call = api.post("/token").form(&form).basic(CLIENT, &encoded(CLIENT_SECRET));
        call.header("x-request-id", "the-last-one").send().await.expect(400);
        let bearer = body["access_token"].as_str().unwrap().to_owned();
        api.get("/unknown").bearer(&bearer).send().await.expect(404);
        let stored = database::connect(cli.url()).await;
        let stored = stored.query_one("SELECT password_hash FROM credentials", &[]).await.unwrap();

        let log = process.terminate().await.stderr;

        assert!(log.contains("the-last-one"), "{log}");
        let basic = base64::prelude::BASE64_STANDARD.encode(pair);
        let database_password = cli.url().split([':', '@']).nth(2).unwrap();
        for secret in [
            PASSWORD,
            "correct+horse",
            OTHER_PASSWORD,
            SECRET,
            OLD_SECRET,
            CLIENT_SECRET,
            &encoded(CLIENT_SECRET),
            OLD_CLIENT_SECRET,
            &basic,
            &bearer,
            bearer.rsplit('.').next().unwrap(),
            stored.get("password_hash"),
            database_password,
        ] {
            let line = log.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "{line:?}");
        }
    }
}
