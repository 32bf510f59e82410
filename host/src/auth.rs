//! Bearer tokens: the extension `bearertokenauth`. An exporter sends one with every request, a receiver demands one of several.
//!
//! Tokens stand in the config or in a file, which is read again when it changes ([`crate::fresh`]). No message quotes them.

use std::fmt::{self, Debug, Formatter};
use std::hint::black_box;
use std::path::PathBuf;

use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};

use crate::fresh::{self, Fresh, Wrong};

/// The largest file, and the most tokens that a receiver takes.
const LARGEST: usize = 256 << 10;
const MOST: usize = 1000;

/// Which tokens there are, and how they are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The extension's name in the config, such as `bearertokenauth/backend`.
    pub name: String,
    /// The header that holds it. Example: `header: authorization`.
    pub header: HeaderName,
    /// What stands before the token; may be empty. Example: `scheme: Bearer`.
    pub scheme: String,
    /// The tokens themselves.
    pub tokens: Tokens,
}

/// Where tokens are.
#[derive(Clone, PartialEq, Eq)]
pub enum Tokens {
    /// In the config. Example: `token: ${env:TOKEN}`.
    Given(Vec<String>),
    /// In a file, one a line. Example: `filename: /run/secrets/token`.
    File(PathBuf),
}

/// What an exporter sends.
pub struct Bearer {
    header: HeaderName,
    value: Fresh<HeaderValue>,
}

/// What a receiver demands.
pub struct Guard {
    header: HeaderName,
    scheme: String,
    tokens: Fresh<Vec<Hash>>,
}

/// A token's SHA-256: comparing it takes as long whatever and however long the token is.
type Hash = [u8; 32];

impl Debug for Tokens {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(tokens) => write!(f, "Given({})", tokens.len()),
            Self::File(file) => f.debug_tuple("File").field(file).finish(),
        }
    }
}

impl Config {
    /// Whether an exporter can send it; the error is what is wrong, and the cure.
    pub fn check_one(&self) -> Result<(), Wrong> {
        self.header_value().map(drop)
    }

    /// Whether a receiver can demand it.
    pub fn check_any(&self) -> Result<(), Wrong> {
        self.all().map(drop)
    }

    /// Every token.
    fn all(&self) -> Result<Vec<String>, Wrong> {
        let tokens: Vec<String> = match &self.tokens {
            Tokens::Given(tokens) => tokens.iter().map(|token| token.trim().to_owned()).collect(),
            Tokens::File(file) => {
                let bytes = fresh::read(file, LARGEST).map_err(|what| {
                    self.wrong(
                        &what,
                        "name a file that otlet may read, with the token in it",
                    )
                })?;
                let text = String::from_utf8(bytes).map_err(|_binary| {
                    self.wrong("is not a text", "put the token into it, and nothing else")
                })?;
                let lines = text.lines().map(str::trim);
                lines
                    .filter(|line| !line.is_empty())
                    .map(str::to_owned)
                    .collect()
            }
        };
        if tokens.is_empty() || tokens.iter().any(String::is_empty) {
            return Err(self.wrong("holds no token", "put a token into it"));
        }
        if tokens.len() > MOST {
            let what = format!("holds more than {MOST} tokens");
            return Err(self.wrong(&what, "leave out those that nobody uses"));
        }
        if tokens
            .iter()
            .any(|token| HeaderValue::from_str(token).is_err())
        {
            let cure = "use visible characters of ASCII, on one line";
            return Err(self.wrong("holds a token that no header can hold", cure));
        }
        let has_blank = |token: &String| !token.bytes().all(|byte| byte.is_ascii_graphic());
        if !self.scheme.is_empty() && tokens.iter().any(has_blank) {
            let cure = "write a token a line, without its scheme and without comments";
            return Err(self.wrong("holds a token with a blank in it, or beyond ASCII", cure));
        }
        Ok(tokens)
    }

