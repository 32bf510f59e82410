//! What a component may be made of: core instances, memories and tables, as many as there may be and one more.

use super::super::Problem;
use super::super::engine::{CORE_INSTANCES, MEMORIES, TABLES};
use super::*;

const COMPONENT: usize = 8;
const CORE_MODULE: u8 = 1;
const CORE_INSTANCE: u8 = 2;

/// The start of every core module.
const MODULE: [u8; 8] = *b"\0asm\x01\0\0\0";

/// A number as WebAssembly has it.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = vec![];
    loop {
        let low = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id], leb(content.len()).as_slice(), content].concat()
}

/// The number at the start of the bytes, and its length.
fn number(bytes: &[u8]) -> (usize, usize) {
    let len = 1 + bytes.iter().take_while(|byte| **byte >= 0x80).count();
    let digits = bytes[..len].iter().rev();
    let number = digits.fold(0, |number, byte| number << 7 | usize::from(byte & 0x7f));
    (number, len)
}

/// The core modules in a component; each is instantiated once.
fn modules(component: &[u8]) -> usize {
    let (mut rest, mut modules) = (&component[COMPONENT..], 0);
    while let Some((id, sized)) = rest.split_first() {
        let (size, len) = number(sized);
        modules += usize::from(*id == CORE_MODULE);
        rest = &sized[len + size..];
    }
    modules
}

/// The guest with one core module more, of which there are so many instances.
fn with_instances(module: &[u8], instances: usize) -> Vec<u8> {
    let module = [&MODULE, module].concat();
    let index = leb(modules(guests::BAD));
    // Instantiated, with no arguments.
    let one = [&[0], index.as_slice(), &[0]].concat();
    let all = [leb(instances), one.repeat(instances)].concat();
    let more = [section(CORE_MODULE, &module), section(CORE_INSTANCE, &all)];
    [guests::BAD, &more.concat()].concat()
}

fn works(wasm: &[u8]) {
    let plugin = load("bad", wasm);
    let processor = processor(&plugin, &json!({"vice": "none"}), &Limits::default());
    let batch = processor.process(traces(), Place::Worker).unwrap();
    assert!(!batch.is_untouched());
}

fn is_refused(wasm: &[u8], reason: &str) {
    let error = Plugin::load(&ENGINE, "bad", wasm).unwrap_err();
    assert!(matches!(error.problem, Problem::Component(_)), "{error}");
    assert!(error.to_string().contains(reason), "{error}");
}

#[test]
fn a_component_has_so_many_core_instances_and_no_more() {
    let room = CORE_INSTANCES as usize - modules(guests::BAD);
    works(&with_instances(&[], room));
    is_refused(&with_instances(&[], room + 1), "65 core module instances");
}

/// Holds that with one instance more than some the guest is refused for this reason, and that it works with those.
fn fills_up(module: &[u8], most: u32, reason: &str) {
    let is_refused_with = |more: &usize| {
        let wasm = with_instances(module, *more);
        Plugin::load(&ENGINE, "bad", &wasm).is_err()
    };
    let first = (1..=most as usize).find(is_refused_with).unwrap();
    works(&with_instances(module, first - 1));
    is_refused(&with_instances(module, first), reason);
}

#[test]
fn a_component_has_so_many_memories_and_no_more() {
    // One of a page at the least.
    fills_up(&section(5, &[1, 0, 1]), MEMORIES, "5 Wasm linear memories");
}

/// A core module with a table of functions of this size.
fn table(elements: usize) -> Vec<u8> {
    let table = [&[1, 0x70, 0], leb(elements).as_slice()].concat();
    section(4, &table)
}

#[test]
fn a_component_has_so_many_tables_and_no_more() {
    fills_up(&table(1), TABLES, "9 tables");
}

#[test]
fn a_table_begins_with_so_many_elements_and_no_more() {
    works(&with_instances(&table(20_000), 1));
    is_refused(
        &with_instances(&table(20_001), 1),
        "exceeds the limit of 20000",
    );
}
