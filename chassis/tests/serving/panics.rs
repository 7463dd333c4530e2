//! A panic in the log. Logging begins once a process, so the test starts itself again as one.

use std::process::{Command, Output};

use chassis::config::LogFormat;
use chassis::log;
use reqwest::{Client, StatusCode};
use serde_json::Value;

use crate::stage::Running;

/// How the process logs that panics; without it, this is the test.
const FORMAT: &str = "PANIC_IN_FORMAT";

/// Serves a request that panics, and one more.
async fn panic_in(format: LogFormat) {
    log::start(format, "info".parse().unwrap()).unwrap();
    let service = Running::serving().await;
    let panicking = Client::new().get(format!("http://{}/panic", service.addr));

    let panicked = panicking.header("x-request-id", "the-doomed-one").send().await.unwrap();

    assert_eq!(panicked.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(service.get("/quick").await.status(), StatusCode::OK);
}

fn start_again(format: &str) -> Output {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", "panics::a_panic_is_one_line_of_the_log_and_names_its_request"]);
    program.arg("--nocapture").env(FORMAT, format).env_remove("RUST_BACKTRACE");
    program.output().unwrap()
}

#[tokio::test]
async fn a_panic_is_one_line_of_the_log_and_names_its_request() {
    if let Some(format) = std::env::var_os(FORMAT) {
        return panic_in(format.to_str().unwrap().parse().unwrap()).await;
    }

    for format in ["text", "json"] {
        let ended = start_again(format);

        let log = String::from_utf8(ended.stderr).unwrap();
        assert!(ended.status.success(), "{log}");
        let line = log.lines().find(|line| line.contains("stage.rs:")).unwrap();
        for part in ["as this test wants it", "the-doomed-one", "ERROR"] {
            assert!(line.contains(part), "{part}: {line}");
        }
        for line in log.lines() {
            let is_event = match format {
                "json" => serde_json::from_str::<Value>(line).is_ok(),
                _ => line.starts_with("20"),
            };
            assert!(is_event, "{line}");
        }
    }
}
