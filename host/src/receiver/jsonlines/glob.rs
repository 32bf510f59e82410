//! Patterns of paths: `*`, `?`, `[a-z]`, `{a,b}` and `**`, as the Collector has them.
//!
//! The crate globset is not used: it matches bytes, so that `?` would be half of an `ä`, and leaves the search to its user.

use std::fs;
use std::path::{Path, PathBuf};

/// The most alternatives that the braces of one pattern may make.
const MAX_ALTERNATIVES: usize = 64;

/// The folders that `**` goes down.
const MAX_DEPTH: usize = 32;

/// The entries of folders that one search looks at.
const MAX_ENTRIES: usize = 100_000;

/// A pattern of paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    text: String,
    alternatives: Vec<Vec<Part>>,
}

/// What stands between two slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// A name without wildcards.
    Name(String),
    /// A name with some.
    Like(Vec<Token>),
    /// `**`: any number of folders.
    Deep,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Char(char),
    One,
    Any,
    Class {
        inverted: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Glob {
    /// Reads a pattern, or says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("is empty");
        }
        let alternatives = braces(text)?
            .iter()
            .map(|one| parts(one))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            text: text.to_owned(),
            alternatives,
        })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a path fits; one that is not absolute starts at `folder`.
    pub(super) fn matches(&self, path: &Path, folder: &Path) -> bool {
        let path = if self.text.starts_with('/') {
            path
        } else {
            let Ok(path) = path.strip_prefix(folder) else {
                return false;
            };
            path
        };
        let names: Vec<_> = path
            .to_string_lossy()
            .split('/')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        let mut alternatives = self.alternatives.iter();
        alternatives.any(|parts| fits(parts, &names))
    }

    /// Calls `found` with every path that fits and `failed` with every folder that cannot be read; whether all were looked
    /// at.
    pub(super) fn find(
        &self,
        folder: &Path,
        found: &mut dyn FnMut(PathBuf),
        failed: &mut dyn FnMut(&Path, std::io::Error),
    ) -> bool {
        let from = if self.text.starts_with('/') {
            Path::new("/")
        } else {
            folder
        };
        let mut walk = Walk {
            left: MAX_ENTRIES,
            found,
            failed,
        };
        for parts in &self.alternatives {
            walk.down(from, parts, 0);
        }
        walk.left > 0
    }
}

/// One search.
struct Walk<'a> {
    left: usize,
    found: &'a mut dyn FnMut(PathBuf),
    failed: &'a mut dyn FnMut(&Path, std::io::Error),
}

impl Walk<'_> {
    fn down(&mut self, folder: &Path, parts: &[Part], depth: usize) {
        let Some((part, rest)) = parts.split_first() else {
            return;
        };
        match part {
            Part::Name(name) => {
                let path = folder.join(name);
                if !rest.is_empty() {
                    self.down(&path, rest, depth);
                } else if path.exists() {
                    (self.found)(path);
                }
            }
            Part::Like(tokens) => {
                for name in self.names(folder) {
                    if like(tokens, &name.to_string_lossy()) {
                        let path = folder.join(name);
                        if rest.is_empty() {
                            (self.found)(path);
                        } else {
                            self.down(&path, rest, depth);
                        }
                    }
                }
            }
            Part::Deep => {
                self.down(folder, rest, depth);
                if depth == MAX_DEPTH {
                    return;
                }
                for name in self.names(folder) {
                    let path = folder.join(name);
                    // A link to a folder above would never end.
                    let is_folder = path.symlink_metadata().is_ok_and(|found| found.is_dir());
                    if is_folder {
                        self.down(&path, parts, depth + 1);
                    }
                }
            }
        }
    }

    /// The names in a folder; none if it is not there.
    fn names(&mut self, folder: &Path) -> Vec<std::ffi::OsString> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                let is_none = [
                    std::io::ErrorKind::NotFound,
                    std::io::ErrorKind::NotADirectory,
                ];
                if !is_none.contains(&error.kind()) {
                    (self.failed)(folder, error);
                }
                return vec![];
            }
        };
        let names: Vec<_> = entries
            .take(self.left)
            .filter_map(|entry| Some(entry.ok()?.file_name()))
            .collect();
        self.left -= names.len().min(self.left);
        names
    }
}

