//! The shape of a statement: its literals become `?`, comments go, blanks become one, and of equal items of a list one stays.

use std::ops::Range;

use super::dialect::Dialect;
use super::lexer::{Lexer, Token};

/// The shape of this statement; none if it is its own.
pub(super) fn shape(text: &str, dialect: Dialect) -> Option<String> {
    let mut shape = Shape::new(text);
    for (token, range) in Lexer::new(text, dialect) {
        shape.add(token, text.get(range).unwrap_or_default());
    }
    shape.end_item();
    shape.out.finish()
}

/// What was written of a shape: the beginning of the text itself, as long as it is that.
struct Out<'a> {
    text: &'a str,
    same: usize,
    own: Option<String>,
}

impl Out<'_> {
    fn as_str(&self) -> &str {
        let same = || self.text.get(..self.same).unwrap_or_default();
        self.own.as_deref().unwrap_or_else(same)
    }

    fn push(&mut self, piece: &str) {
        if let Some(own) = &mut self.own {
            own.push_str(piece);
        } else if self
            .text
            .get(self.same..)
            .is_some_and(|rest| rest.starts_with(piece))
        {
            self.same += piece.len();
        } else {
            let mut own = String::with_capacity(self.text.len());
            own.push_str(self.as_str());
            own.push_str(piece);
            self.own = Some(own);
        }
    }

    fn truncate(&mut self, length: usize) {
        match &mut self.own {
            Some(own) => own.truncate(length),
            None => self.same = length,
        }
    }

    fn finish(self) -> Option<String> {
        (self.own.is_some() || self.same < self.text.len()).then(|| self.as_str().to_owned())
    }
}

/// A list of which equal items become one: what stands in `IN (...)`, or the rows behind VALUES.
struct List {
    rows: bool,
    /// How many brackets are open around its items.
    depth: usize,
    /// Where the item at hand starts.
    item: usize,
    /// Whether a row is expected, since a comma stands before.
    expects_row: bool,
    /// The item before.
    previous: Option<Range<usize>>,
}

struct Shape<'a> {
    out: Out<'a>,
    blank: bool,
    depth: usize,
    lists: Vec<List>,
    /// Whether the word before begins a list, and then whether one of rows.
    begins: Option<bool>,
}

impl<'a> Shape<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            out: Out {
                text,
                same: 0,
                own: None,
            },
            blank: false,
            depth: 0,
            lists: Vec::new(),
            begins: None,
        }
    }

    /// Adds a token, which reads so.
    fn add(&mut self, token: Token, text: &str) {
        if token == Token::Blank {
            self.blank = true;
            return;
        }
        self.end_rows(token);
        if token == Token::Comma || token == Token::Close {
            self.end_item_at(token);
        }
        if std::mem::take(&mut self.blank) && !self.out.as_str().is_empty() {
            self.out.push(" ");
        }
        let begins = self.begins.take();
        let start = self.out.as_str().len();
        self.out.push(match token {
            Token::Literal | Token::Rest => "?",
            _ => text,
        });
        match token {
            Token::Open => self.open(begins, start),
            Token::Close => self.depth = self.depth.saturating_sub(1),
            Token::Word if text.eq_ignore_ascii_case("in") => self.begins = Some(false),
            Token::Word if text.eq_ignore_ascii_case("values") => self.begins = Some(true),
            _ => {}
        }
        self.start_item(token);
    }

    /// Ends a list of rows where something else follows.
    fn end_rows(&mut self, token: Token) {
        let Some(list) = self.lists.last() else {
            return;
        };
        let goes_on = match token {
            Token::Open => list.expects_row,
            Token::Comma => !list.expects_row,
            _ => false,
        };
        if list.rows && list.depth == self.depth && !goes_on {
            self.end_item();
            self.lists.pop();
        }
    }

    fn end_item_at(&mut self, token: Token) {
        if self
            .lists
            .last()
            .is_some_and(|list| list.depth == self.depth)
        {
            self.end_item();
            if token == Token::Close {
                self.lists.pop();
            }
        }
    }

    /// Takes the item at hand back, if it is that before once more.
    fn end_item(&mut self) {
        let written = self.out.as_str();
        let Some(list) = self.lists.last_mut() else {
            return;
        };
        let item = written.get(list.item..).unwrap_or_default();
        let start = list.item + (item.len() - item.trim_start_matches(' ').len());
        let item = item.trim_matches(' ');
        if item.is_empty() {
            return;
        }
        match &list.previous {
            Some(previous) if written.get(previous.clone()) == Some(item) => {
                let end = previous.end;
                self.out.truncate(end);
            }
            _ => list.previous = Some(start..start + item.len()),
        }
    }

    /// A bracket was opened at `start`, perhaps of a list.
    fn open(&mut self, list: Option<bool>, start: usize) {
        if let Some(rows) = list {
            self.lists.push(List {
                rows,
                depth: if rows { self.depth } else { self.depth + 1 },
                item: if rows { start } else { start + 1 },
                expects_row: false,
                previous: None,
            });
        }
        self.depth += 1;
    }

    /// What follows is another item, if this token is the comma before one.
    fn start_item(&mut self, token: Token) {
        let written = self.out.as_str().len();
        if let Some(list) = self.lists.last_mut()
            && list.depth == self.depth
        {
            list.expects_row = token == Token::Comma;
            if token == Token::Comma {
                list.item = written;
            }
        }
    }
}
