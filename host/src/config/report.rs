//! What is wrong with a config, shown where it stands: title, file, line, column, caret and cure.

mod shown;

use std::collections::{BTreeSet, HashSet};
use std::fmt::{self, Display, Formatter};
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{
    AnnotationKind, Group, Level, Renderer, Snippet, normalize_untrusted_str, renderer::DecorStyle,
};

use super::secrets;
use shown::Shown;

/// The mistakes that are shown; a file with more is told how many more.
const SHOWN: usize = 50;

/// The names that a message lists, and those that are searched for the one that was meant.
const NAMED: usize = 20;
const SEARCHED: usize = 100;

/// The characters of a key or value that a message repeats.
const REPEATED: usize = 60;

/// A config file as it was read.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) text: String,
}

/// Bytes of the file that a mistake is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Something wrong, and what to do about it.
#[derive(Clone, Debug)]
pub(super) struct Mistake {
    /// Whether it keeps the config from being used.
    fatal: bool,
    /// Where it is, if it is at a place.
    place: Option<Place>,
    /// What is wrong, in one line.
    what: String,
    /// What to write instead, in one line.
    cure: String,
    /// What was written, and the names of which one may have been meant.
    meant: Option<Box<(String, Names)>>,
    /// Another place that belongs to it, and what that is.
    other: Option<(Place, &'static str)>,
}

/// Names that somebody may have meant: the first of them, since each is compared letter by letter.
#[derive(Clone, Debug)]
pub(super) struct Names(Arc<[String]>);

/// Every mistake in a config file, in the file's order. Its `Display` is plain text; see also [`Report::render`].
#[derive(Clone, Debug)]
pub struct Report {
    source: Arc<Source>,
    mistakes: Vec<Mistake>,
    /// What of the file is not shown.
    secrets: BTreeSet<Place>,
}

impl Mistake {
    /// Something that keeps the config from being used.
    pub(super) fn error(place: Place, what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            fatal: true,
            place: Some(place),
            what: what.into(),
            cure: cure.into(),
            meant: None,
            other: None,
        }
    }

    /// Something to be told of that keeps nothing from running.
    pub(super) fn warning(place: Place, what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            fatal: false,
            ..Self::error(place, what, cure)
        }
    }

    /// An error of the file as a whole.
    pub(super) fn of_file(what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            place: None,
            ..Self::error(Place { start: 0, end: 0 }, what, cure)
        }
    }

    /// Whether it keeps the config from being used.
    pub(super) fn is_fatal(&self) -> bool {
        self.fatal
    }

    /// Shows another place as well.
    pub(super) fn and(mut self, place: Place, label: &'static str) -> Self {
        self.other = Some((place, label));
        self
    }

    /// Offers the one of the names that was probably meant, if one is near, in place of the cure. It is searched for only
    /// if the mistake is shown: a file has room for a hundred thousand mistakes.
    pub(super) fn or_meant(mut self, written: &str, names: &Names) -> Self {
        self.meant = Some(Box::new((beginning(written).to_owned(), names.clone())));
        self
    }

    fn cure(&self) -> String {
        let meant = self.meant.as_deref();
        meant
            .and_then(|(written, names)| names.nearest(written))
            .map_or_else(
                || self.cure.clone(),
                |name| format!("did you mean `{name}`?"),
            )
    }

    fn render<'a>(&'a self, source: &'a Source, shown: &'a Shown<'_>) -> Group<'a> {
        let level = if self.fatal {
            Level::ERROR
        } else {
            Level::WARNING
        };
        let title = level.primary_title(normalize_untrusted_str(&self.what));
        let cure = self.cure();
        let help = (!cure.is_empty()).then(|| Level::HELP.message(normalize_untrusted_str(&cure)));
        let Some(place) = self.place else {
            return Group::with_title(title)
                .element(annotate_snippets::Origin::path(source.name.as_str()))
                .elements(help);
        };
        let span = |place: Place| shown.span(place.shown(&source.text));
        let other = self
            .other
            .map(|(place, label)| AnnotationKind::Context.span(span(place)).label(label));
        let snippet = Snippet::source(&*shown.text)
            .path(source.name.as_str())
            .annotation(AnnotationKind::Primary.span(span(place)))
            .annotations(other);
        Group::with_title(title).element(snippet).elements(help)
    }
}

