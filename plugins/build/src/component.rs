//! Makes a component of a core module, and holds it to the contract.

use anyhow::{Result, bail};
use wit_component::{ComponentEncoder, DecodedWasm};

/// The interfaces that a guest of the contract may import.
const CONTRACT: [&str; 2] = ["otlet:plugin/batch@0.1.0", "otlet:plugin/host@0.1.0"];

/// The types in the contract's interfaces, which a component names when it uses them.
const TYPES: &str = "otlet:plugin/types@0.1.0";

/// The interface that a guest of the contract exports.
const PROCESSOR: &str = "otlet:plugin/processor@0.1.0";

/// A component of a core module in which wit-bindgen left the type of its world.
pub(crate) fn of_module(module: &[u8]) -> Result<Vec<u8>> {
    let component = ComponentEncoder::default()
        .validate(true)
        .module(module)?
        .encode()?;
    assert_contract(&component)?;
    Ok(component)
}

fn assert_contract(component: &[u8]) -> Result<()> {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component)? else {
        bail!("it is a WIT package and no component");
    };
    let Some(world) = resolve.worlds.get(world) else {
        bail!("it has no world");
    };
    for key in world.imports.keys() {
        let name = resolve.name_world_key(key);
        if !CONTRACT.contains(&name.as_str()) && name != TYPES {
            bail!("it imports {name}, which is not the contract's");
        }
    }
    if !world
        .exports
        .keys()
        .any(|key| resolve.name_world_key(key) == PROCESSOR)
    {
        bail!("it does not export {PROCESSOR}: is the SDK's `export!` line missing?");
    }
    Ok(())
}
