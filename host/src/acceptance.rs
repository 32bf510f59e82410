//! That a request was taken, perhaps in part: what a backend says in `partial_success`, on its way to the sender.

/// A request was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Spans, data points or log records that were not.
    pub rejected: u64,
    /// What the backend said about that, cut, and without anything that a terminal would obey. Without rejections a warning.
    pub words: String,
}

impl Accepted {
    /// Whether there is nothing to be said.
    pub fn is_whole(&self) -> bool {
        self.rejected == 0 && self.words.is_empty()
    }

    /// What is said of a request that was sent in two parts.
    pub fn add(&mut self, part: Self) {
        self.rejected = self.rejected.saturating_add(part.rejected);
        if !part.words.is_empty() {
            self.words = part.words;
        }
    }

    /// What is said of a request that went to two backends: the larger rejection, and of two that are the same the one with
    /// words.
    #[must_use]
    pub fn or_worse(self, other: Self) -> Self {
        let rank = |one: &Self| (one.rejected, !one.words.is_empty());
        if rank(&other) > rank(&self) {
            other
        } else {
            self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(rejected: u64, words: &str) -> Accepted {
        Accepted {
            rejected,
            words: words.to_owned(),
        }
    }

    #[test]
    fn of_several_backends_the_largest_rejection_is_told() {
        let whole = Accepted::default();
        assert!(whole.is_whole() && !accepted(0, "old").is_whole());
        let cases = [
            (accepted(1, "a"), accepted(2, ""), accepted(2, "")),
            (accepted(3, ""), accepted(2, "b"), accepted(3, "")),
            (
                whole.clone(),
                accepted(0, "warning"),
                accepted(0, "warning"),
            ),
            (accepted(1, ""), accepted(1, "why"), accepted(1, "why")),
            (
                accepted(1, "first"),
                accepted(1, "second"),
                accepted(1, "first"),
            ),
        ];
        for (one, other, told) in cases {
            assert_eq!(one.or_worse(other), told);
        }
    }

    #[test]
    fn the_rejections_of_parts_add_up() {
        let mut all = Accepted::default();
        for part in [accepted(2, "no room"), accepted(3, ""), accepted(0, "")] {
            all.add(part);
        }
        assert_eq!(all, accepted(5, "no room"));
        all.add(accepted(u64::MAX, "more"));
        assert_eq!(all, accepted(u64::MAX, "more"));
    }
}
