//! Finds the people of the corpus by what is known of them: their values, not patterns of e-mails or cards.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use otlet_tests::backend::Request;
use serde_json::Value;

use crate::corpus;

/// The values to look for.
pub(crate) struct Scanner {
    emails: Vec<String>,
    cards: Vec<String>,
    tokens: Vec<String>,
    phones: Vec<String>,
    addresses: Vec<String>,
    passwords: Vec<String>,
    /// The key of a payment provider's API.
    key: String,
    decoys: Vec<String>,
}

/// How many fields hold a value, by value.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// E-mails, however they are percent-encoded.
    pub(crate) emails: BTreeMap<String, usize>,
    /// Cards, with their digits parted or not.
    pub(crate) cards: BTreeMap<String, usize>,
    /// Bearer tokens and JSON Web Tokens.
    pub(crate) tokens: BTreeMap<String, usize>,
    /// Phone numbers, with their digits parted or not.
    pub(crate) phones: BTreeMap<String, usize>,
    /// IP addresses.
    pub(crate) addresses: BTreeMap<String, usize>,
    /// Passwords, however they are percent-encoded.
    pub(crate) passwords: BTreeMap<String, usize>,
    /// What looks like one of these and is none.
    pub(crate) decoys: BTreeMap<String, usize>,
}

impl Found {
    /// Whether nothing is left that should be hidden.
    pub(crate) fn is_clean(&self) -> bool {
        [
            &self.emails,
            &self.cards,
            &self.tokens,
            &self.phones,
            &self.addresses,
            &self.passwords,
        ]
        .into_iter()
        .all(BTreeMap::is_empty)
    }
}

impl Scanner {
    /// A scanner for all that was planted.
    pub(crate) fn new() -> Self {
        let planted: Value = serde_json::from_slice(&corpus::read("planted.json")).unwrap();
        let people = planted["people"].as_array().unwrap();
        let all = |key: &str| {
            people
                .iter()
                .map(|person| person[key].as_str().unwrap().to_lowercase())
                .collect::<Vec<_>>()
        };
        let mut emails = all("email");
        emails.push(planted["ops_email"].as_str().unwrap().to_lowercase());
        let decoys = planted["decoys_strict"].as_object().unwrap();
        Self {
            emails,
            cards: all("card"),
            tokens: all("token"),
            phones: all("phone").iter().map(|phone| digits(phone)).collect(),
            addresses: all("ip"),
            passwords: all("password"),
            key: planted["cli_api_key"].as_str().unwrap().to_lowercase(),
            decoys: decoys
                .values()
                .map(|decoy| decoy.as_str().unwrap().to_lowercase())
                .collect(),
        }
    }

    /// Whether a text is one of the planted values, in any spelling.
    pub(crate) fn is_planted(&self, text: &str) -> bool {
        let [decoded, joined] = readings(text);
        let is = |all: &[String], text: &str| all.iter().any(|it| *it == text);
        is(&self.emails, &decoded)
            || is(&self.cards, &joined)
            || is(&self.tokens, &decoded)
            || is(&self.phones, &joined)
            || is(&self.addresses, &decoded)
            || is(&self.passwords, &decoded)
            || decoded == self.key
    }

    /// Whether a text ends with a planted token, as an authorization header does.
    pub(crate) fn ends_with_planted(&self, text: &str) -> bool {
        let [decoded, _] = readings(text);
        self.tokens.iter().any(|token| decoded.ends_with(token))
    }

    /// Looks through every field of these requests. Those of a resource and a scope count once, however often the two come.
    pub(crate) fn scan(&self, requests: &[Request]) -> Found {
        let mut found = Found::default();
        let mut seen = BTreeSet::new();
        for request in requests {
            let value = match request {
                Request::Traces(request) => serde_json::to_value(request),
                Request::Metrics(request) => serde_json::to_value(request),
                Request::Logs(request) => serde_json::to_value(request),
            };
            let Value::Object(resources) = value.unwrap() else {
                panic!("a request is an object");
            };
            for (signal, resources) in &resources {
                for resource in resources.as_array().unwrap() {
                    self.scan_resource(signal, resource, &mut seen, &mut found);
                }
            }
        }
        found
    }