    /// The value of the header with the only token.
    fn header_value(&self) -> Result<HeaderValue, Wrong> {
        let tokens = self.all()?;
        let [token] = tokens.as_slice() else {
            let cure = "an exporter sends one: leave the one for this backend";
            return Err(self.wrong("holds several tokens", cure));
        };
        let text = if self.scheme.is_empty() {
            token.clone()
        } else {
            format!("{} {token}", self.scheme)
        };
        let mut value = HeaderValue::try_from(text).map_err(|_scheme| Wrong {
            key: "scheme",
            file: None,
            what: "holds what a header cannot".to_owned(),
            cure: "write a word, such as `Bearer`".to_owned(),
        })?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn wrong(&self, what: &str, cure: &str) -> Wrong {
        let (key, file) = match &self.tokens {
            Tokens::Given(tokens) if tokens.len() > 1 => ("tokens", None),
            Tokens::Given(_) => ("token", None),
            Tokens::File(file) => ("filename", Some(file.clone())),
        };
        Wrong {
            key,
            file,
            what: what.to_owned(),
            cure: cure.to_owned(),
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        match &self.tokens {
            Tokens::Given(_) => Vec::new(),
            Tokens::File(file) => vec![file.clone()],
        }
    }
}

impl Bearer {
    /// Reads the token.
    pub fn new(config: &Config) -> Result<Self, Wrong> {
        let own = config.clone();
        let make = move || own.header_value();
        Ok(Self {
            header: config.header.clone(),
            value: Fresh::new(config.name.clone(), config.files(), make)?,
        })
    }

    /// Puts the token into the headers of a request.
    pub async fn sign(&self, headers: &mut HeaderMap) {
        let value = self.value.get().await;
        headers.insert(self.header.clone(), HeaderValue::clone(&value));
    }
}

impl Guard {
    /// Reads the tokens.
    pub fn new(config: &Config) -> Result<Self, Wrong> {
        let own = config.clone();
        let make = move || {
            let tokens = own.all()?;
            Ok::<_, Wrong>(tokens.iter().map(|token| hash(token.as_bytes())).collect())
        };
        Ok(Self {
            header: config.header.clone(),
            scheme: config.scheme.clone(),
            tokens: Fresh::new(config.name.clone(), config.files(), make)?,
        })
    }

    /// What a client is told that it must send.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Whether a request's headers hold one of the tokens; the error is what is wrong, for its sender.
    pub async fn admit(&self, headers: &HeaderMap) -> Result<(), String> {
        let mut values = headers.get_all(&self.header).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(format!(
                "a token is missing: send the header `{}` once",
                self.header
            ));
        };
        let Some(token) = self.token(value.as_bytes()) else {
            return Err(format!(
                "a token is missing: `{}` begins with `{}`",
                self.header, self.scheme
            ));
        };
        let tokens = self.tokens.get().await;
        if is_among(&hash(token), &tokens) {
            Ok(())
        } else {
            Err("the token is not one that is taken here".to_owned())
        }
    }

    /// What stands behind the scheme, whose case does not matter.
    fn token<'a>(&self, value: &'a [u8]) -> Option<&'a [u8]> {
        if self.scheme.is_empty() {
            return Some(value);
        }
        let (scheme, token) = value.split_at_checked(self.scheme.len())?;
        let token = token.strip_prefix(b" ")?;
        scheme
            .eq_ignore_ascii_case(self.scheme.as_bytes())
            .then_some(token.trim_ascii())
    }
}

fn hash(token: &[u8]) -> Hash {
    Sha256::digest(token).into()
}