impl Place {
    /// The part of the place on its first line, on whole characters of the text.
    fn shown(self, text: &str) -> Range<usize> {
        let start = text.floor_char_boundary(self.start);
        let end = text.floor_char_boundary(self.end.max(start));
        let line = text.get(start..end).and_then(|part| part.lines().next());
        let shown = line.unwrap_or_default().trim_end_matches([' ', '\r']).len();
        let before = text.get(..start).unwrap_or_default().trim_end();
        match before.char_indices().next_back() {
            // Where nothing is written, as at the end of the file, the last character before it is shown.
            Some((last, _)) if shown == 0 => last..before.len(),
            _ => start..start + shown,
        }
    }
}

impl Names {
    /// The name that was probably meant, if one is near.
    fn nearest(&self, written: &str) -> Option<&str> {
        let near = |name: &'_ String| {
            let far = strsim::damerau_levenshtein(written, beginning(name));
            (far <= 1 + name.len() / 4 && far < name.len()).then_some(far)
        };
        self.0
            .iter()
            .filter_map(|name| near(name).map(|far| (far, name)))
            .min_by_key(|(far, _)| *far)
            .map(|(_, name)| name.as_str())
    }
}

impl<T: AsRef<str>> FromIterator<T> for Names {
    fn from_iter<I: IntoIterator<Item = T>>(names: I) -> Self {
        let names = names.into_iter().take(SEARCHED);
        Self(names.map(|name| name.as_ref().to_owned()).collect())
    }
}

impl Report {
    /// A report that shows nothing of what stands at the places of secrets.
    pub(super) fn new(
        source: Arc<Source>,
        mut mistakes: Vec<Mistake>,
        mut secrets: BTreeSet<Place>,
    ) -> Self {
        mistakes.sort_by_key(|mistake| mistake.place.map_or(0, |place| place.start));
        // What an alias repeats is wrong once.
        mistakes.dedup_by(|a, b| a.place == b.place && a.what == b.what);
        // What is wrong anyway need not be warned about.
        let wrong: HashSet<usize> = mistakes
            .iter()
            .filter(|mistake| mistake.fatal)
            .filter_map(|mistake| mistake.place.map(|place| place.start))
            .collect();
        mistakes.retain(|mistake| {
            let at = mistake.place.map(|place| place.start);
            mistake.fatal || !at.is_some_and(|at| wrong.contains(&at))
        });
        secrets.extend(secrets::all_credentials(&source.text));
        Self {
            source,
            mistakes,
            secrets,
        }
    }

    /// Whether there is nothing to report.
    pub fn is_empty(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// How many of the mistakes keep the config from being used; the rest are warnings.
    pub fn errors(&self) -> usize {
        self.mistakes.iter().filter(|mistake| mistake.fatal).count()
    }

    /// The mistakes as text, with colours for a terminal if `styled`.
    pub fn render(&self, styled: bool) -> String {
        let renderer = if styled {
            Renderer::styled()
        } else {
            Renderer::plain()
        }
        .decor_style(DecorStyle::Ascii);
        let text = Shown::new(&self.source.text, &self.secrets);
        let shown = self.mistakes.iter().take(SHOWN);
        let mut parts: Vec<String> = shown
            .map(|mistake| renderer.render(&[mistake.render(&self.source, &text)]))
            .collect();
        if let Some(more @ 1..) = self.mistakes.len().checked_sub(SHOWN) {
            parts.push(format!("and {more} more"));
        }
        parts.join("\n\n")
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

/// A key or a value from the file as a message repeats it: on one line, not endless, in backticks, without what looks like a
/// secret in it.
pub(super) fn quoted(text: &str) -> String {
    let text = secrets::shown(text);
    let beginning = beginning(&text);
    let shown: String = beginning
        .chars()
        .flat_map(|c| {
            let escape = c.is_control().then(|| c.escape_default());
            let plain = escape.is_none().then_some(c);
            escape.into_iter().flatten().chain(plain)
        })
        .collect();
    let more = if beginning.len() < text.len() {
        "..."
    } else {
        ""
    };
    format!("`{shown}{more}`")
}

/// Names in a sentence: `` `a`, `b` and `c` ``.
pub(super) fn listed<T: AsRef<str>>(names: &[T], last: &str) -> String {
    let shown = names.iter().take(NAMED).map(|name| quoted(name.as_ref()));
    let more = names.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("{more} more"));
    let names: Vec<String> = shown.chain(more).collect();
    match names.split_last() {
        Some((end, rest)) if !rest.is_empty() => format!("{} {last} {end}", rest.join(", ")),
        Some((end, _)) => end.clone(),
        None => String::new(),
    }
}

/// What a message repeats of a text, and what is compared of it.
fn beginning(text: &str) -> &str {
    text.char_indices()
        .nth(REPEATED)
        .and_then(|(end, _)| text.get(..end))
        .unwrap_or(text)
}