    fn scan_resource(
        &self,
        signal: &str,
        resource: &Value,
        seen: &mut BTreeSet<String>,
        found: &mut Found,
    ) {
        let scopes = signal.replace("resource", "scope");
        for scope in resource[scopes].as_array().unwrap() {
            let of_records = |name: &&String| *name != "scope";
            for name in scope.as_object().unwrap().keys().filter(of_records) {
                self.walk(&scope[name], found);
            }
            let pair = [&resource["resource"], &scope["scope"]];
            if seen.insert(format!("{signal} {} {}", pair[0], pair[1])) {
                for value in pair {
                    self.walk(value, found);
                }
            }
        }
    }

    fn walk(&self, value: &Value, found: &mut Found) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => self.field(&number.to_string(), found),
            Value::String(text) => self.field(text, found),
            Value::Array(values) => {
                for value in values {
                    self.walk(value, found);
                }
            }
            Value::Object(members) => {
                for (name, value) in members {
                    if name == "bytesValue" {
                        let bytes = STANDARD.decode(value.as_str().unwrap()).unwrap();
                        self.field(&String::from_utf8_lossy(&bytes), found);
                    } else {
                        self.walk(value, found);
                    }
                }
            }
        }
    }

    fn field(&self, text: &str, found: &mut Found) {
        let [decoded, joined] = readings(text);
        let text = text.to_lowercase();
        count(&mut found.emails, &self.emails, |it| decoded.contains(it));
        count(&mut found.cards, &self.cards, |it| joined.contains(it));
        count(&mut found.tokens, &self.tokens, |it| decoded.contains(it));
        count(&mut found.phones, &self.phones, |it| joined.contains(it));
        count(&mut found.addresses, &self.addresses, |it| {
            has_address(&decoded, it)
        });
        count(&mut found.passwords, &self.passwords, |it| {
            decoded.contains(it)
        });
        count(&mut found.decoys, &self.decoys, |it| text.contains(it));
    }
}

/// A text in lower case without percent-encoding, and without what stands between digits.
fn readings(text: &str) -> [String; 2] {
    let decoded = percent_decoded(&text.to_lowercase());
    let joined = digits(&decoded);
    [decoded, joined]
}

/// A text without what stands between the digits of cards and phone numbers.
fn digits(text: &str) -> String {
    text.replace([' ', '-', '+', '(', ')'], "")
}

/// Whether an IP address stands in a text, and not as a part of another.
fn has_address(text: &str, address: &str) -> bool {
    let around: Vec<_> = text.split(address).collect();
    around.windows(2).any(|around| {
        let goes_on = around[1].starts_with(|char: char| char == '.' || char.is_ascii_digit());
        !around[0].ends_with('.') && !goes_on
    })
}

fn count(found: &mut BTreeMap<String, usize>, all: &[String], is_in: impl Fn(&str) -> bool) {
    for value in all {
        if is_in(value) {
            *found.entry(value.clone()).or_default() += 1;
        }
    }
}

/// Decodes until there is nothing left to decode.
fn percent_decoded(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = tail
            .first_chunk::<2>()
            .filter(|_| *first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    let decoded = String::from_utf8_lossy(&decoded).into_owned();
    if decoded.len() == text.len() {
        decoded
    } else {
        percent_decoded(&decoded)
    }
}

#[test]
fn the_scanner_finds_every_spelling() {
    for text in ["a%2540b.c", "a%40b.c", "a@b.c"] {
        assert_eq!(percent_decoded(text), "a@b.c");
    }
    assert_eq!(percent_decoded("100%, %zz, %4"), "100%, %zz, %4");
}
