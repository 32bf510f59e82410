//! Whether work on a text takes time linear in it. What is compared is one long text with many short ones that are as long
//! together: a load on the machine slows both, and one that changes is outlived by another round.

use std::time::{Duration, Instant};

/// The bytes of a short text: more than anything looks ahead or behind.
const SHORT: usize = 4 << 10;

/// The short texts to a long one. Quadratic work on the long one takes as many times as long.
const PARTS: usize = 32;

/// How many times as long it may take.
const MOST: u32 = 6;

/// What it may take whatever the short ones did: a moment in which another program ran is no work.
const MOMENT: Duration = Duration::from_millis(5);

const ROUNDS: usize = 5;

/// Has work done on a text that begins so and repeats the pattern, and fails the test where that takes more than linear time.
pub(crate) fn takes_linear_time(start: &str, pattern: &str, mut work: impl FnMut(&str)) {
    let text = |len: usize| [start, &pattern.repeat(len / pattern.len())].concat();
    let (short, long) = (text(SHORT), text(SHORT * PARTS));
    let mut taken = Vec::new();
    let linear = (0..ROUNDS).any(|_| {
        let begun = Instant::now();
        for _ in 0..PARTS {
            work(&short);
        }
        let many = begun.elapsed();
        let begun = Instant::now();
        work(&long);
        let one = begun.elapsed();
        taken.push((many, one));
        one < many * MOST + MOMENT
    });
    assert!(
        linear,
        "{start:?} and {pattern:?}, short and long: {taken:?}"
    );
}

#[test]
#[should_panic(expected = "short and long")]
fn quadratic_work_is_told() {
    takes_linear_time("", "a", |text| {
        for from in (0..text.len()).step_by(8) {
            let rest = text.get(from..).unwrap_or_default();
            assert!(!rest.contains('b'));
        }
    });
}
