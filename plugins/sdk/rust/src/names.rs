//! What the contract names by strings: signals, tables, kinds of leaves. Types here, so that a typo does not compile.

use std::fmt;

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$case_doc:meta])* $case:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name { $($(#[$case_doc])* $case,)* }

        impl $name {
            /// Every one that this version of the contract has.
            pub const ALL: &[Self] = &[$(Self::$case),*];

            /// Its name in the contract.
            pub fn name(self) -> &'static str {
                match self { $(Self::$case => $text,)* }
            }

            /// The one with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$case),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

names! {
    /// One of OpenTelemetry's kinds of telemetry.
    Signal {
        /// Spans.
        Traces = "traces",
        /// Data points.
        Metrics = "metrics",
        /// Log records.
        Logs = "logs",
    }
}

names! {
    /// A level of OTLP's tree. A signal that lacks a table has no rows in it.
    Table {
        /// What the telemetry comes from: a service, a host.
        Resource = "resource",
        /// The instrumentation that made it.
        Scope = "scope",
        /// A metric, which has data points.
        Metric = "metric",
        /// A span, a log record or a data point of any kind.
        Record = "record",
        /// An event of a span.
        Event = "event",
        /// A link of a span.
        Link = "link",
        /// An exemplar of a data point.
        Exemplar = "exemplar",
    }
}

names! {
    /// What stands in a leaf.
    Kind {
        /// A string.
        Text = "text",
        /// The key of an attribute or of a map's entry.
        Key = "key",
        /// An integer.
        Integer = "integer",
        /// A double.
        Double = "double",
        /// A boolean.
        Boolean = "boolean",
        /// Bytes.
        Bytes = "bytes",
    }
}
