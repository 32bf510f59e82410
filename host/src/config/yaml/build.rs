//! Builds the tree from the parser's events, rather than by its own loader, so that every repeated key is reported, and
//! size, depth and what aliases expand to are bounded before anything walks the tree.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::super::report::{Mistake, Place, quoted};
use super::super::secrets;
use super::{Entry, Node, Scalar, Value, syntax};

/// The bytes that the tree may take in memory, its anchors and aliases filled in: about 130,000 values.
const MAX_WEIGHT: usize = 16 << 20;

/// What a value takes beside its text.
const NODE_WEIGHT: usize = 128;

/// How deep values lie in one another: plugins read JSON by recursion.
const MAX_DEPTH: usize = 64;

/// How deep the names of components lie, which say nothing about what is below.
const COMPONENTS: usize = 2;

/// Reads a file's text; the mistakes are those that leave the tree usable, the error is one that does not. What stands under the
/// names of secrets is hidden, and its places are added to `secrets`.
pub(in crate::config) fn read(
    text: &str,
    mistakes: &mut Vec<Mistake>,
    secrets: &mut BTreeSet<Place>,
) -> Result<Option<Node>, Mistake> {
    let mut builder = Builder::new(text, mistakes, secrets);
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let at = builder.byte(error.marker().index());
            syntax::mistake(text, at, error.info())
        })?;
        builder.take(event, span)?;
    }
    let mut root = builder.root;
    if let Some(root) = root.as_mut().filter(|_| !secrets.is_empty()) {
        root.hide(secrets);
    }
    Ok(root)
}

/// A list or mapping that is not finished.
struct Open {
    node: Node,
    anchor: usize,
    /// The key whose value comes next, in a mapping.
    key: Option<(String, Place)>,
    /// How many levels the deepest value below has so far.
    height: usize,
    /// What the values below weigh so far.
    weight: usize,
}

/// A finished value that an alias may repeat.
#[derive(Clone)]
struct Finished {
    node: Node,
    height: usize,
    weight: usize,
}

struct Builder<'a> {
    mistakes: &'a mut Vec<Mistake>,
    /// The byte at which each character starts, since the parser counts characters; empty for ASCII.
    bytes: Vec<usize>,
    text: &'a str,
    open: Vec<Open>,
    anchors: HashMap<usize, Finished>,
    weight: usize,
    root: Option<Node>,
    secrets: &'a mut BTreeSet<Place>,
}

