//! The `debug` exporter: prints what a person can read. It decodes with prost, and is not for the hot path.
//!
//! What it prints comes from outside, so no control character reaches the terminal. Printing happens on a thread where it
//! may block, since whoever reads the output may be slow: one thread for all, so that those that wait for their turn take none
//! from the others that need such a thread.

mod metrics;
mod records;
mod text;
mod value;
mod view;

#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::Verbosity;
use super::answer::Accepted;
use super::prepared::Prepared;
use crate::batch::Signal;
use crate::payload::PREFIX;
use bytes::Bytes;
use text::Text;
use view::Request;

/// Where the `debug` exporters print. Clones are the same place.
#[derive(Clone)]
pub struct Output(Arc<Mutex<dyn Write + Send>>);

/// Prints requests.
pub(super) struct Printer {
    name: Arc<str>,
    verbosity: Verbosity,
    output: Output,
}

impl Output {
    /// The standard output.
    pub fn stdout() -> Self {
        Self::to(io::stdout())
    }

    /// Any other place, such as the buffer of a test.
    pub fn to(writer: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(writer)))
    }
}

impl Printer {
    pub(super) fn new(name: &str, verbosity: Verbosity, output: Output) -> Self {
        Self {
            name: name.into(),
            verbosity,
            output,
        }
    }

    /// Prints a request. An output that is gone is no reason to refuse telemetry, nor to end otlet.
    pub(super) async fn print(&self, prepared: &Prepared) -> Accepted {
        let (signal, verbosity) = (prepared.signal, self.verbosity);
        let message = prepared.framed.slice(PREFIX.min(prepared.framed.len())..);
        let mut writer = Arc::clone(&self.output.0).lock_owned().await;
        let print = move || {
            writer.write_all(describe(signal, &message, verbosity).as_bytes())?;
            writer.flush()
        };
        let error = match spawn_blocking(print).await {
            Ok(Ok(())) => return Accepted::default(),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::debug!(
            exporter = &*self.name,
            error,
            "the output cannot be written"
        );
        Accepted::default()
    }
}

/// What is printed for a request.
fn describe(signal: Signal, message: &Bytes, verbosity: Verbosity) -> String {
    let mut text = Text::default();
    match Request::decode(signal, message) {
        Ok(request) => {
            records::summary(&mut text, &request);
            match verbosity {
                Verbosity::Basic => {}
                Verbosity::Normal => records::normal(&mut text, &request),
                Verbosity::Detailed => records::detailed(&mut text, &request),
            }
        }
        Err(error) => text.line(
            0,
            format_args!(
                "{}: {} bytes that are no request: {error}",
                signal.name(),
                message.len()
            ),
        ),
    }
    text.into_string()
}
