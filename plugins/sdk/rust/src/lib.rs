//! Write an otlet plugin in Rust.
//!
//! A plugin is a struct with a typed config, one `process` and one line of macro:
//!
//! ```
//! use otlet_plugin::{Batch, Column, Error, Manifest, Plugin, Signal, Table, TextEdits};
//!
//! /// What stands under the processor's `config`.
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Config {
//!     /// The attribute to put in upper case.
//!     key: String,
//! }
//!
//! struct Upper {
//!     column: Column,
//! }
//!
//! impl Plugin for Upper {
//!     type Config = Config;
//!
//!     fn manifest() -> Manifest {
//!         Manifest::new("1.0.0").signals([Signal::Traces, Signal::Logs])
//!     }
//!
//!     fn new(config: Config) -> Result<Self, Error> {
//!         if config.key.is_empty() {
//!             return Err("key: is empty, name an attribute".into());
//!         }
//!         Ok(Self { column: Column::attribute(Table::Record, &config.key)? })
//!     }
//!
//!     fn process(&mut self, batch: &mut Batch) -> Result<(), Error> {
//!         let mut edits = TextEdits::new();
//!         for (row, text) in batch.texts(&self.column).present() {
//!             edits.push(row, &text.to_uppercase());
//!         }
//!         batch.set_texts(&self.column, &edits);
//!         Ok(())
//!     }
//! }
//!
//! otlet_plugin::export!(Upper);
//! ```

// The generated bindings name this crate as a plugin would.
#[cfg(target_family = "wasm")]
extern crate self as otlet_plugin;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod batch;
mod column;
mod config;
mod contract;
mod edit;
mod error;
mod fence;
pub mod host;
mod leaves;
mod mask;
mod names;
mod plugin;
mod read;
mod value;

#[cfg(not(target_family = "wasm"))]
pub mod testing;

#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod bindings;
#[cfg(target_family = "wasm")]
mod guest;

pub use batch::Batch;
pub use column::Column;
pub use edit::{AttributeEdits, LeafEdits, Rows, TextEdits, TextWriter};
pub use error::Error;
pub use leaves::{Leaf, Leaves, Place};
pub use mask::Mask;
pub use names::{Kind, Signal, Table};
pub use plugin::{Manifest, OnError, Plugin};
pub use read::{Doubles, Ids, Integers, SpanIds, Texts, TraceIds};
pub use value::Value;

/// What [`export!`] expands to needs these; nobody else does.
#[doc(hidden)]
pub mod __private {
    #[cfg(target_family = "wasm")]
    pub use crate::guest::Slot;
    pub use crate::plugin::describe;
    #[cfg(target_family = "wasm")]
    pub use wit_bindgen;
}

/// Makes the crate a component of this [`Plugin`]: `otlet_plugin::export!(Upper);`. Once in a crate, which has
/// `crate-type = ["cdylib", "rlib"]`: the first for the component, the second for tests.
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            ::std::thread_local! {
                static SLOT: $crate::__private::Slot<$plugin> = const { $crate::__private::Slot::empty() };
            }

            struct Component;

            impl $crate::bindings::exports::otlet::plugin::processor::Guest for Component {
                fn describe() -> ::std::string::String {
                    $crate::__private::describe::<$plugin>()
                }

                fn configure(
                    config: ::std::string::String,
                ) -> ::std::result::Result<(), ::std::string::String> {
                    SLOT.with(|slot| slot.configure(&config))
                }

                fn process() -> ::std::result::Result<(), ::std::string::String> {
                    SLOT.with(|slot| slot.process())
                }
            }

            $crate::bindings::export!(Component with_types_in $crate::bindings);
        };

        // Natively there is nothing to export, but it must be a plugin all the same.
        #[cfg(not(target_family = "wasm"))]
        const _: fn() -> ::std::string::String = $crate::__private::describe::<$plugin>;
    };
}
