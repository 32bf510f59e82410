//! The whole program within the test's process, with the plugins that the test brings.

use otlet::app::{self, App};
use otlet::config;
use otlet::plugin::BUNDLED;
use otlet_tests::program::cache;
use otlet_tests::sender::Sender;

/// Where the program is, and what it compiled beside it.
const OTLET: &str = env!("CARGO_BIN_EXE_otlet");

/// Starts a config with the bundled plugins and these.
pub(crate) fn start(config: &str, guests: &[(&'static str, &'static [u8])]) -> App {
    let available: Vec<_> = BUNDLED.iter().chain(guests).copied().collect();
    let draft = config::parse("test.yaml", config.as_bytes(), &|_| None);
    let registry = app::registry(&draft, &available, Some(cache(OTLET)), None).unwrap();
    let prepared = app::prepare(draft, &registry);
    App::start(prepared.unwrap_or_else(|report| panic!("{}", report.render(false)))).unwrap()
}

/// A sender to the receiver at `index`, over gRPC.
pub(crate) fn grpc(app: &App, index: usize) -> Sender {
    Sender::grpc(app.receivers()[index].grpc().unwrap().address())
}