impl<'a> Builder<'a> {
    fn new(
        text: &'a str,
        mistakes: &'a mut Vec<Mistake>,
        secrets: &'a mut BTreeSet<Place>,
    ) -> Self {
        let bytes = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().map(|(at, _)| at).collect()
        };
        Self {
            mistakes,
            bytes,
            text,
            open: Vec::new(),
            anchors: HashMap::new(),
            weight: 0,
            root: None,
            secrets,
        }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Mistake> {
        let place = self.place(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let text = Scalar {
                    text: text.into_owned(),
                    quoted: style != ScalarStyle::Plain || self.is_text(tag, place),
                    expanded: false,
                    of_file: false,
                    secret: false,
                    written: place,
                };
                if !text.quoted && secrets::is_in_value(&text.text) {
                    self.secrets.insert(place);
                }
                let finished = Finished::of(place, Value::Scalar(text));
                self.room(place, 0, finished.weight)?;
                self.add(finished, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.is_text(tag, place);
                self.begin(place, Value::List(Vec::new()), anchor)
            }
            Event::MappingStart(anchor, tag) => {
                self.is_text(tag, place);
                self.begin(place, Value::Map(Vec::new()), anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(place),
            Event::Alias(anchor) => self.repeat(anchor, place),
            Event::DocumentStart(_) if self.root.is_some() => Err(Mistake::error(
                place,
                "a second YAML document",
                "keep one document in the file: remove this `---` and what belongs to it",
            )),
            Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::StreamStart
            | Event::StreamEnd
            | Event::Nothing => Ok(()),
        }
    }

    /// Whether a tag makes its scalar text; tags that mean nothing here are mistakes.
    fn is_text(&mut self, tag: Option<Cow<'_, Tag>>, place: Place) -> bool {
        let Some(tag) = tag else { return false };
        if !tag.is_yaml_core_schema() {
            self.mistakes.push(Mistake::error(
                place,
                format!("unknown tag {}", quoted(&tag.to_string())),
                "remove the tag",
            ));
        }
        tag.is_yaml_core_schema() && tag.suffix == "str"
    }

    fn begin(&mut self, place: Place, value: Value, anchor: usize) -> Result<(), Mistake> {
        self.room(place, 0, NODE_WEIGHT)?;
        self.open.push(Open {
            node: Node { place, value },
            anchor,
            key: None,
            height: 0,
            weight: 0,
        });
        Ok(())
    }

    fn end(&mut self, place: Place) -> Result<(), Mistake> {
        let Some(mut open) = self.open.pop() else {
            return Ok(());
        };
        open.node.place.end = place.end.max(open.node.place.start);
        if let Value::Map(entries) = &mut open.node.value {
            merge(entries, self.mistakes);
            report_repeated(entries, self.mistakes);
        }
        let finished = Finished {
            node: open.node,
            height: open.height + 1,
            weight: open.weight + NODE_WEIGHT,
        };
        self.add(finished, open.anchor)
    }

    fn repeat(&mut self, anchor: usize, place: Place) -> Result<(), Mistake> {
        let Some(known) = self.anchors.get(&anchor) else {
            return Err(Mistake::error(
                place,
                "an alias inside of what it repeats",
                "write the value out",
            ));
        };
        let (height, weight) = (known.height, known.weight);
        self.room(place, height, weight)?;
        let mut finished = self
            .anchors
            .get(&anchor)
            .expect("it was there a moment ago")
            .clone();
        finished.node.place = place;
        self.add(finished, 0)
    }

    /// Puts a finished value where it belongs; its weight is counted already, but for the copy that an anchor keeps.
    fn add(&mut self, finished: Finished, anchor: usize) -> Result<(), Mistake> {
        let place = finished.node.place;
        if anchor > 0 {
            self.room(place, 0, finished.weight)?;
            self.anchors.insert(anchor, finished.clone());
        }
        let depth = self.open.len();
        let Some(open) = self.open.last_mut() else {
            self.root = Some(finished.node);
            return Ok(());
        };
        open.height = open.height.max(finished.height);
        open.weight += finished.weight;
        let is_component = depth == COMPONENTS && matches!(finished.node.value, Value::Map(_));
        if let Some((key, _)) = &open.key
            && !is_component
            && secrets::is_named(key)
        {
            // Before one of two values of a key is dropped.
            secrets::literals(&finished.node, self.text, self.secrets);
        }
        match (&mut open.node.value, open.key.take()) {
            (Value::Map(entries), Some((key, place))) => entries.push(Entry {
                key,
                place,
                value: finished.node,
            }),
            (Value::Map(_), None) => {
                let (key, place) = key(finished.node)?;
                if secrets::is_in_key(&key) {
                    self.secrets.insert(place);
                }
                open.key = Some((key, place));
            }
            (Value::List(items), _) => items.push(finished.node),
            (Value::Scalar(_) | Value::Unknown, _) => {}
        }
        Ok(())
    }

    /// Counts that many more bytes, and says whether they and that many more levels are within the bounds.
    fn room(&mut self, place: Place, height: usize, weight: usize) -> Result<(), Mistake> {
        self.weight += weight;
        if self.open.len() + height >= MAX_DEPTH {
            let what = "too many levels of values in one another";
            return Err(Mistake::error(place, what, "write less deep"));
        }
        if self.weight > MAX_WEIGHT {
            let what = "too many values, or too much that anchors and aliases repeat";
            return Err(Mistake::error(
                place,
                what,
                "write less, or use fewer aliases",
            ));
        }
        Ok(())
    }

    fn place(&self, span: Span) -> Place {
        Place {
            start: self.byte(span.start.index()),
            end: self.byte(span.end.index()),
        }
    }

    fn byte(&self, index: usize) -> usize {
        if self.bytes.is_empty() {
            index.min(self.text.len())
        } else {
            self.bytes.get(index).copied().unwrap_or(self.text.len())
        }
    }
}

impl Finished {
    fn of(place: Place, value: Value) -> Self {
        let text = match &value {
            Value::Scalar(scalar) => scalar.text.len(),
            Value::List(_) | Value::Map(_) | Value::Unknown => 0,
        };
        Self {
            node: Node { place, value },
            height: 0,
            weight: NODE_WEIGHT + text,
        }
    }
}

/// A mapping's key: its text and place.
fn key(node: Node) -> Result<(String, Place), Mistake> {
    match node.value {
        Value::Scalar(scalar) => Ok((scalar.text, node.place)),
        Value::List(_) | Value::Map(_) | Value::Unknown => Err(Mistake::error(
            node.place,
            "a list or mapping as a key",
            "write text as the key; a value that begins with `{` or `[` needs quotes",
        )),
    }
}

/// The key that merges other mappings into its own.
const MERGE: &str = "<<";

/// Replaces `<<: *anchor` by what it stands for; keys written out win.
fn merge(entries: &mut Vec<Entry>, mistakes: &mut Vec<Mistake>) {
    let Some(at) = entries.iter().position(|entry| entry.key == MERGE) else {
        return;
    };
    let merged = entries.remove(at);
    let sources = match merged.value.value {
        Value::List(items) => items,
        _ => vec![merged.value],
    };
    let mut known: HashSet<String> = entries.iter().map(|entry| entry.key.clone()).collect();
    for source in sources {
        let Value::Map(more) = source.value else {
            mistakes.push(Mistake::error(
                merged.place,
                "`<<` merges what is not a mapping",
                "write `<<: *name`, where `&name` is at a mapping",
            ));
            continue;
        };
        entries.extend(
            more.into_iter()
                .filter(|entry| known.insert(entry.key.clone())),
        );
    }
}

/// Keeps the first of each key.
fn report_repeated(entries: &mut Vec<Entry>, mistakes: &mut Vec<Mistake>) {
    let mut first: HashMap<String, Place> = HashMap::new();
    entries.retain(|entry| {
        let Some(earlier) = first.get(&entry.key) else {
            first.insert(entry.key.clone(), entry.place);
            return true;
        };
        let what = format!("key {} is here twice", quoted(&entry.key));
        let mistake = Mistake::error(entry.place, what, "keep one of the two");
        mistakes.push(mistake.and(*earlier, "first here"));
        false
    });
}
