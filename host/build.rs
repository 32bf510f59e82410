//! Builds the bundled plugins, which `plugin::bundled` embeds.

use otlet_build::{Guest, Kind};

/// The bundled plugins: the package of each and its library.
const BUNDLED: [(&str, &str); 4] = [
    ("plugin-enrich", "enrich"),
    ("plugin-link", "link"),
    ("plugin-redact", "redact"),
    ("plugin-sample", "sample"),
];

fn main() -> anyhow::Result<()> {
    let guests: Vec<_> = BUNDLED
        .iter()
        .map(|&(package, library)| Guest {
            package,
            library,
            kind: Kind::Contract,
        })
        .collect();
    otlet_build::guests(&guests)
}
