use super::*;
use crate::machine::Machine;
use crate::run::Turns;
use crate::turn::{Sample, Turn};

fn turns(program: &str, costs: &[Option<f64>]) -> Turns {
    Turns {
        program: program.to_owned(),
        turns: costs.iter().map(|cost| cost.map(Turn::example)).collect(),
        faults: vec![],
    }
}

fn played(programs: Vec<Turns>) -> Played {
    let scenario = "about: Something.\nload: { shape: spans }\nprograms: { bare: {} }";
    let mut scenario: Scenario = crate::yaml::parse(scenario).unwrap();
    scenario.name = "enrich".to_owned();
    Played {
        scenario,
        programs,
        left_out: vec!["collector-limited".to_owned()],
    }
}

fn three(median: f64, least: f64, most: f64) -> Option<Spread> {
    Some(Spread {
        median,
        least,
        most,
    })
}

#[test]
fn a_median_is_in_the_middle_of_the_numbers() {
    assert_eq!(Spread::of([3.0, 1.0, 9.0]), three(3.0, 1.0, 9.0));
    assert_eq!(Spread::of([4.0, 1.0, 2.0, 9.0]), three(3.0, 1.0, 9.0));
    assert_eq!(Spread::of([]), None);
}

#[test]
fn ratios_are_to_the_first_program_of_the_same_round() {
    let played = played(vec![
        turns("otlet", &[Some(100.0), Some(200.0), Some(400.0)]),
        turns("collector", &[Some(500.0), Some(1200.0), Some(1600.0)]),
    ]);
    let figures = figures::of(&played);
    assert_eq!(figures[0].ratio, three(1.0, 1.0, 1.0));
    assert_eq!(figures[0].ns_per_record, three(200.0, 100.0, 400.0));
    assert_eq!(figures[1].ratio, three(5.0, 4.0, 6.0));
}

#[test]
fn a_round_in_which_a_program_failed_has_no_ratio() {
    let played = played(vec![
        turns("otlet", &[Some(100.0), None, Some(100.0)]),
        turns("collector", &[Some(300.0), Some(900.0), None]),
        turns("bare", &[None, None, None]),
    ]);
    let figures = figures::of(&played);
    assert_eq!(figures.len(), 2, "a program without a turn has no figures");
    assert_eq!(figures[1].ratio, three(3.0, 3.0, 3.0));
}

#[test]
fn figures_are_in_the_units_that_the_table_says() {
    let figures = figures::of(&played(vec![turns("otlet", &[Some(100.0)])]));
    let row = &figures[0];
    assert!((row.records_per_second - 5000.0).abs() < 0.01);
    assert!((row.latency_ms[0] - 1.5).abs() < 0.01);
    assert!((row.peak_mib - 40.0).abs() < 0.01);
    assert!((row.cpu_ms_per_second - 0.5).abs() < 0.01);
    assert!((row.binary_mb - 40.0).abs() < 0.01);
}

#[test]
fn a_report_has_a_table_the_faults_and_what_was_left_out() {
    let mut otlet = turns("otlet", &[Some(100.0)]);
    otlet
        .faults
        .push("round 1: 10 records were acknowledged and 9 arrived\nmore".to_owned());
    let results = Results {
        machine: Machine {
            processor: "P".to_owned(),
            cores: 2,
            kernel: "6".to_owned(),
        },
        cores: 1,
        is_crowded: false,
        scenarios: vec![played(vec![otlet, turns("bare", &[Some(50.0)])])],
    };
    let text = markdown(&results);
    for line in [
        "## enrich",
        "Something. spans of 1000 a request over grpc, as fast as answers come, 16 in flight, for 5 s.",
        "| otlet | 100 | 1.00 (1.00 to 1.00) | 5000 | 50 % | 25 % | 1.50 | 0.00 | 0.00 | 0.00 | 0.00 | 0 | 0 |  |",
        "| bare | 50 | 0.50 (0.50 to 0.50) | 5000 | 50 % | 25 % | 1.50 | 0.00 | 0.00 | 0.00 | 0.00 | 0 | 0 |  |",
        "| otlet | 20 (20 to 20) | 20 | 40 | 30 | 0.5 | 40.0 |",
        "- **otlet**: round 1: 10 records were acknowledged and 9 arrived",
        "- collector-limited was left out: no `--program collector-limited=PATH`",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn pictures_show_every_program_and_nothing_outside() {
    let mut otlet = turns("a<b", &[Some(100.0)]);
    let sample = |at_ms, resident_kib| Sample {
        at_ms,
        cpu_ns: 0,
        resident_kib,
    };
    if let Some(Some(turn)) = otlet.turns.first_mut() {
        turn.samples = vec![sample(0, 1024), sample(2000, 4096)];
    }
    let played = played(vec![otlet]);
    let svg = plot::lines("memory", &AXES, &["a<b"], &memory(&played));
    assert!(svg.contains("a&lt;b"));
    // From the left edge to the right one, from a quarter of the height to its top.
    assert!(svg.contains("points=\"60.0,265.0 800.0,40.0 \""), "{svg}");
    let bar = |label: &str, value| Bar {
        label: label.to_owned(),
        value,
        least: value,
        most: value,
    };
    let bars = plot::bars(
        "ratios",
        &["otlet", "bare"],
        &[(
            "enrich".to_owned(),
            vec![bar("otlet", 1.0), bar("bare", 4.0)],
        )],
    );
    assert!(
        bars.contains("width=\"130.0\""),
        "a quarter of the width\n{bars}"
    );
    assert!(bars.contains("width=\"520.0\""), "the whole width\n{bars}");
}

#[test]
fn an_axis_has_few_steps_of_round_numbers() {
    for (most, step, end) in [
        (751.0, 200.0, 800.0),
        (27.1, 5.0, 30.0),
        (4.0, 1.0, 4.0),
        (1.0, 0.2, 1.0),
        (7.0, 1.0, 7.0),
        (7.1, 2.0, 8.0),
    ] {
        let found = plot::scale(most);
        assert!((found.0 - step).abs() < 1e-9, "{most} {found:?}");
        assert!((found.1 - end).abs() < 1e-9, "{most} {found:?}");
    }
}
