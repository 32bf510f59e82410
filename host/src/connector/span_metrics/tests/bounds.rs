//! What nobody can make a connector keep, and what is let go of.

use super::*;

const OVERFLOW: &str = "otel.metric.overflow=Some(BoolValue(true))";

#[test]
fn a_hundred_thousand_names_take_no_more_than_the_bound_and_every_span_is_counted() {
    let series = Series::new(&Config {
        max_bytes: 1 << 20,
        ..config()
    });
    series.count(&of_shop(vec![span("known", 1)]));
    for round in 0..10 {
        let names = (0..10_000).map(|number| span(&format!("name {round} {number}"), 1));
        series.count(&of_shop(names.collect()));
        series.count(&of_shop(vec![span("known", 1)]));
        // A resource each.
        for number in 0..500 {
            let name = format!("service {round} {number}");
            series.count(&request(
                vec![text("service.name", &name)],
                vec![span("x", 1)],
            ));
        }
    }
    assert!(series.state().bytes() <= 1 << 20);
    let mut sum = 0;
    let mut cursor = Cursor::default();
    let mut all = All::new();
    while let Some((lot, _)) = series.lot(cursor, true) {
        assert!(lot.framed.len() < (1 << 20) + (64 << 10));
        for resource in read(&lot.framed, &mut all).resource_metrics {
            let Some(Data::Sum(calls)) = &resource.scope_metrics[0].metrics[0].data else {
                panic!("{resource:?}");
            };
            sum += calls
                .data_points
                .iter()
                .map(|point| match point.value {
                    Some(number_data_point::Value::AsInt(calls)) => calls,
                    _ => 0,
                })
                .sum::<i64>();
        }
        cursor = lot.until;
    }
    assert_eq!(sum, 1 + 10 * (10_000 + 1 + 500));
    let (_, known) = all
        .iter()
        .find(|(words, _)| words.contains("known"))
        .unwrap();
    assert_eq!(known.calls, 11);
    assert!(series.counters.overflow_items.get() > 90_000);
}

#[test]
fn room_is_made_by_letting_go_of_what_has_long_not_come_and_was_told() {
    let series = Series::new(&Config {
        max_bytes: 1 << 20,
        ..config()
    });
    for round in 0..30 {
        let names = (0..500).map(|number| span(&format!("name {round} {number}"), 1));
        series.count(&of_shop(names.collect()));
        series.count(&of_shop(vec![span("known", 1)]));
        // First as 0, then as what it is.
        shown(&series, false);
        series.count(&of_shop(vec![span("known", 1)]));
        shown(&series, false);
    }
    assert_eq!(series.counters.overflow_items.get(), 0);
    let all = shown(&series, true);
    let (_, known) = all
        .iter()
        .find(|(words, _)| words.contains("known"))
        .unwrap();
    assert_eq!(known.calls, 60);
    assert!((500..4000).contains(&all.len()), "{}", all.len());
}

#[test]
fn above_the_limit_of_a_resource_spans_are_counted_in_one_series() {
    let limited = |temporality| {
        Series::new(&Config {
            aggregation_cardinality_limit: 2,
            aggregation_temporality: temporality,
            ..config()
        })
    };
    let names = |all: &All| {
        let name = |(words, shown): (&String, &Shown)| {
            let name = words
                .split(' ')
                .find_map(|word| word.strip_prefix("span.name="));
            (name.unwrap_or(words).to_owned(), shown.calls)
        };
        let mut names: Vec<_> = all.iter().map(name).collect();
        names.sort();
        names
    };
    let of = |pairs: &[(&str, i64)]| -> Vec<_> {
        pairs
            .iter()
            .map(|(name, calls)| ((*name).to_owned(), *calls))
            .collect()
    };
    let spans = |names: &[&str]| of_shop(names.iter().map(|name| span(name, 1)).collect());
    let series = limited(Temporality::Cumulative);
    series.count(&spans(&["a", "b", "c", "d", "a"]));
    let all = shown(&series, true);
    assert_eq!(names(&all), of(&[("a", 2), ("b", 1), (OVERFLOW, 2)]));
    assert_eq!(all[OVERFLOW].duration.as_ref().unwrap().count, 2);
    assert_eq!(series.counters.overflow_items.get(), 2);

    // Those that rest do not count towards the limit.
    let series = limited(Temporality::Delta);
    series.count(&spans(&["a", "b", "c"]));
    assert_eq!(
        names(&shown(&series, false)),
        of(&[("a", 1), ("b", 1), (OVERFLOW, 1)])
    );
    series.count(&spans(&["c", "d", "a"]));
    assert_eq!(
        names(&shown(&series, false)),
        of(&[("c", 1), ("d", 1), (OVERFLOW, 1)])
    );
}

