//! METRICS.md lists what there is.

use std::path::Path;

use otlet_tests::backend::Backend;
use otlet_tests::metrics::scrape;

use super::{run, with_lines};

/// The rows of METRICS.md: the name, the kind, the labels and the help of each metric.
fn documented() -> Vec<[String; 4]> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../METRICS.md");
    let page = std::fs::read_to_string(path).unwrap();
    page.lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let mut cells = line
                .split('|')
                .skip(1)
                .map(|cell| cell.trim().replace('`', ""));
            std::array::from_fn(|_| cells.next().unwrap_or_default())
        })
        .collect()
}

#[tokio::test]
async fn the_metrics_are_those_of_metrics_md() {
    let listed: Vec<_> = otlet::metrics::ALL
        .iter()
        .map(|metric| {
            let kind = format!("{:?}", metric.kind).to_lowercase();
            let labels = metric.labels.join(", ").replace('.', "_");
            [
                otlet::metrics::name(metric),
                kind,
                labels,
                metric.help.to_owned(),
            ]
        })
        .collect();
    let row = |[name, kind, labels, help]: &[String; 4]| {
        let labels = labels.split(", ").filter(|label| !label.is_empty());
        let labels: Vec<_> = labels.map(|label| format!("`{label}`")).collect();
        format!("| `{name}` | {kind} | {} | {help} |", labels.join(", "))
    };
    let rows: Vec<_> = listed.iter().map(row).collect();
    let rows = rows.join("\n");
    assert_eq!(documented(), listed, "METRICS.md should have\n{rows}");

    // And all of them are there, but for what only a plugin that counts brings.
    let backend = Backend::start();
    let folder = tempfile::tempdir().unwrap();
    let kept = format!(
        "dead_letters: {{ directory: '{}' }}\n",
        folder.path().join("dead").display()
    );
    let plugins = folder.path().join("plugins");
    std::fs::create_dir(&plugins).unwrap();
    std::fs::write(plugins.join("redact.wasm"), "").unwrap();
    let kept = format!("{kept}plugins: {{ directory: '{}' }}\n", plugins.display());
    let held = with_lines(&backend.endpoint(), "/no/such/file").replacen(
        "exporters: [otlp]",
        "exporters: [groupbytrace, spanmetrics]",
        1,
    ) + "    traces/held: { receivers: [groupbytrace], exporters: [otlp] }
    metrics/made: { receivers: [spanmetrics], exporters: [otlp] }
connectors: { groupbytrace: , spanmetrics: }
";
    let otlet = run(&(held + &kept));
    let scraped = scrape(otlet.admin());
    for [name, kind, _, help] in &listed {
        if name == "otlet_plugin_counts_total" {
            continue;
        }
        let name = name.strip_suffix("_total").unwrap_or(name);
        let family = scraped.families().get(name);
        assert_eq!(
            family.map(|family| (&family.kind, &family.help)),
            Some((kind, help)),
            "{name}"
        );
    }
    assert!(scraped.families().len() <= listed.len());
}
