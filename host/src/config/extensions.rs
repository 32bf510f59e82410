//! Reads `extensions`: tokens, as the Collector's `bearertokenauth` has them, and `auth`, which names one.

use std::cell::Cell;
use std::path::Path;

use http::HeaderName;

use crate::auth::{Config, Tokens};

use super::component::{Kind, type_of};
use super::reader::{Mistakes, Reader, place_of_value};
use super::report::{Mistake, Names, Place, listed, quoted};
use super::tls;
use super::yaml::{Entry, Value};

/// Every extension of the config.
pub(super) struct Extensions<'a> {
    list: Vec<Extension>,
    /// Where the paths of files start.
    pub(super) folder: &'a Path,
    mistakes: &'a Mistakes,
}

struct Extension {
    name: String,
    place: Place,
    /// None beside a mistake if it cannot be used.
    config: Option<Config>,
    /// Whether a receiver or exporter names it.
    used: Cell<bool>,
}

impl AsRef<str> for Extension {
    fn as_ref(&self) -> &str {
        &self.name
    }
}

/// Who demands a token, or sends it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// A receiver, which takes any of several.
    Receiver,
    /// An exporter, which sends one.
    Exporter,
}

impl<'a> Extensions<'a> {
    /// Reads each of them.
    pub(super) fn read(entries: &[Entry], folder: &'a Path, mistakes: &'a Mistakes) -> Self {
        let read = |entry: &Entry| {
            let known = type_of(Kind::Extension, entry);
            let config = match known {
                Ok(_bearer) => {
                    let reader = Reader::new(entry.place, &entry.value, mistakes);
                    read_bearer(&entry.key, reader, folder)
                }
                Err(mistake) => {
                    mistakes.borrow_mut().push(mistake);
                    None
                }
            };
            Extension {
                name: entry.key.clone(),
                place: entry.place,
                config,
                used: Cell::new(false),
            }
        };
        Self {
            list: entries.iter().map(read).collect(),
            folder,
            mistakes,
        }
    }

    /// Reads `auth` of a receiver or exporter: the tokens that it names, and where.
    pub(super) fn authenticator(
        &self,
        reader: &mut Reader<'_>,
        side: Side,
    ) -> Option<(Config, Place)> {
        let mut auth = reader.section("auth")?;
        let name = tls::text(&mut auth, "authenticator");
        let place = auth.place_of("authenticator");
        if !auth.has("authenticator") {
            let cure = "write `auth: { authenticator: bearertokenauth }`";
            auth.report(Mistake::error(place, "`auth` names no extension", cure));
        }
        let is_quotable = !auth.is_hidden("authenticator");
        auth.finish();
        let name = name?;
        let Some(found) = self.list.iter().find(|one| one.name == name) else {
            let shown = if is_quotable { name.as_str() } else { "..." };
            self.report(self.missing(shown, place));
            return None;
        };
        found.used.set(true);
        let config = found.config.clone()?;
        let checked = match side {
            Side::Receiver => config.check_any(),
            Side::Exporter => config.check_one(),
        };
        if let Err(wrong) = checked {
            let (what, cure) = (wrong.what, wrong.cure);
            let what = format!(
                "`{}` of extension {} {what}",
                wrong.key,
                quoted(&found.name)
            );
            self.report(
                Mistake::error(place, what, cure).and(found.place, "the extension is here"),
            );
            return None;
        }
        Some((config, place))
    }

    /// Checks `extensions` of `service`, which must name those that are used.
    pub(super) fn check_started(&self, started: &[(&str, Place)]) {
        for (name, place) in started {
            if !self.list.iter().any(|one| one.name == *name) {
                self.report(self.missing(name, *place));
            }
        }
        for one in &self.list {
            let is_started = started.iter().any(|(name, _)| one.name == *name);
            let name = quoted(&one.name);
            if !is_started && one.used.get() {
                let what = format!("extension {name} is used and not started");
                let cure = format!("add it to `service`: `extensions: [{}]`", one.name);
                self.report(Mistake::error(one.place, what, cure));
            } else if !one.used.get() && one.config.is_some() {
                let what =
                    format!("extension {name} is used by no receiver or exporter and does nothing");
                let cure = format!(
                    "name it in one of them: `auth: {{ authenticator: {} }}`, or remove it",
                    one.name
                );
                self.report(Mistake::warning(one.place, what, cure));
            }
        }
    }

