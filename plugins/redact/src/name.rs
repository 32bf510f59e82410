//! Which names name a secret, in whatever case and punctuation: `api_key`, `X-Api-Key`, `http.request.header.x_api_key`.

/// The most of a name that is looked at, from its end.
const LONGEST: usize = 48;
/// A parameter that is not always a secret is one when its value is at least this long.
pub(crate) const LONG_VALUE: usize = 16;

/// A name that ends so, its punctuation aside, names a secret.
const SECRETS: [&str; 38] = [
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "passcode",
    "passwordhash",
    "passwordsalt",
    "passwordconfirm",
    "passwordconfirmation",
    "passwordagain",
    "pwd",
    "dbpass",
    "userpass",
    "smtppass",
    "requirepass",
    "secret",
    "secrets",
    "token",
    "authtokens",
    "apikey",
    "apikeys",
    "accesskey",
    "secretkey",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "masterkey",
    "accountkey",
    "sharedkey",
    "authkey",
    "subscriptionkey",
    "authorization",
    "credential",
    "credentials",
    "cookie",
    "cookies",
    "cvv",
    "cvc",
];
/// In a URL's query these whole names name a secret too.
const IN_URLS: [&str; 12] = [
    "auth",
    "pass",
    "sig",
    "signature",
    "jsessionid",
    "phpsessid",
    "awsaccesskeyid",
    "samlresponse",
    "xamzsignature",
    "xgoogsignature",
    "oauthsignature",
    "oauthverifier",
];
/// And these, if the value is long: `?key=AIza...`, but not `?key=user:42`.
const LONG_IN_URLS: [&str; 8] = [
    "key",
    "code",
    "sid",
    "session",
    "sessionid",
    "ticket",
    "assertion",
    "hmac",
];

/// Tokens that are none: where the next page begins, what stops a task, and the name of a .NET assembly.
const OPEN_TOKENS: [&str; 5] = [
    "pagetoken",
    "nexttoken",
    "continuationtoken",
    "cancellationtoken",
    "publickeytoken",
];
/// Secrets that machines make: a word of a sentence is none.
const MADE: [&str; 6] = [
    "token",
    "secret",
    "secrets",
    "authorization",
    "credential",
    "credentials",
];

/// What a name says about its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// It is a secret.
    Secret,
    /// It is one that a machine made.
    Made,
    /// It is one that goes on to the end of the line, or over a list.
    Cookie,
    /// It is one unless it is a directory: `PWD`.
    NoDirectory,
    /// It is one unless it is a number: `pass`.
    NoNumber,
    /// It is one in a URL.
    InUrl,
    /// It is one in a URL if it is long.
    LongInUrl,
    /// Nothing.
    Open,
}

impl Secrecy {
    /// Whether a name that says this has no secret in this value.
    pub(crate) fn spares(self, value: &[u8]) -> bool {
        match self {
            Self::NoDirectory => {
                let path = value.strip_prefix(b"~").unwrap_or(value);
                path.is_empty() || path.starts_with(b"/") || value.get(1..3) == Some(b":\\")
            }
            Self::NoNumber => value
                .iter()
                .all(|byte| byte.is_ascii_digit() || *byte == b'.'),
            Self::LongInUrl => value.len() < LONG_VALUE,
            Self::Open => true,
            Self::Secret | Self::Made | Self::Cookie | Self::InUrl => false,
        }
    }
}

/// The names that values have in lists of names and values.
pub(crate) const VALUES: [&str; 2] = ["value", "val"];
/// Of each letter, a bit for each one that stands before it at the end of a name that says something.
static ENDINGS: [u32; 32] = endings();

/// Whether a name may say something that ends with these two letters, in whatever case.
pub(crate) fn may_end(second_last: u8, last: u8) -> bool {
    let before = ENDINGS.get(usize::from(last & 31)).copied().unwrap_or(0);
    before >> (second_last & 31) & 1 == 1
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses a wrong index"
)]
const fn endings() -> [u32; 32] {
    let mut endings = [0; 32];
    let mut lists: &[&[&str]] = &[&SECRETS, &IN_URLS, &LONG_IN_URLS, &["pass"], &VALUES];
    while let [names, more @ ..] = lists {
        let mut names: &[&str] = names;
        while let [name, others @ ..] = names {
            if let [.., before, last] = name.as_bytes() {
                endings[(*last & 31) as usize] |= 1 << (*before & 31);
            }
            names = others;
        }
        lists = more;
    }
    endings
}

/// What this name says about its value, in a URL's query or elsewhere.
pub(crate) fn secrecy(name: &[u8], query: bool) -> Secrecy {
    let mut letters = [0_u8; LONGEST];
    let letters = squeeze(name, &mut letters);
    let ends = |words: &[&str]| words.iter().any(|word| ends_with(letters, word.as_bytes()));
    let is = |words: &[&str]| words.iter().any(|word| letters == word.as_bytes());
    if ends_as_secret(letters) && ends(&SECRETS) && !ends(&OPEN_TOKENS) {
        if ends(&["cookie", "cookies"]) {
            Secrecy::Cookie
        } else if ends(&MADE) {
            Secrecy::Made
        } else if letters.ends_with(b"pwd") && is_directory(name) {
            Secrecy::NoDirectory
        } else {
            Secrecy::Secret
        }
    } else if query && is(&IN_URLS) {
        Secrecy::InUrl
    } else if query && is(&LONG_IN_URLS) {
        Secrecy::LongInUrl
    } else if letters == b"pass" {
        Secrecy::NoNumber
    } else {
        Secrecy::Open
    }
}

