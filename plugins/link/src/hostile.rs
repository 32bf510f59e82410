//! Texts that mean harm, for the tests of what reads them: `tests/fixtures/hostile.json` has how they begin and what they repeat.

use serde_json::Value;

/// The bytes of a text: more than anything looks ahead or behind.
const LEN: usize = 4 << 10;

/// Those of this name.
pub(crate) fn hostile(name: &str) -> Vec<String> {
    let fixture = include_str!("../../../tests/fixtures/hostile.json");
    let fixture: Value = serde_json::from_str(fixture).expect("the fixture is JSON");
    let list = |key: &str| -> Vec<&str> {
        let list = fixture[name][key]
            .as_array()
            .expect("the fixture has a list");
        list.iter().filter_map(Value::as_str).collect()
    };
    let (starts, patterns) = (list("starts"), list("patterns"));
    let texts = starts.iter().flat_map(|start| {
        let text = |pattern: &&str| [start, pattern.repeat(LEN / pattern.len()).as_str()].concat();
        patterns.iter().map(text).collect::<Vec<_>>()
    });
    texts.collect()
}