    fn missing(&self, name: &str, place: Place) -> Mistake {
        let what = format!("no extension is named {}", quoted(name));
        let cure = if self.list.is_empty() {
            "add it to `extensions`, which has none".to_owned()
        } else {
            let is = if self.list.len() == 1 { "is" } else { "are" };
            format!(
                "there {is} {}; or add it to `extensions`",
                listed(&self.list, "and")
            )
        };
        let names: Names = self.list.iter().collect();
        Mistake::error(place, what, cure).or_meant(name, &names)
    }

    fn report(&self, mistake: Mistake) {
        self.mistakes.borrow_mut().push(mistake);
    }
}

/// Reads one `bearertokenauth`.
fn read_bearer(name: &str, mut reader: Reader<'_>, folder: &Path) -> Option<Config> {
    let scheme = reader.text("scheme", "a word", "write `scheme: Bearer`", |text| {
        let fits = text.chars().all(|c| c.is_ascii_graphic());
        fits.then(|| text.to_owned()).ok_or_else(|| {
            let cure = "write one word, such as `Bearer`".to_owned();
            (format!("{} is no scheme", quoted(text)), cure)
        })
    });
    let header = reader.text(
        "header",
        "a header",
        "write `header: authorization`",
        |text| {
            HeaderName::from_bytes(text.as_bytes()).map_err(|_wrong| {
                let cure = "use letters, digits and hyphens: `authorization`".to_owned();
                (
                    format!("{} is not the name of a header", quoted(text)),
                    cure,
                )
            })
        },
    );
    let tokens = read_tokens(&mut reader, folder);
    let config = tokens.map(|tokens| Config {
        name: name.to_owned(),
        header: header.unwrap_or(http::header::AUTHORIZATION),
        scheme: scheme.unwrap_or_else(|| "Bearer".to_owned()),
        tokens,
    });
    if let Some(Err(wrong)) = config.as_ref().map(Config::check_any) {
        reader.report(tls::mistake(&reader, &wrong));
        reader.finish();
        return None;
    }
    reader.finish();
    config
}

/// Reads `token`, `tokens` or `filename`, of which there must be one.
fn read_tokens(reader: &mut Reader<'_>, folder: &Path) -> Option<Tokens> {
    let token = tls::text(reader, "token");
    let several = reader.has("tokens").then(|| list(reader));
    let file = tls::path(reader, "filename", folder);
    let written: Vec<&str> = ["token", "tokens", "filename"]
        .into_iter()
        .filter(|key| reader.has(key))
        .collect();
    match written.as_slice() {
        [_] => {}
        [] => {
            let what = "there is no token";
            let cure = "write `filename: token.txt`, or `token: ${env:TOKEN}`";
            reader.report(Mistake::error(reader.place(), what, cure));
            return None;
        }
        [first, second, ..] => {
            let what = format!("`{first}` and `{second}` both say what the token is");
            reader.report(Mistake::error(
                reader.place_of(second),
                what,
                "remove one of the two",
            ));
            return None;
        }
    }
    match (token, several, file) {
        (Some(token), _, _) => Some(Tokens::Given(vec![token])),
        (_, Some(several), _) => several.map(Tokens::Given),
        (_, _, file) => file.map(Tokens::File),
    }
}

fn list(reader: &mut Reader<'_>) -> Option<Vec<String>> {
    let entry = reader.entry("tokens")?;
    let texts: Option<Vec<String>> = match &entry.value.value {
        Value::Unknown => return None,
        Value::List(items) => items
            .iter()
            .map(|item| match &item.value {
                Value::Scalar(scalar) if !item.is_null() => Some(scalar.text.clone()),
                _ => None,
            })
            .collect(),
        _ => None,
    };
    if texts.is_none() {
        let cure = "write `tokens: [\"${env:TOKEN}\", \"${env:OTHER}\"]`";
        let place = place_of_value(entry);
        reader.report(Mistake::error(
            place,
            "`tokens` is not a list of texts",
            cure,
        ));
    }
    texts
}
