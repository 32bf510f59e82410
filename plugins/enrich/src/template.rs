//! `set` with a `template`: a text with paths in braces, for which stands what is there.

use otlet_conditions::{Type, is_above};
use otlet_plugin::{Batch, Error, Mask, Signal, Table, TextEdits, Value};

use crate::action::Verb;
use crate::config::If;
use crate::path::{Source, Target};
use crate::selection::spread;
use crate::words::Words;

#[derive(Debug)]
pub(crate) struct Template {
    target: Target,
    parts: Vec<Part>,
    sources: Vec<Source>,
}

#[derive(Debug, PartialEq)]
enum Part {
    Literal(String),
    /// What stands at the source with this index, or the default.
    Path {
        source: usize,
        default: Option<String>,
    },
}

/// A source as texts, for the rows that are rendered.
struct Column {
    words: Words,
    /// For each row rendered its row in the source's table, if that is another.
    rows: Option<Vec<usize>>,
}

impl Template {
    pub(crate) fn new(path: &str, text: &str, when: Option<If>) -> Result<Self, Error> {
        let target = Target::open(path, when).map_err(|error| error.context("set"))?;
        let taken = target.must_take(Type::Text, path);
        let mut mistakes = Vec::from_iter(taken.err().map(|error| error.context("set")));
        let mut template = Self {
            target,
            parts: Vec::new(),
            sources: Vec::new(),
        };
        let wrong = template.parse(text);
        if wrong.is_empty() && template.sources.is_empty() {
            mistakes.push("template: has no path in braces: write it as `value`".into());
        }
        mistakes.extend(wrong.into_iter().map(|wrong| wrong.context("template")));
        if mistakes.is_empty() {
            return Ok(template);
        }
        let lines: Vec<String> = mistakes.into_iter().map(Error::into).collect();
        Err(lines.join("\n").into())
    }

    /// Reads the template, and says all that is wrong with its paths, up to a brace that is wrong itself.
    fn parse(&mut self, text: &str) -> Vec<Error> {
        let mut mistakes = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, after) = rest.split_at(at);
            literal.push_str(before);
            if let Some(after) = after.strip_prefix("{{") {
                literal.push('{');
                rest = after;
            } else if let Some(after) = after.strip_prefix("}}") {
                literal.push('}');
                rest = after;
            } else if let Some(after) = after.strip_prefix('{') {
                if !literal.is_empty() {
                    self.parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                rest = match self.path(after, &mut mistakes) {
                    Ok(rest) => rest,
                    Err(wrong) => {
                        mistakes.push(wrong);
                        return mistakes;
                    }
                };
            } else {
                mistakes.push("has a } without its {: write }} for the letter itself".into());
                return mistakes;
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            self.parts.push(Part::Literal(literal));
        }
        mistakes
    }

    /// Reads what follows a brace: a path, perhaps a default, and the end. What is left follows that; a path that is wrong goes
    /// to the mistakes.
    fn path<'a>(&mut self, text: &'a str, mistakes: &mut Vec<Error>) -> Result<&'a str, Error> {
        let (mut quoted, mut escaped) = (false, false);
        let ends = |letter: char| {
            let ends = !quoted && matches!(letter, '|' | '}');
            if letter == '"' && !escaped {
                quoted = !quoted;
            }
            escaped = letter == '\\' && !escaped;
            ends
        };
        let open = || Error::new("has a { without its }: write {{ for the letter itself");
        let (path, after) = text.split_at(text.find(ends).ok_or_else(open)?);
        let (default, rest) = match after.strip_prefix('|') {
            Some(after) => {
                let (default, rest) = after.split_once('}').ok_or_else(open)?;
                (Some(default.to_owned()), rest)
            }
            None => (None, after.strip_prefix('}').unwrap_or_default()),
        };
        match self.source(path.trim()) {
            Ok(source) => {
                self.parts.push(Part::Path {
                    source: self.sources.len(),
                    default,
                });
                self.sources.push(source);
            }
            Err(wrong) => mistakes.push(wrong),
        }
        Ok(rest)
    }

    /// What a path of the template reads.
    fn source(&self, path: &str) -> Result<Source, Error> {
        let source = Source::open(path)?;
        if is_above(source.table, self.target.table) {
            return Ok(source);
        }
        Err(format!(
            "{path} is of a {}, and not of the {} that is set nor of what it is in",
            source.table, self.target.table
        )
        .into())
    }

    /// The pieces of a row's text, unless something is missing.
    fn pieces<'a>(
        &'a self,
        columns: &'a [Column],
        row: usize,
    ) -> Option<impl Iterator<Item = &'a str>> {
        let word = move |source: usize| columns.get(source)?.get(row);
        let piece = move |part: &'a Part| match part {
            Part::Literal(text) => Some(text.as_str()),
            Part::Path { source, default } => word(*source).or(default.as_deref()),
        };
        let all = self.parts.iter().all(|part| piece(part).is_some());
        all.then(|| self.parts.iter().filter_map(piece))
    }
}

impl Column {
    fn get(&self, row: usize) -> Option<&str> {
        let row = match &self.rows {
            Some(rows) => *rows.get(row)?,
            None => row,
        };
        self.words.get(row)
    }
}

impl Verb for Template {
    fn place(&self) -> (Table, Option<Signal>) {
        (self.target.table, self.target.signal)
    }

    fn apply(&self, batch: &mut Batch, when: Option<&Mask>) {
        let Some(selection) = self.target.select(batch, when) else {
            return;
        };
        // The rows of the lowest table that is read are rendered, and those below get what theirs has.
        let had = self
            .sources
            .iter()
            .filter(|source| !source.is_lacking(batch));
        let table = had
            .map(|source| source.table)
            .reduce(|one, other| if is_above(one, other) { other } else { one });
        let table = table.unwrap_or(self.target.table);
        let columns = self.sources.iter().map(|source| Column {
            words: Words::read(batch, source),
            rows: (source.table != table && !source.is_lacking(batch))
                .then(|| batch.parents(table, source.table)),
        });
        let columns: Vec<_> = columns.collect();
        if table != self.target.table {
            let text = |row| Some(Value::Text(self.pieces(&columns, row)?.collect()));
            let values = (0..batch.rows(table)).map(text);
            return spread(
                batch,
                (table, &self.target),
                &selection,
                &values.collect::<Vec<_>>(),
            );
        }
        let mut edits = TextEdits::new();
        for row in (0..batch.rows(table)).filter(|row| selection.has(*row)) {
            if let Some(pieces) = self.pieces(&columns, row) {
                edits.push_with(row, |out| pieces.for_each(|piece| out.push_str(piece)));
            }
        }
        batch.set_texts(&self.target.column, &edits);
    }
}