#[test]
fn series_and_resources_of_which_no_span_comes_end() {
    let brief = Duration::from_nanos(1);
    let series = Series::new(&Config {
        series_expiration: brief,
        ..config()
    });
    series.count(&of_shop(vec![span("get", 1)]));
    // What was not told in full stays.
    assert_eq!(shown(&series, false).values().next().unwrap().calls, 0);
    assert_eq!(shown(&series, false).values().next().unwrap().calls, 1);
    assert!(shown(&series, false).is_empty());
    assert_eq!(series.state().count(), 0);
    assert_eq!(series.state().bytes(), 0);

    let series = Series::new(&Config {
        metrics_expiration: brief,
        resource_metrics_cache_size: 1000,
        ..config()
    });
    series.count(&of_shop(vec![span("get", 1)]));
    shown(&series, true);
    shown(&series, true);
    assert!(shown(&series, true).is_empty());

    let series = Series::new(&Config {
        resource_metrics_cache_size: 2,
        ..config()
    });
    for name in ["a", "b", "c"] {
        series.count(&request(
            vec![text("service.name", name)],
            vec![span("get", 1)],
        ));
    }
    assert_eq!(shown(&series, true).len(), 3);
    shown(&series, true);
    let left = shown(&series, true);
    assert_eq!(left.len(), 2);
    assert!(left.keys().all(|words| !words.contains("service.name=a")));
}

#[test]
fn what_cannot_be_read_is_not_counted_and_harms_nothing() {
    let series = Series::new(&config());
    // A resource without a name.
    series.count(&request(vec![text("host.name", "a")], vec![span("get", 1)]));
    // A span whose name ends behind it, one of another type, one that is well; and half a message.
    let mut message = of_shop(vec![]);
    let spans: [&[u8]; 3] = [&[0x2a, 9, b'a'], &[0x29, 1], &[0x2a, 1, b'a']];
    let scope: Vec<u8> = spans
        .iter()
        .flat_map(|span| [&[0x12, u8::try_from(span.len()).unwrap()][..], span].concat())
        .collect();
    let resource = ResourceSpans::decode(&message[2..])
        .unwrap()
        .encode_to_vec();
    let resource = [
        &resource[..resource.len() - 2],
        &[0x12, u8::try_from(scope.len()).unwrap()],
        &scope,
    ]
    .concat();
    message = [
        &[0x0a, u8::try_from(resource.len()).unwrap()][..],
        &resource,
    ]
    .concat();
    series.count(&message);
    series.count(&message[..message.len() / 2]);
    series.count(&[0xff; 40]);
    let all = shown(&series, true);
    assert_eq!(all.values().map(|shown| shown.calls).sum::<i64>(), 1);
    assert_eq!(series.counters.uncounted_items.get(), 3);
}

#[test]
fn what_is_not_utf8_becomes_a_series_that_every_backend_reads() {
    let series = Series::new(&config());
    let good = of_shop(vec![span("get NAME", 1)]);
    let at = good.windows(4).position(|four| four == b"NAME").unwrap();
    for bytes in [[0xff, b'a', b'b', b'c'], [0xfe, b'a', b'b', b'c']] {
        let mut bad = good.clone();
        bad[at..at + 4].copy_from_slice(&bytes);
        series.count(&bad);
        series.count(&bad);
    }
    let shop = good.windows(4).position(|four| four == b"shop").unwrap();
    let mut bad = good.clone();
    bad[shop] = 0xff;
    series.count(&bad);
    let all = shown(&series, true);
    let names: Vec<_> = calls(&all);
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[0].0.contains("span.name=get \u{fffd}abc") && names[0].1 == 4);
    assert!(names[1].0.contains("service.name=\u{fffd}hop"));
}

#[test]
fn what_is_too_large_for_a_series_of_its_own_is_counted_beside() {
    let series = Series::new(&config());
    series.count(&of_shop(vec![span(&"x".repeat(70_000), 1), span("get", 1)]));
    let resource = vec![
        text("service.name", "shop"),
        text("all", &"x".repeat(70_000)),
    ];
    series.count(&request(resource, vec![span("get", 1)]));
    let all = shown(&series, true);
    assert_eq!(all[OVERFLOW].calls, 1);
    assert_eq!(series.counters.overflow_items.get(), 2);
    assert!(series.state().bytes() < 4096);
}
