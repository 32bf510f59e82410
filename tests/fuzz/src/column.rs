//! The path of a column, in OTTL.

use otlet::batch::Column;
use otlet_plugin::testing::model;

use crate::Target;

/// A path is taken where the contract's model takes it.
pub const TARGET: Target = Target {
    name: "column",
    run,
    seeds,
    choices: 0..0,
    words: &[
        "span.",
        "log.",
        "attributes",
        "metadata",
        "[\"",
        "\"]",
        "\\\"",
        "\\\\",
        ".",
        "as_int",
        "\u{e9}",
    ],
};

fn run(data: &[u8]) -> bool {
    let Ok(path) = str::from_utf8(data) else {
        return false;
    };
    let (opened, model) = (Column::parse(path), model::Column::parse(path));
    assert_eq!(opened.is_ok(), model.is_ok(), "{opened:?}, {model:?}");
    opened.is_ok()
}

fn seeds() -> Vec<Vec<u8>> {
    let paths = [
        "span.status.code",
        "datapoint.as_double",
        "resource.attributes[\"service.name\"]",
        "metric.metadata[\"a \\\"b\\\" \\\\\"]",
        "exemplar.filtered_attributes[\"\"]",
        "record.attributes[0]",
    ];
    paths.map(Vec::from).into()
}