/// Whether these letters end with this word. The last ones tell most words apart without a call.
fn ends_with(letters: &[u8], word: &[u8]) -> bool {
    word.last_chunk::<3>() == letters.last_chunk() && letters.ends_with(word)
}

/// Whether this is the variable of the working directory, perhaps as an attribute: `PWD`, `process.env.OLDPWD`.
fn is_directory(name: &[u8]) -> bool {
    let last = name.rsplit(|&byte| byte == b'.').next();
    last.is_some_and(|last| {
        last.eq_ignore_ascii_case(b"pwd") || last.eq_ignore_ascii_case(b"oldpwd")
    })
}

/// Whether the last letters are those of any of [`SECRETS`]: spares most names the list.
fn ends_as_secret(letters: &[u8]) -> bool {
    letters.last_chunk::<3>().is_some_and(|last| {
        matches!(
            last,
            b"ord"
                | b"rds"
                | b"swd"
                | b"pwd"
                | b"ase"
                | b"ode"
                | b"ash"
                | b"alt"
                | b"irm"
                | b"ion"
                | b"ain"
                | b"ass"
                | b"ret"
                | b"ets"
                | b"ken"
                | b"ens"
                | b"key"
                | b"eys"
                | b"ial"
                | b"als"
                | b"kie"
                | b"ies"
                | b"cvv"
                | b"cvc"
        )
    })
}

/// Whether this name names the id of a span or trace, which may look like a card's number.
pub(crate) fn is_id_name(name: &[u8]) -> bool {
    let mut letters = [0_u8; LONGEST];
    let letters = squeeze(name, &mut letters);
    [b"spanid".as_slice(), b"traceid", b"parentid"]
        .iter()
        .any(|word| letters.ends_with(word))
}

/// The letters and digits of a name in lower case, without digits at its end.
fn squeeze<'a>(name: &[u8], room: &'a mut [u8; LONGEST]) -> &'a [u8] {
    let end = name
        .iter()
        .rposition(u8::is_ascii_alphabetic)
        .map_or(0, |last| last + 1);
    let letters = name
        .get(..end)
        .unwrap_or_default()
        .iter()
        .rev()
        .filter(|byte| byte.is_ascii_alphanumeric());
    let mut start = LONGEST;
    for (place, letter) in room.iter_mut().rev().zip(letters) {
        *place = letter.to_ascii_lowercase();
        start -= 1;
    }
    room.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{SECRETS, Secrecy, is_id_name, secrecy};

    fn is_secret(name: &[u8]) -> bool {
        secrecy(name, false) != Secrecy::Open
    }

    #[test]
    fn names_of_secrets_are_known_in_any_spelling() {
        for name in [
            "password",
            "Password",
            "DB_PASSWORD",
            "user.password",
            "newPassword2",
            "passwd",
            "api_key",
            "X-Api-Key",
            "apiKey",
            "access_token",
            "id-token",
            "csrfToken",
            "client_secret",
            "aws_secret_access_key",
            "Authorization",
            "http.request.header.proxy_authorization",
            "http.request.header.cookie",
            "Set-Cookie",
            "private_key",
            "X-Amz-Credential",
            "SECRETS",
            "pwd",
            "cvv2",
            "password_hash",
            "user[password",
            "--password",
            "pass",
        ] {
            assert!(is_secret(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn other_names_are_not() {
        for name in [
            "gen_ai.usage.output_tokens",
            "token_type",
            "token.count",
            "secret_name",
            "k8s.secret.name",
            "key",
            "routing_key",
            "primary_key",
            "author",
            "authorized",
            "cookie_domain",
            "cwd",
            "passed",
            "tests.pass",
            "next_page_token",
            "continuationToken",
            "session.id",
            "user.email",
            "credentials checked",
            "",
            "2",
            "authorization_url",
            "monkey",
        ] {
            assert!(!is_secret(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn some_names_spare_some_values() {
        for (name, value, spared) in [
            ("PWD", "/home/alice", true),
            ("process.env.OLDPWD", "~", true),
            ("PWD", "C:\\Users", true),
            ("pwd", "hunter2", false),
            ("MYSQL_PWD", "/hunter2", false),
            ("pass", "17", true),
            ("pass", "hunter2", false),
            ("password", "17", false),
            ("name", "hunter2", true),
        ] {
            let spares = secrecy(name.as_bytes(), false).spares(value.as_bytes());
            assert_eq!(spares, spared, "{name}={value}");
        }
    }

    #[test]
    fn urls_have_names_of_their_own() {
        assert_eq!(secrecy(b"X-Amz-Signature", true), Secrecy::InUrl);
        assert_eq!(secrecy(b"sig", true), Secrecy::InUrl);
        assert_eq!(secrecy(b"sig", false), Secrecy::Open);
        assert_eq!(secrecy(b"key", true), Secrecy::LongInUrl);
        assert_eq!(secrecy(b"q", true), Secrecy::Open);
        assert_eq!(secrecy(b"design", true), Secrecy::Open);
    }

    #[test]
    fn no_secret_is_missed_by_its_last_letters() {
        for name in SECRETS {
            assert!(is_secret(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn names_of_ids_are_known() {
        for name in [
            "span_id",
            "otelSpanID",
            "dd.trace_id",
            "parent.id",
            "parentSpanId",
        ] {
            assert!(is_id_name(name.as_bytes()), "{name}");
        }
        assert!(!is_id_name(b"card_id"));
    }

    #[test]
    fn a_long_name_is_judged_by_its_end() {
        assert!(is_secret(
            ["x".repeat(5000).as_str(), "_password"].concat().as_bytes()
        ));
    }
}
