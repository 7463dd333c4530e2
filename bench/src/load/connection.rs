//! HTTP/1.1 on one kept connection.
//!
//! A general client costs more CPU time a request than the services do, on the same processors.
//! This one sends bytes that are ready and reads an answer of a known length.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use httparse::{EMPTY_HEADER, Response, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const HEADERS_MAX: usize = 32;
const ANSWER_MAX: usize = 4 << 20;

/// A connection; it is made with the first call, and again where the server has closed it.
pub(crate) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    answer: Vec<u8>,
}

/// The head of an answer.
struct Head {
    status: u16,
    /// Its own bytes, and those of the body.
    length: usize,
    body: usize,
    closes: bool,
}

impl Connection {
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self { address, stream: None, answer: Vec::with_capacity(16 << 10) }
    }

    /// Sends a request, and gives the body of the answer, which must have this status.
    pub(crate) async fn call(&mut self, request: &[u8], status: u16) -> Result<&[u8]> {
        let mut stream = match self.stream.take().filter(is_open) {
            Some(stream) => stream,
            None => connect(self.address).await?,
        };
        stream.write_all(request).await.context("cannot send")?;
        self.answer.clear();
        let head = loop {
            read(&mut stream, &mut self.answer).await?;
            if let Some(head) = Head::parse(&self.answer)? {
                break head;
            }
        };
        let end = head.length + head.body;
        ensure!(end <= ANSWER_MAX, "an answer of {end} bytes");
        while self.answer.len() < end {
            read(&mut stream, &mut self.answer).await?;
        }
        if !head.closes {
            self.stream = Some(stream);
        }
        let body = self.answer.get(head.length..end).unwrap_or_default();
        if head.status != status {
            let said = String::from_utf8_lossy(body);
            bail!("{} where {status} was expected: {}", head.status, said.trim());
        }
        Ok(body)
    }
}

/// Whether the server has not closed it since the last answer.
fn is_open(stream: &TcpStream) -> bool {
    let read = stream.try_read(&mut [0]);
    read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).await;
    let stream = stream.with_context(|| format!("cannot connect to {address}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn read(stream: &mut TcpStream, into: &mut Vec<u8>) -> Result<()> {
    let read = stream.read_buf(into).await.context("cannot read")?;
    ensure!(read > 0, "the server closed the connection before it had answered");
    Ok(())
}

impl Head {
    /// `None` where there is more to come.
    fn parse(answer: &[u8]) -> Result<Option<Self>> {
        let mut headers = [EMPTY_HEADER; HEADERS_MAX];
        let mut response = Response::new(&mut headers);
        let Status::Complete(length) = response.parse(answer).context("no HTTP")? else {
            return Ok(None);
        };
        let value = |name: &str| {
            let header = response.headers.iter().find(|one| one.name.eq_ignore_ascii_case(name));
            header.and_then(|header| std::str::from_utf8(header.value).ok())
        };
        let status = response.code.context("an answer without a status")?;
        let body = match value("content-length") {
            Some(length) => length.parse().context("no length")?,
            None if status == 204 => 0,
            None => bail!("an answer without a length"),
        };
        let closes = value("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        Ok(Some(Self { status, length, body, closes }))
    }
}
