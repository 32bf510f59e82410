//! `Error`: why a plugin refuses its config or fails on a batch.

use std::fmt;

/// Why a plugin refuses its config or fails on a batch. The host logs the text, so it must hold no telemetry.
///
/// Whatever can be displayed becomes one, so `?` works on every error, and `Err("no key given")?` or
/// `Err(format!("no such field: {name}").into())` are fine, too.
#[derive(PartialEq, Eq)]
pub struct Error(String);

impl Error {
    /// An error that says this.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// What it says.
    pub fn message(&self) -> &str {
        &self.0
    }

    /// The same error, with what was being done in front: `context: message`.
    #[must_use]
    pub fn context(self, context: impl fmt::Display) -> Self {
        Self(format!("{context}: {}", self.0))
    }
}

// Were `Error` displayed itself, it would be its own `From<impl Display>`, which `From<T> for T` forbids.
impl<T: fmt::Display> From<T> for Error {
    fn from(error: T) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Error> for String {
    fn from(error: Error) -> Self {
        error.0
    }
}

#[cfg(test)]
mod tests {
    use super::Error;

    fn parse(text: &str) -> Result<u8, Error> {
        let number = text.parse()?;
        if number == 0 {
            return Err("zero is no percentage".into());
        }
        Ok(number)
    }

    #[test]
    fn errors_and_texts_become_errors() {
        assert_eq!(parse("7"), Ok(7));
        assert_eq!(
            parse("x").unwrap_err().message(),
            "invalid digit found in string"
        );
        let error = parse("0").unwrap_err().context("percentage");
        assert_eq!(error.message(), "percentage: zero is no percentage");
    }
}
