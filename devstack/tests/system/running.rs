//! A service on a runtime of its own, so that it can die as a process does: at once, between any
//! two of its steps.

use chassis::config::HttpConfig;
use chassis::{Server, Service};
use devstack_testkit::http::Call;
use devstack_testkit::wait::DEADLINE;
use devstack_testkit::{Api, eventually};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A service; it dies when this value is dropped.
pub(crate) struct Running {
    /// Its public side.
    pub(crate) api: Api,
    stop: CancellationToken,
    run: JoinHandle<()>,
    /// `None` once it has ended.
    runtime: Option<Runtime>,
}

impl Running {
    /// A service that is ready.
    pub(crate) async fn start(
        http: HttpConfig,
        service: impl FnOnce() -> Service + Send + 'static,
    ) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (bound, addresses) = oneshot::channel();
        let stop = CancellationToken::new();
        let shutdown = stop.clone();
        let run = runtime.spawn(async move {
            let server = Server::bind(http).await.unwrap();
            bound.send((server.addr(), server.ops_addr())).unwrap();
            server.run(service(), shutdown).await;
        });
        let (addr, ops_addr) = addresses.await.unwrap();
        let ops = Api::at(ops_addr);
        eventually("the service is ready", async || {
            let answer = ops.get("/health/ready").send().await;
            (answer.status == 200).then_some(())
        })
        .await;
        Self { api: Api::at(addr), stop, run, runtime: Some(runtime) }
    }

    /// Ends as at a SIGTERM: what runs is finished.
    pub(crate) async fn stop(&mut self) {
        self.stop.cancel();
        (&mut self.run).await.unwrap();
        self.die().await;
    }

    /// Ends as at a SIGKILL: nothing is finished.
    pub(crate) async fn die(&mut self) {
        let (done, ended) = oneshot::channel();
        if let Some(runtime) = self.runtime.take() {
            std::thread::spawn(move || {
                runtime.shutdown_timeout(DEADLINE);
                done.send(())
            });
            ended.await.unwrap();
        }
    }

    /// `POST /user/`, where this is a shop.
    pub(crate) fn registration(&self, name: &str, email: &str, password: &str) -> Call {
        let wanted = json!({ "name": name, "email": email, "password": password });
        self.api.post("/user/").json(&wanted)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
