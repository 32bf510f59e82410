//! The bundled plugins in the sandbox.

use super::super::BUNDLED;
use super::*;

#[test]
fn every_bundled_plugin_loads_without_wasi_and_accepts_an_empty_config() {
    for (name, wasm) in BUNDLED {
        let plugin = load(name, wasm);
        assert!(!plugin.imports_wasi(), "{name}");
        assert!(plugin.version().is_some(), "{name}");
        let processor = processor(&plugin, &json!({}), &Limits::default());
        for batch in [traces(), logs()] {
            processor.process(batch, Place::Worker).unwrap();
        }
    }
}
