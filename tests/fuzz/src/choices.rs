//! The bytes in front of an input, which choose what is done with the rest.

/// Choices that are left.
pub(crate) struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    /// Takes so many choices off an input.
    pub(crate) fn split(data: &'a [u8], count: usize) -> Option<(Self, &'a [u8])> {
        let (choices, rest) = data.split_at_checked(count)?;
        Some((Self(choices), rest))
    }

    /// The next choice; 0 when none is left.
    pub(crate) fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or(0)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound
    }

    /// One of these.
    pub(crate) fn pick<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        let chosen = list.get(self.below(list.len()));
        chosen.expect("a number below the length is an index")
    }

    /// Whether none is left.
    pub(crate) fn is_over(&self) -> bool {
        self.0.is_empty()
    }
}