/// Takes as long whether it is, and whichever it is.
fn is_among(hash: &Hash, known: &[Hash]) -> bool {
    known.iter().fold(false, |found, other| {
        let difference = hash
            .iter()
            .zip(other)
            .fold(0, |bits, (a, b)| bits | (a ^ b));
        found | (black_box(difference) == 0)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn config(tokens: Tokens) -> Config {
        Config {
            name: "bearertokenauth".to_owned(),
            header: http::header::AUTHORIZATION,
            scheme: "Bearer".to_owned(),
            tokens,
        }
    }

    fn given(tokens: &[&str]) -> Config {
        config(Tokens::Given(
            tokens.iter().map(|token| (*token).to_owned()).collect(),
        ))
    }

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(http::header::AUTHORIZATION, value.parse().unwrap());
        }
        headers
    }

    #[tokio::test]
    async fn only_a_whole_token_behind_the_scheme_is_admitted() {
        let guard = Guard::new(&given(&["s3cret", "other"])).unwrap();
        for good in ["Bearer s3cret", "bearer other", "BEARER  s3cret "] {
            assert_eq!(guard.admit(&headers(&[good])).await, Ok(()), "{good}");
        }
        for bad in [
            &[][..],
            &["s3cret"],
            &["Bearer"],
            &["Bearer "],
            &["Bearers3cret"],
            &["Bearer s3cre"],
            &["Bearer s3crett"],
            &["Bearer S3CRET"],
            &["Bearer s3cret other"],
            &["Basic s3cret"],
            &["Bearer s3cret", "Bearer s3cret"],
        ] {
            let refused = guard.admit(&headers(bad)).await;
            let why = refused.expect_err("it is no token");
            assert!(!why.contains("s3cret"), "{why}");
        }
    }

    #[test]
    fn a_token_with_its_scheme_or_a_comment_is_none() {
        for wrong in ["Bearer s3cret", "# our tokens", "t\u{f6}k"] {
            let why = given(&["one", wrong]).check_any().unwrap_err();
            assert!(!why.to_string().contains("s3cret"), "{why}");
        }
        let mut whole = given(&["Custom s3cret"]);
        whole.scheme = String::new();
        assert!(whole.check_any().is_ok());
    }

    #[tokio::test]
    async fn without_a_scheme_the_header_is_the_token() {
        let mut config = given(&["one"]);
        config.scheme = String::new();
        config.header = HeaderName::from_static("x-key");
        let mut sent = HeaderMap::new();
        Bearer::new(&config).unwrap().sign(&mut sent).await;
        assert_eq!(sent["x-key"], "one");
        assert_eq!(Guard::new(&config).unwrap().admit(&sent).await, Ok(()));
    }

    #[tokio::test]
    async fn a_file_is_trimmed_and_an_exporter_wants_one_token_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let write = |bytes: &[u8]| fs::write(&file, bytes).unwrap();
        write(b"  one\r\n\n");
        let config = config(Tokens::File(file.clone()));
        let mut sent = headers(&["Basic x"]);
        Bearer::new(&config).unwrap().sign(&mut sent).await;
        assert_eq!(sent, headers(&["Bearer one"]));
        assert!(sent[http::header::AUTHORIZATION].is_sensitive());
        write(b"one\nother\n");
        assert!(config.check_any().is_ok());
        let several = config.check_one().unwrap_err();
        assert_eq!(
            (several.key, several.what.as_str()),
            ("filename", "holds several tokens")
        );
        for (bytes, what) in [
            (&b"\n \n"[..], "holds no token"),
            (&[0xff], "is not a text"),
            (
                "on\u{7f}e".as_bytes(),
                "holds a token that no header can hold",
            ),
            (&vec![b'x'; LARGEST + 1], "has more than"),
            (&b"x\n".repeat(MOST + 1), "holds more than 1000 tokens"),
        ] {
            write(bytes);
            let wrong = config.check_any().unwrap_err();
            assert!(wrong.what.contains(what), "{wrong}");
            assert!(wrong.to_string().contains("token"), "{wrong}");
        }
    }

    #[test]
    fn what_is_printed_for_debugging_holds_no_token() {
        assert!(!format!("{:?}", given(&["s3cret"])).contains("s3cret"));
    }
}
