use super::{PRECISION, RANGE, Randomness, Threshold};

fn th(share: f64, precision: u32) -> String {
    Threshold::of_share(share, precision).to_string()
}

/// A small generator of its own, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn trace_id(&mut self) -> [u8; 16] {
        (u128::from(self.next()) << 64 | u128::from(self.next())).to_be_bytes()
    }
}

#[test]
fn thresholds_are_those_of_the_specifications_table() {
    // "TraceState: Probability Sampling": 1 in N, at precision 3, 4 and 5.
    let table = [
        (1.0, ["0", "0", "0"]),
        (2.0, ["8", "8", "8"]),
        (3.0, ["aab", "aaab", "aaaab"]),
        (4.0, ["c", "c", "c"]),
        (5.0, ["ccd", "cccd", "ccccd"]),
        (8.0, ["e", "e", "e"]),
        (10.0, ["e66", "e666", "e6666"]),
        (16.0, ["f", "f", "f"]),
        (100.0, ["fd71", "fd70a", "fd70a4"]),
        (1_000.0, ["ffbe7", "ffbe77", "ffbe76d"]),
        (10_000.0, ["fff972", "fff9724", "fff97247"]),
        (100_000.0, ["ffff584", "ffff583a", "ffff583a5"]),
        (1_000_000.0, ["ffffef4", "ffffef39", "ffffef391"]),
    ];
    for (one_in, expected) in table {
        for (precision, expected) in (3..).zip(expected) {
            assert_eq!(
                th(1.0 / one_in, precision),
                expected,
                "1 in {one_in}, precision {precision}"
            );
        }
    }
}

#[test]
fn the_smallest_shares_are_exact() {
    let least = 2_f64.powi(-56);
    let expected = [
        "ffffffffffffff",
        "fffffffffffffe",
        "fffffffffffffd",
        "fffffffffffffc",
    ];
    for (times, expected) in [1.0, 2.0, 3.0, 4.0].into_iter().zip(expected) {
        assert_eq!(th(times * least, 3), expected);
    }
    assert_eq!(th(8.0 * least, 3), "fffffffffffff8");
    assert_eq!(th(16.0 * least, 3), "fffffffffffff");
    assert_eq!(
        th(1e-300, PRECISION),
        "ffffffffffffff",
        "no share above 0 keeps nothing"
    );
}

#[test]
fn the_collectors_own_thresholds_come_out() {
    // Its README, and the cases of its sampler.
    assert_eq!(th(0.25, PRECISION), "c");
    assert_eq!(th(0.75, PRECISION), "4");
    assert_eq!(th(0.01, 5), "fd70a4");
    assert_eq!(th(0.01, 14), "fd70a3d70a3d71");
    assert_eq!(th(2_f64.powi(-14), PRECISION), "fffc");
}

#[test]
fn a_share_near_all_is_as_exact_as_one_near_none() {
    // The Collector's thresholds at its precision of 4.
    for (percentage, expected) in [
        (99.0, "028f6"),
        (99.9, "004189"),
        (99.99, "00068dc"),
        (99.999, "0000a7c6"),
        (99.9999, "000010c7"),
        (93.75, "1"),
        (75.0, "4"),
        (60.0, "6666"),
    ] {
        assert_eq!(th(percentage / 100.0, PRECISION), expected, "{percentage}");
    }
    assert_eq!(th(1.0 - 2_f64.powi(-53), PRECISION), "00000000000008");
}

#[test]
fn the_product_of_two_probabilities_is_rounded_to_the_precision() {
    let times = |passed, share, precision| {
        let passed = Threshold::parse(passed).expect("a threshold");
        passed.times(share, precision).to_string()
    };
    assert_eq!(times("0", 0.1, 4), "e666");
    assert_eq!(times("8", 0.5, 4), "c");
    assert_eq!(times("8", 0.25, 4), "e");
    // 1 - 0.4 x 0.5 is 0.8.
    assert_eq!(times("8", 0.4, 6), "cccccd");
    // 1 - 0x0.199a x 0.1 is 1 - 0.010000610 = 0x0.fd7099..., and the first f is no digit of the four.
    assert_eq!(times("e666", 0.1, 4), "fd70a");
    assert_eq!(times("fffc", 2_f64.powi(-14), 4), "fffffff");
}

#[test]
fn a_product_below_the_smallest_probability_keeps_nothing() {
    let last_eight = Threshold::parse("fffffffffffff8").expect("a threshold");
    let one = Threshold::parse("ffffffffffffff").expect("a threshold");
    assert_eq!(last_eight.times(0.125, PRECISION), one);
    assert_eq!(last_eight.times(0.124, PRECISION), Threshold::KEEP_NONE);
    assert_eq!(one.times(1.0, PRECISION), one);
    assert_eq!(one.times(0.0, PRECISION), Threshold::KEEP_NONE);
}

#[test]
fn a_product_is_never_a_lower_threshold() {
    let mut random = Random(11);
    for _ in 0..10_000 {
        let passed = Threshold(random.next() >> 8);
        let missing = f64::from(u32::try_from(random.next() >> 32).expect("32 bits"));
        let share = 1.0 - missing / 4_294_967_296.0 / 100_000.0;
        assert!(passed.times(share, PRECISION) >= passed, "{passed} {share}");
    }
}

