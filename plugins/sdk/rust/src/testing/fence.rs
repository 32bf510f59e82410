//! The functions of the contract, on the batch that the harness has in hand.

pub(crate) mod batch {
    use crate::contract::{Leaves, PackedDoubles, PackedIntegers, PackedTexts, Value};

    #[expect(clippy::panic, reason = "stands for a trap")]
    fn nothing_in_hand() -> ! {
        panic!("no batch in hand")
    }
    pub(crate) fn column(_path: &str) -> Result<u32, String> {
        nothing_in_hand()
    }
    pub(crate) fn signal() -> String {
        nothing_in_hand()
    }
    pub(crate) fn rows(_table: &str) -> u32 {
        nothing_in_hand()
    }
    pub(crate) fn parents(_table: &str, _above: &str) -> Vec<u32> {
        nothing_in_hand()
    }
    pub(crate) fn keys(_table: &str) -> Vec<String> {
        nothing_in_hand()
    }
    pub(crate) fn packed(_column: u32) -> PackedTexts {
        nothing_in_hand()
    }
    pub(crate) fn integers(_column: u32) -> PackedIntegers {
        nothing_in_hand()
    }
    pub(crate) fn doubles(_column: u32) -> PackedDoubles {
        nothing_in_hand()
    }
    pub(crate) fn values(_column: u32) -> Vec<Option<Value>> {
        nothing_in_hand()
    }
    pub(crate) fn ids(_column: u32) -> Vec<u8> {
        nothing_in_hand()
    }
    pub(crate) fn get(_column: u32, _row: u32) -> Option<Value> {
        nothing_in_hand()
    }
    pub(crate) fn set_packed(_column: u32, _rows: Option<&[u32]>, _texts: &PackedTexts) {
        nothing_in_hand()
    }
    pub(crate) fn set_values(_column: u32, _rows: Option<&[u32]>, _values: &[Value]) {
        nothing_in_hand()
    }
    pub(crate) fn set_ids(_column: u32, _rows: Option<&[u32]>, _ids: &[u8]) {
        nothing_in_hand()
    }
    pub(crate) fn fill(_column: u32, _rows: Option<&[u32]>, _value: &Value) {
        nothing_in_hand()
    }
    pub(crate) fn unset(_columns: &[u32], _rows: Option<&[u32]>) {
        nothing_in_hand()
    }
    pub(crate) fn copy(_source: u32, _target: u32, _rows: Option<&[u32]>) {
        nothing_in_hand()
    }
    pub(crate) fn retain(_table: &str, _mask: &[u8]) {
        nothing_in_hand()
    }
    pub(crate) fn all_leaves(_tables: &[String], _kinds: &[String]) -> Leaves {
        nothing_in_hand()
    }
    pub(crate) fn replace_leaves(_leaves: &[u32], _texts: &PackedTexts) {
        nothing_in_hand()
    }
    pub(crate) fn to_otlp() -> Vec<u8> {
        nothing_in_hand()
    }
    pub(crate) fn replace_with_otlp(_request: &[u8]) -> Result<(), String> {
        nothing_in_hand()
    }
}

pub(crate) mod host {
    pub(crate) fn log(_level: &str, _message: &str) {}
    pub(crate) fn count(_name: &str, _add: u32) {}
    pub(crate) fn now() -> u64 {
        0
    }
    pub(crate) fn random(len: u32) -> Vec<u8> {
        vec![0; len as usize]
    }
}
