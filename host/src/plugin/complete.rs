//! Makes a component of a core module, which is what most languages' tools give: so that a file of the plugin directory may be
//! either, and nobody needs tools beside those of their language.
//!
//! A module may say in a custom section which world it is of, as those with bindings of wit-bindgen do. One that says nothing is
//! taken for one of the contract's world `plugin` if it has its exports. What it imports of `wasi_snapshot_preview1` it gets from
//! otlet's own adapter, `complete/preview1.wat`.
//!
//! Not for loading: what comes of it is compiled and held to the contract as any component is.
//!
//! **Invariant**: the same module always makes the same component.

mod guard;
mod survey;

use std::borrow::Cow;

use wit_component::ComponentEncoder;

use self::survey::Survey;

/// The module that the adapter stands for.
const PREVIEW1: &str = "wasi_snapshot_preview1";

/// The adapter, with the type of its imports.
const ADAPTER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/preview1.wasm"));

/// The custom section that says: of the contract's world `plugin`, with texts in UTF-8.
pub(super) const WORLD: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/plugin.world"));

/// How every core module begins; a component has another version.
const MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// The component that a core module makes; anything else is left as it is. The error says what is wrong with the module and what
/// to do.
pub(super) fn component(wasm: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    if !wasm.starts_with(MODULE) {
        return Ok(Cow::Borrowed(wasm));
    }
    let survey = Survey::of(wasm)?;
    survey.check()?;
    let mut module = Cow::Borrowed(wasm);
    if survey.needs_adapter() {
        module = Cow::Owned(guard::guarded(wasm)?);
    }
    if !survey.has_world() {
        module.to_mut().extend(WORLD);
    }
    encode(&module, survey.needs_adapter())
        .map(Cow::Owned)
        .map_err(|error| format!("{error:#}"))
}

fn encode(module: &[u8], needs_adapter: bool) -> anyhow::Result<Vec<u8>> {
    let mut encoder = ComponentEncoder::default();
    encoder.module(module)?;
    if needs_adapter {
        encoder.adapter(PREVIEW1, ADAPTER)?;
    }
    encoder.encode()
}
