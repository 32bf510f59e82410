//! Builds the guests of the tests, one constant each.

use otlet_build::{Guest, Kind};

fn main() -> anyhow::Result<()> {
    otlet_build::guests(&[
        Guest {
            package: "guest-bad",
            library: "bad",
            kind: Kind::Contract,
        },
        Guest {
            package: "guest-calls",
            library: "calls",
            kind: Kind::Contract,
        },
        Guest {
            package: "guest-echo",
            library: "echo",
            kind: Kind::Contract,
        },
        Guest {
            package: "guest-stamp",
            library: "stamp",
            kind: Kind::Contract,
        },
        Guest {
            package: "guest-stamp",
            library: "stamp",
            kind: Kind::Module,
        },
        Guest {
            package: "guest-wasi",
            library: "wasi",
            kind: Kind::Wasi,
        },
    ])
}
