//! `otlet demo`, as a newcomer runs it.

use otlet_tests::program::command;

fn demo(seed: u64) -> String {
    let output = command(env!("CARGO_BIN_EXE_otlet"))
        .args(["demo", "--seed", &seed.to_string()])
        .output()
        .expect("otlet runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("the report is text")
}

/// The numbers behind the first word of a line.
fn numbers(report: &str, line: &str) -> Vec<u64> {
    let line = report
        .lines()
        .find(|text| text.starts_with(line))
        .expect("the report has the line");
    line.split_whitespace()
        .filter_map(|word| word.trim_end_matches(',').parse().ok())
        .collect()
}

#[test]
fn the_demo_shows_what_the_plugins_did() {
    let report = demo(1);
    for planted in ["e-mails", "cards", "tokens"] {
        let counts = numbers(&report, planted);
        assert!(counts[0] > 100 && counts[1] == 0, "{planted}: {counts:?}");
    }
    let traces = numbers(&report, "traces");
    assert!(
        traces[0] == 200 && (20..=80).contains(&traces[1]),
        "{traces:?}"
    );
    assert_eq!(
        numbers(&report, "spans")[1],
        7 * traces[1],
        "each trace has seven spans"
    );
    assert_eq!(numbers(&report, "torn traces"), [0]);
    assert!(report.contains("[redacted:credit_card]"), "{report}");
    assert!(
        report.contains("log: "),
        "a linked log stands below its span:\n{report}"
    );
}

#[test]
fn another_seed_makes_another_shop() {
    let (first, again, other) = (demo(1), demo(1), demo(2));
    let kept = |report: &str| numbers(report, "traces");
    assert_eq!(kept(&first), kept(&again));
    assert_ne!(numbers(&first, "redact"), numbers(&other, "redact"));
}
