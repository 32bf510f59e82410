//! Lines of text for a terminal.

use std::fmt::{Arguments, Display};

use opentelemetry_proto::tonic::common::v1::KeyValue;

use super::value::Typed;
use crate::date;

/// Lines in the making. **Invariant**: no control character but the ends of its lines.
#[derive(Default)]
pub(super) struct Text(String);

impl Text {
    /// Adds a line.
    pub(super) fn line(&mut self, indent: usize, line: Arguments<'_>) {
        self.0.extend(std::iter::repeat_n(' ', indent));
        for c in line.to_string().chars() {
            if c.is_control() {
                self.0.extend(c.escape_default());
            } else {
                self.0.push(c);
            }
        }
        self.0.push('\n');
    }

    /// Adds a named field.
    pub(super) fn field(&mut self, indent: usize, name: &str, value: impl Display) {
        self.line(indent, format_args!("{name}: {value}"));
    }

    /// Adds a named time, unless it is unknown.
    pub(super) fn time(&mut self, indent: usize, name: &str, nanos: u64) {
        if nanos != 0 {
            self.field(indent, name, date::format_nanos(nanos));
        }
    }

    /// Adds a named text, unless it is empty.
    pub(super) fn text(&mut self, indent: usize, name: &str, value: &str) {
        if !value.is_empty() {
            self.field(indent, name, value);
        }
    }

    /// Adds a named number, unless it is zero.
    pub(super) fn count(&mut self, indent: usize, name: &str, value: u32) {
        if value != 0 {
            self.field(indent, name, value);
        }
    }

    /// Adds attributes below a heading, and how many its sender dropped.
    pub(super) fn attributes(
        &mut self,
        indent: usize,
        name: &str,
        attributes: &[KeyValue],
        dropped: u32,
    ) {
        if !attributes.is_empty() {
            self.line(indent, format_args!("{name}:"));
        }
        for attribute in attributes {
            let value = Typed(attribute.value.as_ref());
            self.line(indent + 2, format_args!("-> {}: {value}", attribute.key));
        }
        self.count(indent, "dropped attributes", dropped);
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}
