//! Components that import WASI, as plain cargo builds them.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use super::super::{Folder, Grants};
use super::grants::did;
use super::*;

#[test]
fn a_wasi_component_works_on_a_worker_and_sees_nothing_of_the_host() {
    let processor = processor(&WASI, &json!({}), &Limits::default());
    let batch = processor.process(traces(), Place::Worker).unwrap();
    let resource = decoded(&batch).resource_spans[0].resource.clone().unwrap();
    let seen = resource.attributes.iter().find(|seen| seen.key == "seen");
    assert_eq!(seen, Some(&attribute("seen", Any::IntValue(0))));
}

#[test]
fn what_it_prints_is_logged_under_its_name() {
    let log = logged(|| {
        let processor = processor(&WASI, &json!({}), &Limits::default());
        processor.process(traces(), Place::Worker).unwrap();
    });
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    for (line, parts) in lines
        .iter()
        .zip([["INFO", "configured"], ["WARN", "sees 0 things"]])
    {
        assert!(parts.iter().all(|part| line.contains(part)), "{line}");
        assert!(line.contains("processor=\"test\""), "{line}");
    }
}

#[test]
fn it_is_never_called_in_line() {
    let processor = processor(&WASI, &json!({}), &Limits::default());
    for _ in 0..50 {
        processor.process(traces(), Place::Worker).unwrap();
    }
    assert!(!processor.is_inline(Signal::Traces, 1));
    let failure = processor.process(traces(), Place::Inline).unwrap_err();
    assert!(matches!(failure, Failure::Slow(_)));
}

#[test]
fn it_has_clocks_and_randomness_without_a_grant() {
    let given = || {
        let given = did(&json!({"chance": true}), Grants::default());
        let [
            (now, Any::IntValue(seconds)),
            (random, Any::StringValue(drawn)),
        ] = &given[..]
        else {
            panic!("{given:?}");
        };
        assert_eq!((now.as_str(), random.as_str()), ("now", "random"));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        assert!(now.as_secs().abs_diff(u64::try_from(*seconds).unwrap()) < 60);
        drawn.clone()
    };
    assert_ne!(given(), given());
}

#[test]
fn a_guest_that_sleeps_within_its_wall_time_is_let_go_on() {
    let limits = Limits {
        deadline: Duration::from_millis(200),
        ..Limits::default()
    };
    // Longer than its CPU time, of which it uses none: nor does a container that is paused.
    let processor = processor(&WASI, &json!({"sleep": 300}), &limits);
    processor.process(traces(), Place::Worker).unwrap();
}

#[test]
fn it_holds_so_many_files_and_no_more() {
    let tables = tempfile::tempdir().unwrap();
    fs::write(tables.path().join("a.csv"), "eu,Europe").unwrap();
    let grants = Grants {
        files: vec![Folder {
            path: tables.path().to_owned(),
            name: "/tables".to_owned(),
        }],
        ..Grants::default()
    };
    let did = did(&json!({"open": 50}), grants.clone());
    assert_eq!(did, [("open".to_owned(), Any::IntValue(50))]);
    let sandbox = Sandbox {
        grants,
        ..Sandbox::default()
    };
    let (plugin, config) = (Arc::clone(&WASI), json!({"open": 100}));
    let processor = Processor::new(plugin, "test", &config, &sandbox, None).unwrap();
    let reason = fails(&processor);
    assert!(reason.contains("table has no free keys"), "{reason}");
}

#[test]
fn what_it_prints_is_not_logged_where_it_fails_closed() {
    let plugin = Arc::clone(&WASI);
    let (sandbox, config) = (Sandbox::default(), json!({}));
    let on_error = Some(OnError::Reject);
    let processor = Processor::new(plugin, "test", &config, &sandbox, on_error).unwrap();
    let log = logged(|| {
        processor.process(traces(), Place::Worker).unwrap();
    });
    assert!(!log.contains("sees"), "{log}");
    assert!(log.contains("withheld, since it fails closed"), "{log}");
}

#[test]
fn a_guest_that_sleeps_in_the_host_meets_ten_times_its_deadline() {
    let limits = Limits {
        deadline: Duration::from_millis(5),
        ..Limits::default()
    };
    let processor = processor(&WASI, &json!({"sleep": true}), &limits);
    assert!(fails(&processor).contains("its deadline of 5 ms"));
}

#[test]
fn it_can_be_loaded_and_called_inside_of_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let processor = processor(&WASI, &json!({}), &Limits::default());
        let batch = processor.process(traces(), Place::Worker).unwrap();
        assert!(!batch.is_untouched());
    });
}
