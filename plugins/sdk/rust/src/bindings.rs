//! What wit-bindgen makes of the contract, alone in this file. The rest of the crate speaks to it through `fence`.

#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    missing_docs,
    unsafe_code,
    unreachable_pub,
    unused_qualifications,
    reason = "generated"
)]

wit_bindgen::generate!({
    path: "../../../wit",
    world: "plugin",
    with: { "otlet:plugin/types@0.1.0": crate::contract },
    pub_export_macro: true,
    runtime_path: "::otlet_plugin::__private::wit_bindgen::rt",
});
