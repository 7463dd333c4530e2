//! Logs: text or JSON, on standard error, which is for people; nothing secret at any level, and
//! an event is one line, whatever somebody typed into it.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt::{self as text, Debug, Display, Write};
use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use tracing::field::{self, Field};
use tracing::{Level, Metadata, Span};
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::fmt::format::{FormatFields, Writer, debug_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, fmt};

use crate::config::LogFormat;

/// Crates that are not heard below a level, whatever `RUST_LOG` says: their finer logs hold what
/// passes through them (statements with their parameters, headers, bodies), or are only noise.
const CAPPED: [(&str, Level); 12] = [
    ("tokio_postgres", Level::WARN),
    ("refinery_core", Level::WARN),
    ("hyper", Level::INFO),
    ("hyper_util", Level::INFO),
    ("h2", Level::INFO),
    ("reqwest", Level::INFO),
    ("rustls", Level::INFO),
    ("warp", Level::INFO),
    ("lettre", Level::INFO),
    ("opentelemetry_sdk", Level::WARN),
    ("opentelemetry-otlp", Level::WARN),
    ("opentelemetry-http", Level::WARN),
];

/// Not heard at all: an error to refinery, and to whoever takes a release back as it should be.
/// `Migrations::apply` says it in its own words.
const UNHEARD: &str = "refinery_core::traits::missing";

/// Starts logging; once a process.
pub fn start(format: LogFormat, filter: EnvFilter) -> Result<(), TryInitError> {
    // Whatever is heard of a request, its span says of which: also of a warning alone.
    let filter = filter.or(filter_fn(is_span_of_ours)).and(filter_fn(is_discreet));
    let is_terminal = std::io::stderr().is_terminal();
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(is_terminal);
    let lines = match format {
        LogFormat::Text => lines.fmt_fields(on_one_line()).with_filter(filter).boxed(),
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_span_list(false);
            lines.with_filter(filter).boxed()
        }
    };
    tracing_subscriber::registry().with(lines).try_init()?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// A panic is an event like any other: one line, in the same format, of the same request.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    // Empty unless `RUST_BACKTRACE` asks for one.
    let backtrace = Backtrace::capture();
    let backtrace =
        (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    tracing::error!(panic = panic.payload_as_str(), location, backtrace, "panicked");
}

/// Every line of this request that follows says that it is this user's.
pub fn user(id: impl Display) {
    Span::current().record("user_id", field::display(id));
}

/// The same of a client.
pub fn client(id: impl Display) {
    Span::current().record("client_id", field::display(id));
}

/// Fields as text. What is printed as it is, an error for instance, could hold a line break, and
/// what follows it would look like an event of its own.
fn on_one_line() -> impl for<'writer> FormatFields<'writer> {
    let field = |writer: &mut Writer<'_>, field: &Field, value: &dyn Debug| {
        if field.name() != "message" {
            write!(writer, "{}=", field.name())?;
        }
        write!(Escaping(writer), "{value:?}")
    };
    debug_fn(field).delimited(" ")
}

/// Writes control characters as their escapes.
struct Escaping<'a, W>(&'a mut W);

impl<W: Write> Write for Escaping<'_, W> {
    fn write_str(&mut self, text: &str) -> text::Result {
        for part in text.split_inclusive(char::is_control) {
            match part.chars().next_back().filter(|last| last.is_control()) {
                Some(last) => {
                    self.0.write_str(&part[..part.len() - last.len_utf8()])?;
                    write!(self.0, "{}", last.escape_default())?;
                }
                None => self.0.write_str(part)?,
            }
        }
        Ok(())
    }
}

fn is_span_of_ours(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target().starts_with(env!("CARGO_PKG_NAME"))
}

fn is_discreet(metadata: &Metadata<'_>) -> bool {
    let cap = CAPPED.iter().find(|(name, _)| {
        let rest = metadata.target().strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    });
    cap.is_none_or(|(_, level)| metadata.level() <= level) && metadata.target() != UNHEARD
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        let written = Written::default();
        let writer = written.clone();
        let lines = fmt::layer().with_writer(move || writer.clone()).with_ansi(false);
        let subscriber = tracing_subscriber::registry().with(lines.fmt_fields(on_one_line()));
        let typed = "a\r\n2026-01-01 ERROR forged\u{1b}[31m\u{85}é";

        tracing::subscriber::with_default(subscriber, || {
            let _span = tracing::info_span!("request", id = %typed).entered();
            tracing::info!(plain = typed, shown = %typed, count = 1, "said {typed}");
        });

        let log = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let line = log.strip_suffix('\n').unwrap();
        assert!(!line.contains(char::is_control), "{line:?}");
        let escaped = r"a\r\n2026-01-01 ERROR forged\u{1b}[31m\u{85}é";
        for part in [format!("said {escaped} "), format!("shown={escaped}"), " count=1".to_owned()]
        {
            assert!(line.contains(&part), "{line} has no {part}");
        }
    }
}
