//! The wire between the shop and the auth service. It passes every request on to the real service,
//! and breaks where a test says so.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use devstack_testkit::wait::DEADLINE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A wire that leads to an auth service, whether that runs or not.
pub(crate) struct Wire {
    addr: SocketAddr,
    state: Arc<State>,
}

struct State {
    auth: Mutex<SocketAddr>,
    /// What happens to the next requests, one each; then all pass.
    faults: Mutex<VecDeque<Fault>>,
    /// Every request that came, as text.
    seen: Mutex<Vec<String>>,
}

enum Fault {
    CutRequest,
    CutAnswer,
    HoldRequest(Holder),
    HoldAnswer(Holder),
}

/// The wire's end of a [`Held`].
struct Holder {
    arrived: oneshot::Sender<()>,
    released: oneshot::Receiver<()>,
    status: oneshot::Sender<u16>,
}

/// A request or an answer that waits on the wire; lost when this is dropped.
pub(crate) struct Held {
    arrived: oneshot::Receiver<()>,
    release: oneshot::Sender<()>,
    status: oneshot::Receiver<u16>,
}

impl Wire {
    /// A wire to the auth service at this address.
    pub(crate) async fn to(auth: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let state = State { auth: auth.into(), faults: Mutex::default(), seen: Mutex::default() };
        let state = Arc::new(state);
        let serving = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((shop, _)) = listener.accept().await {
                tokio::spawn(serve(shop, Arc::clone(&serving)));
            }
        });
        Self { addr, state }
    }

    /// Where the shop finds it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Leads to another one from now on.
    pub(crate) fn lead_to(&self, auth: SocketAddr) {
        *self.state.auth.lock().unwrap() = auth;
    }

    /// As many requests never reach auth.
    pub(crate) fn cut_requests(&self, count: usize) {
        (0..count).for_each(|_| self.add(Fault::CutRequest));
    }

    /// The answers to as many requests never reach the shop.
    pub(crate) fn cut_answers(&self, count: usize) {
        (0..count).for_each(|_| self.add(Fault::CutAnswer));
    }

    /// The next request waits before auth sees it.
    pub(crate) fn hold_request(&self) -> Held {
        let (holder, held) = hold();
        self.add(Fault::HoldRequest(holder));
        held
    }

    /// The answer to the next request waits before the shop sees it.
    pub(crate) fn hold_answer(&self) -> Held {
        let (holder, held) = hold();
        self.add(Fault::HoldAnswer(holder));
        held
    }

    fn add(&self, fault: Fault) {
        self.state.faults.lock().unwrap().push_back(fault);
    }

    /// The requests so far that begin so, each as it came.
    pub(crate) fn seen(&self, beginning: &str) -> Vec<String> {
        let seen = self.state.seen.lock().unwrap();
        seen.iter().filter(|request| request.starts_with(beginning)).cloned().collect()
    }
}

fn hold() -> (Holder, Held) {
    let (arrived, arrival) = oneshot::channel();
    let (release, released) = oneshot::channel();
    let (status, answered) = oneshot::channel();
    let holder = Holder { arrived, released, status };
    (holder, Held { arrived: arrival, release, status: answered })
}

impl Held {
    /// Waits until it is on the wire.
    pub(crate) async fn arrived(&mut self) {
        timeout(DEADLINE, &mut self.arrived).await.unwrap().unwrap();
    }

    /// Lets it pass to an auth service that may die over it.
    pub(crate) fn let_go(self) {
        let _ = self.release.send(());
    }

    /// Lets it pass, and gives the status with which auth answered.
    pub(crate) async fn release(self) -> u16 {
        self.release.send(()).unwrap();
        timeout(DEADLINE, self.status).await.unwrap().unwrap()
    }
}

/// Serves the shop's requests on one connection; `None` closes it.
async fn serve(mut shop: TcpStream, state: Arc<State>) -> Option<()> {
    loop {
        let request = read(&mut shop).await?;
        state.seen.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
        let fault = state.faults.lock().unwrap().pop_front();
        let answer = match fault {
            None => state.pass(&request).await?,
            Some(Fault::CutRequest) => return None,
            Some(Fault::CutAnswer) => {
                state.pass(&request).await?;
                return None;
            }
            Some(Fault::HoldRequest(holder)) => {
                let _ = holder.arrived.send(());
                holder.released.await.ok()?;
                let answer = state.pass(&request).await?;
                let _ = holder.status.send(status(&answer));
                answer
            }
            Some(Fault::HoldAnswer(holder)) => {
                let answer = state.pass(&request).await?;
                let _ = holder.arrived.send(());
                holder.released.await.ok()?;
                let _ = holder.status.send(status(&answer));
                answer
            }
        };
        shop.write_all(&answer).await.ok()?;
    }
}

impl State {
    /// The real service's answer; `None` where there is none.
    async fn pass(&self, request: &[u8]) -> Option<Vec<u8>> {
        let auth = *self.auth.lock().unwrap();
        let mut auth = TcpStream::connect(auth).await.ok()?;
        auth.write_all(request).await.ok()?;
        read(&mut auth).await
    }
}

/// One message of HTTP/1.1 whose length is announced, or nothing.
pub(crate) async fn read(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    let head = loop {
        if let Some(end) = message.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut message).await.ok()? == 0 {
            return None;
        }
    };
    let length = String::from_utf8_lossy(&message[..head])
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, length)| length.parse().unwrap());
    while message.len() < head + length {
        if stream.read_buf(&mut message).await.ok()? == 0 {
            return None;
        }
    }
    Some(message)
}

/// The status of an answer.
fn status(answer: &[u8]) -> u16 {
    let line = String::from_utf8_lossy(answer);
    line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap()
}
