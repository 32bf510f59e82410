use super::*;

fn parse(text: &str) -> anyhow::Result<Scenario> {
    let scenario: Scenario = yaml::parse(text)?;
    scenario.check()?;
    Ok(scenario)
}

#[test]
fn every_scenario_of_the_project_can_be_read_and_its_configs_are_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut found = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let scenario = Scenario::read(&file.unwrap().path()).unwrap();
        for (program, settings) in &scenario.programs {
            let is_bare = program.split('-').next() == Some("bare");
            assert_eq!(settings.config.is_none(), is_bare, "{}", scenario.name);
            if let Some(config) = &settings.config {
                assert!(config.exists(), "{}: {}", scenario.name, config.display());
            }
        }
        found += 1;
    }
    assert!(found > 0);
}

#[test]
fn a_scenario_says_what_it_says_and_has_defaults_for_the_rest() {
    let scenario = parse(
        "about: Something.\n\
         load: { shape: logs-large, batch: 10, protocol: http, rate: { times: 3 } }\n\
         sink: { pace_ms: 20 }\n\
         expect: { records: { share: 0.1, within: 0.02 }, goodput: 0.9 }\n\
         programs:\n  otlet: { config: a.yaml }\n  bare: {}\n",
    )
    .unwrap();
    assert_eq!(scenario.load.shape, Shape::LogsLarge);
    assert_eq!(scenario.load.protocol, Protocol::Http);
    assert_eq!(scenario.load.rate, Rate::Times { times: 3.0 });
    assert_eq!((scenario.load.batch, scenario.load.in_flight), (10, 16));
    assert_eq!((scenario.sink.pace_ms, scenario.sink.delay_ms), (20, 0));
    let share = Records::Share {
        share: 0.1,
        within: 0.02,
    };
    assert_eq!(scenario.expect.records, share);
    assert_eq!(scenario.programs.len(), 2);
}

#[test]
fn rates_are_a_word_a_number_or_so_many_times() {
    let rate = |text: &str| {
        let load = format!("{{ shape: spans, rate: {text} }}");
        parse(&format!(
            "about: a\nload: {load}\nprograms: {{ bare: {{}} }}"
        ))
        .map(|it| it.load.rate)
    };
    assert_eq!(rate("max").unwrap(), Rate::Max);
    assert_eq!(rate("50").unwrap(), Rate::Records(50.0));
    assert_eq!(rate("0").unwrap(), Rate::Records(0.0));
    assert!(rate("-1").is_err());
    assert!(rate("fast").is_err());
}

#[test]
fn what_no_scenario_has_is_an_error() {
    let with = |load: &str, programs: &str| {
        parse(&format!(
            "about: a\nload: {{ shape: spans{load} }}\nprograms: {programs}"
        ))
    };
    assert!(with("", "{ bare: {} }").is_ok());
    assert!(with(", speed: 9", "{ bare: {} }").is_err());
    assert!(with(", batch: 0", "{ bare: {} }").is_err());
    assert!(with("", "{ bare: { path: /bin/true } }").is_err());
    assert!(with("", "{}").is_err());
}

#[test]
fn all_means_as_many_as_were_acknowledged() {
    assert_eq!(Records::All.fault(100, 100), None);
    let fault = Records::All.fault(100, 99).unwrap();
    assert_eq!(fault, "100 records were acknowledged and 99 arrived");
    assert!(Records::All.fault(100, 101).is_some());
    assert_eq!(Records::Any.fault(100, 0), None);
}

#[test]
fn a_share_is_right_within_its_tolerance() {
    let tenth = Records::Share {
        share: 0.1,
        within: 0.02,
    };
    assert_eq!(tenth.fault(1000, 100), None);
    assert_eq!(tenth.fault(1000, 119), None);
    assert!(tenth.fault(1000, 121).is_some());
    assert!(tenth.fault(1000, 79).is_some());
    assert!(tenth.fault(0, 0).is_some());
}

#[test]
fn a_turn_is_at_fault_for_each_thing_that_is_not_as_expected() {
    let scenario = parse(
        "about: a\nload: { shape: spans }\nprograms: { bare: {} }\n\
         expect: { goodput: 0.9, resident_mib: 256 }",
    )
    .unwrap();
    let mut turn = Turn::example(1000.0);
    turn.goodput = Some(0.95);
    assert_eq!(scenario.faults("otlet", &turn), Vec::<String>::new());
    turn.goodput = Some(0.5);
    turn.peak_kib = 300 << 10;
    turn.outcome.failed = 2;
    turn.arrived.invalid = 1;
    turn.arrived.records -= 1;
    assert_eq!(scenario.faults("otlet", &turn).len(), 5);
    // Another program's memory is its own affair.
    assert_eq!(scenario.faults("collector", &turn).len(), 4);
    turn.arrived.records = 1;
    assert!(scenario.faults("bare", &turn)[2].ends_with("1 arrived"));
    turn.outcome.acknowledged = 0;
    let faults = scenario.faults("collector", &turn);
    assert!(faults.contains(&"nothing was acknowledged".to_owned()));
}

#[test]
fn nothing_is_expected_where_nothing_is_sent() {
    let idle = "about: a\nload: { shape: spans, rate: 0 }\nprograms: { bare: {} }";
    let mut turn = Turn::example(1000.0);
    turn.outcome.acknowledged = 0;
    turn.outcome.records = 0;
    assert!(parse(idle).unwrap().faults("otlet", &turn).is_empty());
}