#[test]
fn a_hash_is_for_ever() {
    // Not from this code: FNV-1a and the end of MurmurHash3, computed apart. Other otlets decide by the same.
    let hashes = [
        ("", "efd01f60ba9929"),
        ("a", "82a2a958a9bece"),
        ("foobar", "2c22194922d167"),
        ("req-1", "41bf9201cad1d3"),
    ];
    for (text, expected) in hashes {
        assert_eq!(Randomness::of_hash(text.as_bytes()).to_string(), expected);
    }
}

#[test]
fn hashes_of_numbered_names_are_spread() {
    let tenth = Threshold::of_share(0.1, PRECISION);
    let kept = (0..100_000)
        .filter(|number| tenth.keeps(Randomness::of_hash(format!("request-{number}").as_bytes())))
        .count();
    // Three sigma of 10,000.
    assert!((9_715..=10_285).contains(&kept), "{kept}");
}

#[test]
fn chance_has_passed_what_was_passed() {
    let of = |bits, passed| {
        let passed = Threshold::parse(passed).expect("a threshold");
        Randomness::of_chance(bits, passed).to_string()
    };
    assert_eq!(of(0, "0"), "00000000000000");
    assert_eq!(of(u64::MAX, "0"), "ffffffffffffff");
    assert_eq!(of(1 << 63, "0"), "80000000000000");
    assert_eq!(of(0, "8"), "80000000000000");
    assert_eq!(of(1 << 63, "8"), "c0000000000000");
    assert_eq!(of(u64::MAX, "8"), "ffffffffffffff");
    assert_eq!(of(u64::MAX, "ffffffffffffff"), "ffffffffffffff");
}

#[test]
fn shares_of_a_third_round_to_the_precision() {
    assert_eq!(th(1.0 / 3.0, 3), "aab");
    assert_eq!(th(2.0 / 3.0, 3), "555");
    assert_eq!(th(0.4, 3), "99a");
    assert_eq!(th(0.4, 6), "99999a");
}

#[test]
fn a_threshold_is_read_back_as_written() {
    let mut random = Random(7);
    for _ in 0..10_000 {
        let threshold = Threshold(random.next() >> (8 + random.next() % 56));
        assert_eq!(Threshold::parse(&threshold.to_string()), Some(threshold));
    }
    assert_eq!(Threshold::parse("8"), Some(Threshold(1 << 55)));
    assert_eq!(Threshold::parse("80000000000000"), Threshold::parse("8"));
    assert_eq!(Threshold::parse("0"), Some(Threshold::KEEP_ALL));
    assert_eq!(
        Threshold::parse("ABCdef"),
        Some(Threshold(0xab_cdef_0000_0000))
    );
}

#[test]
fn what_is_no_threshold_or_randomness_is_not_read() {
    for text in ["", "-1", "+1", "0x1", "1.5", "g", "100000000000000", "é"] {
        assert_eq!(Threshold::parse(text), None, "{text}");
        assert_eq!(Randomness::parse(text), None, "{text}");
    }
    assert_eq!(Randomness::parse("1234"), None);
    assert_eq!(Randomness::parse("+2345678901234"), None);
    assert_eq!(
        Randomness::parse("fd70B000000000"),
        Some(Randomness(0xfd_70b0_0000_0000))
    );
}

#[test]
fn a_trace_id_gives_its_last_seven_bytes() {
    let id = 0xfefe_fefe_fefe_fefe_fe80_0000_0000_0000_u128.to_be_bytes();
    assert_eq!(Randomness::of_trace_id(id), Randomness(1 << 55));
}

#[test]
fn randomness_at_the_threshold_is_kept_and_below_it_is_not() {
    let half = Threshold::of_share(0.5, PRECISION);
    assert!(half.keeps(Randomness(1 << 55)));
    assert!(!half.keeps(Randomness((1 << 55) - 1)));
    assert!(!Threshold::KEEP_NONE.keeps(Randomness(RANGE - 1)));
    assert!(Threshold::KEEP_ALL.keeps(Randomness(0)));
}

#[test]
fn a_tenth_of_random_traces_is_kept_within_three_sigma_and_is_part_of_the_half() {
    let tenth = Threshold::of_share(0.1, PRECISION);
    let half = Threshold::of_share(0.5, PRECISION);
    let mut random = Random(42);
    let (mut kept_tenth, mut kept_half) = (0_i32, 0_i32);
    for _ in 0..100_000 {
        let randomness = Randomness::of_trace_id(random.trace_id());
        let (in_tenth, in_half) = (tenth.keeps(randomness), half.keeps(randomness));
        assert!(in_half || !in_tenth, "the tenth is a subset of the half");
        kept_tenth += i32::from(in_tenth);
        kept_half += i32::from(in_half);
    }
    // sigma = sqrt(n p (1 - p)): 94.9 of 10,000 and 158.1 of 50,000.
    assert!((kept_tenth - 10_000).abs() <= 285, "{kept_tenth}");
    assert!((kept_half - 50_000).abs() <= 475, "{kept_half}");
}

#[test]
fn a_smaller_share_never_has_a_lower_threshold() {
    let shares = (0..=2_000).map(|step| f64::from(step) / 2_000.0);
    let thresholds: Vec<_> = shares
        .map(|share| Threshold::of_share(share, PRECISION))
        .collect();
    assert!(thresholds.windows(2).all(|pair| pair[0] >= pair[1]));
    assert_eq!(thresholds.last(), Some(&Threshold::KEEP_ALL));
}
