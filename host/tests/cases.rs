//! The golden cases of every bundled plugin, run in the sandbox: the components inside the binary over wire bytes.

use std::path::Path;
use std::sync::Arc;

use otlet::batch::{Batch, Signal};
use otlet::plugin::{BUNDLED, Engine, Failure, Place, Plugin, Processor, Sandbox};
use otlet_plugin::Error;
use otlet_plugin::testing::Request;
use serde_json::Value;

#[path = "../../plugins/cases.rs"]
mod cases;

#[test]
fn every_case_comes_out_of_the_sandbox_as_written_by_hand() {
    let engine = Engine::new(1).expect("an engine");
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins");
    for (name, wasm) in BUNDLED {
        let plugin = Arc::new(Plugin::load(&engine, name, wasm).expect("a bundled plugin"));
        cases::run(packages.join(name), |config, request| {
            sandboxed(&plugin, &config, &request)
        });
    }
}

/// What the plugin makes of a request, from its bytes to those that leave.
fn sandboxed(plugin: &Arc<Plugin>, config: &Value, request: &Request) -> Result<Request, Error> {
    let plugin = Arc::clone(plugin);
    let processor = Processor::new(plugin, "case", config, &Sandbox::default(), None)?;
    let signal = request.signal();
    let host_signal = Signal::ALL
        .into_iter()
        .find(|host| host.name() == signal.name())
        .expect("otlet has every signal");
    let mut batch = Batch::new(host_signal, request.to_protobuf().into())?;
    if processor.takes(host_signal) {
        batch = processor
            .process(batch, Place::Worker)
            .map_err(|failure| match failure {
                Failure::Failed { reason, .. } => Error::new(reason),
                Failure::Slow(_) | Failure::Busy(_) => Error::new("a worker waits"),
            })?;
    }
    Request::from_protobuf(signal, &batch.splice(0))
}
