//! The bytes that one plugin may cost in one call, and what stops it.

use super::{Misuse, wire::Malformed};

/// The bytes still to be handed out or written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    pub(super) left: usize,
    total: usize,
}

impl Budget {
    pub(super) fn new(total: usize) -> Self {
        Self { left: total, total }
    }

    /// Takes bytes of it, before they are allocated.
    #[inline]
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), Halt> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(self.breached()),
        }
    }

    /// The error for more than is left.
    #[cold]
    pub(super) fn breached(&self) -> Halt {
        Halt::misuse(format!(
            "more than {} bytes were read and written in one call",
            self.total
        ))
    }
}

/// What stops a function of the contract. In a box, since a walk hands results up once a field and a pointer fits a register.
#[derive(Debug)]
pub(super) struct Halt(Box<Cause>);

#[derive(Debug)]
pub(super) enum Cause {
    Malformed(Malformed),
    Misuse(Misuse),
}

impl Halt {
    #[cold]
    pub(super) fn misuse(text: impl Into<String>) -> Self {
        Misuse::new(text).into()
    }

    pub(super) fn cause(self) -> Cause {
        *self.0
    }
}

impl From<Malformed> for Halt {
    #[cold]
    fn from(malformed: Malformed) -> Self {
        Self(Box::new(Cause::Malformed(malformed)))
    }
}

impl From<Misuse> for Halt {
    #[cold]
    fn from(misuse: Misuse) -> Self {
        Self(Box::new(Cause::Misuse(misuse)))
    }
}