/// The alternatives that braces stand for; they do not nest.
fn braces(text: &str) -> Result<Vec<String>, &'static str> {
    let Some((before, after)) = text.split_once('{') else {
        return Ok(vec![text.to_owned()]);
    };
    let (within, after) = after.split_once('}').ok_or("has a `{` without its `}`")?;
    if within.contains('{') {
        return Err("has braces in braces");
    }
    let mut alternatives = vec![];
    for rest in braces(after)? {
        for one in within.split(',') {
            alternatives.push(format!("{before}{one}{rest}"));
        }
    }
    if alternatives.len() > MAX_ALTERNATIVES {
        return Err("stands for too many alternatives");
    }
    Ok(alternatives)
}

fn parts(text: &str) -> Result<Vec<Part>, &'static str> {
    let names = text
        .split('/')
        .filter(|name| !name.is_empty() && *name != ".");
    let parts: Vec<_> = names.map(part).collect::<Result<_, _>>()?;
    match parts.last() {
        Some(Part::Deep) | None => Err("names no file: it should end with a name, such as `*.log`"),
        Some(_) if text.ends_with('/') => Err("names a folder: add `*.log`"),
        Some(_) => Ok(parts),
    }
}

fn part(name: &str) -> Result<Part, &'static str> {
    if name == "**" {
        return Ok(Part::Deep);
    }
    let mut tokens = vec![];
    let mut characters = name.chars();
    while let Some(character) = characters.next() {
        tokens.push(match character {
            '*' => Token::Any,
            '?' => Token::One,
            '[' => class(&mut characters)?,
            '\\' => Token::Char(characters.next().ok_or("ends with a backslash")?),
            other => Token::Char(other),
        });
    }
    let plain = tokens.iter().map(|token| match token {
        Token::Char(character) => Some(*character),
        _ => None,
    });
    Ok(match plain.collect() {
        Some(name) => Part::Name(name),
        None => Part::Like(tokens),
    })
}

/// Reads what follows a `[`.
fn class(characters: &mut std::str::Chars<'_>) -> Result<Token, &'static str> {
    const OPEN: &str = "has a `[` without its `]`";
    let mut ranges = vec![];
    let mut next = characters.next().ok_or(OPEN)?;
    let inverted = matches!(next, '!' | '^');
    if inverted {
        next = characters.next().ok_or(OPEN)?;
    }
    loop {
        let first = if next == '\\' {
            characters.next().ok_or(OPEN)?
        } else {
            next
        };
        next = characters.next().ok_or(OPEN)?;
        if next == '-' {
            let last = characters.next().ok_or(OPEN)?;
            if last == ']' {
                ranges.extend([(first, first), ('-', '-')]);
                break;
            }
            ranges.push((first, last));
            next = characters.next().ok_or(OPEN)?;
        } else {
            ranges.push((first, first));
        }
        if next == ']' {
            break;
        }
    }
    Ok(Token::Class { inverted, ranges })
}

fn fits(parts: &[Part], names: &[String]) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return names.is_empty();
    };
    if *part == Part::Deep {
        let from = 0..=names.len().min(MAX_DEPTH);
        return from
            .into_iter()
            .any(|at| fits(rest, names.get(at..).unwrap_or_default()));
    }
    let Some((name, names)) = names.split_first() else {
        return false;
    };
    let fit = match part {
        Part::Name(own) => own == name,
        Part::Like(tokens) => like(tokens, name),
        Part::Deep => false,
    };
    fit && fits(rest, names)
}

/// Whether a name fits. After a mismatch only the last `*` is tried again, which is enough and keeps it quadratic.
fn like(tokens: &[Token], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let (mut token, mut at) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match (tokens.get(token), name.get(at)) {
            (None, None) => return true,
            (Some(Token::Any), _) => {
                retry = Some((token, at));
                token += 1;
                continue;
            }
            (Some(one), Some(character)) if one.takes(*character) => {
                (token, at) = (token + 1, at + 1);
                continue;
            }
            _ => {}
        }
        match retry {
            Some((star, from)) if from < name.len() => {
                retry = Some((star, from + 1));
                (token, at) = (star + 1, from + 1);
            }
            _ => return false,
        }
    }
}

impl Token {
    fn takes(&self, character: char) -> bool {
        match self {
            Self::Char(own) => *own == character,
            Self::One => true,
            Self::Any => false,
            Self::Class { inverted, ranges } => {
                let within = ranges
                    .iter()
                    .any(|(first, last)| (*first..=*last).contains(&character));
                within != *inverted
            }
        }
    }
}

#[cfg(test)]
mod tests;
