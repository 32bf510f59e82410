//! A backend's own words, fit for the log: none of the secrets that it was sent is among them.
//!
//! Backends quote what they refuse ("invalid token ..."). Every value of the config's headers and every token counts as a secret,
//! whatever its header: a tenant's name that nobody can read does less harm than a password that everybody can.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, header};

use super::answer::words;

/// What stands in a secret's place.
const MASK: &str = "***";

/// The bytes of the shortest secret: what is shorter is a part of a word by chance, and no secret.
const SHORTEST: usize = 4;

/// The values that are sent with a request and are secrets.
#[derive(Clone, Debug, Default)]
pub(super) struct Mask {
    /// Those of the config, made once.
    fixed: Arc<[HeaderValue]>,
    token: Option<HeaderValue>,
}

impl Mask {
    /// Of the values of the config's headers those that are marked as secrets, which all are.
    pub(super) fn of<'a>(values: impl Iterator<Item = &'a HeaderValue>) -> Self {
        Self {
            fixed: values
                .filter(|value| value.is_sensitive())
                .cloned()
                .collect(),
            token: None,
        }
    }

    /// The same, and the token of a request that was signed.
    pub(super) fn with_token_of(&self, headers: &HeaderMap) -> Self {
        let token = headers.get(header::AUTHORIZATION);
        Self {
            fixed: Arc::clone(&self.fixed),
            token: token.filter(|value| value.is_sensitive()).cloned(),
        }
    }

    /// A backend's words without the secrets, cut, and without anything that a terminal would obey.
    pub(super) fn words(&self, text: &str) -> String {
        let values: Vec<_> = self
            .fixed
            .iter()
            .chain(&self.token)
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        let mut secrets: Vec<&str> = values.iter().flat_map(|value| secrets(value)).collect();
        // Of two that begin alike the longer one.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        // Before it is cut, which may leave the half of one.
        let masked = secrets
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret, MASK));
        words(&masked)
    }
}

/// A header's value, what stands behind its scheme (`Bearer ...`), and what its parameters are (`session=...; ...`).
fn secrets(value: &str) -> impl Iterator<Item = &str> {
    let token = value.split_once(' ').map(|(_scheme, token)| token);
    let parts = value.split([';', ',', ' ']);
    let parameters = parts.filter_map(|part| part.split_once('=').map(|(_name, value)| value));
    [Some(value), token]
        .into_iter()
        .flatten()
        .chain(parameters)
        .map(|secret| secret.trim_matches([' ', '"']))
        .filter(|secret| secret.len() >= SHORTEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(values: &[&str]) -> Mask {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static("otlet"));
        for value in values {
            let mut value = HeaderValue::from_str(value).unwrap();
            value.set_sensitive(true);
            headers.append("x-key", value);
        }
        Mask::of(headers.values())
    }

    #[test]
    fn secrets_are_masked_with_their_scheme_and_without() {
        for (value, said, expected) in [
            (
                "Bearer s3cret",
                "bad token s3cret, s3cret",
                "bad token ***, ***",
            ),
            (
                "Bearer s3cret",
                "bad header 'Bearer s3cret'",
                "bad header '***'",
            ),
            ("Bearer s3cret", "Bearer of bad news", "Bearer of bad news"),
            ("s3cret", "no s3crets", "no ***s"),
            ("a=first; b=\"second\"", "first or second", "*** or ***"),
            (
                "Basic dXNlcjpwYXNz==",
                "dXNlcjpwYXNz== is nobody",
                "*** is nobody",
            ),
            ("shop", "tenant shop is over", "tenant *** is over"),
            ("abc", "abc", "abc"),
            ("pässwort", "no pässwort", "no ***"),
            ("s3cret", "otlet", "otlet"),
        ] {
            assert_eq!(mask(&[value]).words(said), expected, "{value}");
        }
        let both = mask(&["s3cret", "s3cret-and-more"]);
        assert_eq!(both.words("s3cret-and-more, s3cret"), "***, ***");
    }

    #[test]
    fn the_token_of_a_request_is_a_secret_too() {
        let config = mask(&["s3cret"]);
        let mut token = HeaderValue::from_static("Bearer tokened");
        token.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, token);
        let signed = config.with_token_of(&headers);
        assert_eq!(signed.words("s3cret, tokened"), "***, ***");
        let unsigned = config.with_token_of(&HeaderMap::new());
        assert_eq!(unsigned.words("s3cret, tokened"), "***, tokened");
    }

    #[test]
    fn what_is_cut_leaves_no_half_of_a_secret() {
        let said = format!("{}s3cret-token", "x".repeat(195));
        let words = mask(&["s3cret-token"]).words(&said);
        assert_eq!(words, format!("{}***", "x".repeat(195)));
    }
}
