//! Where leaves stand, each place once.
//!
//! Rows mostly have the keys of rows before in the same order. So each key is looked for first where it followed the key before
//! it last, with the bytes around it as they are on the wire, and only one that comes in a new order costs a hash.

use std::collections::HashMap;

use super::{
    budget::{Budget, Halt},
    leaves::Kind,
    wire::Field,
};

/// A step on the way to leaves: a field, an attribute, a map's entry, an array's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlaceId(u32);

/// No step, or no place.
const NONE: u32 = u32::MAX;
/// What a step costs of the budget, beside three times its key: more than it takes.
const STEP_COST: usize = 256;

#[derive(Debug)]
struct Step {
    /// What a pair with this key begins with if it is short: its tags and lengths down to the tag of its value. Empty for
    /// what is no key, or a long one.
    head: Box<[u8]>,
    parent: PlaceId,
    /// The steps of the keys that came after this one, the latest first.
    follows: [PlaceId; 2],
    /// The place of each kind of leaf here.
    places: [u32; 6],
    name: Name,
    /// Bytes of the path down to here.
    path_len: usize,
    children: HashMap<Box<[u8]>, PlaceId>,
    element: Option<PlaceId>,
}

#[derive(Debug)]
enum Name {
    Top(&'static str),
    Key(Box<[u8]>),
    Element,
}

/// The places seen so far.
#[derive(Debug)]
pub(super) struct Places {
    steps: Vec<Step>,
    /// The places given out: the step and the kind of leaf.
    given: Vec<(PlaceId, Kind)>,
    tops: Vec<(&'static str, PlaceId)>,
    /// What the first keys of the table's rows follow.
    start: PlaceId,
    /// The step of the key before.
    last: PlaceId,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            steps: Vec::new(),
            given: Vec::new(),
            tops: Vec::new(),
            start: PlaceId(NONE),
            last: PlaceId(NONE),
        }
    }
}

impl Places {
    /// Starts a table.
    pub(super) fn next_table(&mut self) {
        self.start = self.push(PlaceId(NONE), Name::Top(""), 0);
    }

    /// Starts a row.
    #[inline]
    pub(super) fn next_row(&mut self) {
        self.last = self.start;
    }

    /// The step of a field.
    #[inline]
    pub(super) fn top(&mut self, path: &'static str, budget: &mut Budget) -> Result<PlaceId, Halt> {
        let known = self.tops.iter().find(|(top, _)| std::ptr::eq(*top, path));
        match known {
            Some((_, place)) => Ok(*place),
            None => self.new_top(path, budget),
        }
    }

    /// The same of a path that stands at an address where it was not met before: the compiler may write one down twice.
    #[cold]
    fn new_top(&mut self, path: &'static str, budget: &mut Budget) -> Result<PlaceId, Halt> {
        let known = self.tops.iter().find(|(top, _)| *top == path);
        let place = match known {
            Some((_, place)) => *place,
            None => self.add(PlaceId(NONE), Name::Top(path), path.len(), budget)?,
        };
        self.tops.push((path, place));
        Ok(place)
    }

    /// The step of the attribute or entry that `pair` begins with, if it is one of those that came after the one before, and
    /// how many bytes there are before the length of its value. More than the pair may be given, and it counts as met only
    /// once `met` says so.
    #[expect(clippy::inline_always, reason = "a part of the walk")]
    #[inline(always)]
    pub(super) fn expected(&self, parent: PlaceId, pair: &[u8]) -> Option<(PlaceId, usize)> {
        let is = |place: PlaceId| {
            let step = self.step(place).filter(|step| step.parent == parent)?;
            let is_same = pair
                .get(..step.head.len())
                .is_some_and(|head| is_same(head, &step.head));
            (is_same && !step.head.is_empty()).then_some((place, step.head.len()))
        };
        let [latest, before] = self.step(self.last)?.follows;
        is(latest).or_else(|| is(before))
    }

    /// Takes a step for that of the key in hand.
    #[inline]
    pub(super) fn met(&mut self, place: PlaceId) {
        if let Some(Step { follows, .. }) = self.steps.get_mut(self.last.0 as usize) {
            let [latest, _] = *follows;
            if latest != place {
                *follows = [place, latest];
            }
        }
        self.last = place;
    }

    /// The step of an attribute or a map's entry.
    #[inline]
    pub(super) fn key(
        &mut self,
        parent: PlaceId,
        key: &[u8],
        budget: &mut Budget,
    ) -> Result<PlaceId, Halt> {
        let is = |place: &PlaceId| self.step(*place).is_some_and(|step| step.is(parent, key));
        let follows = self.step(self.last).map(|step| step.follows);
        let place = match follows.into_iter().flatten().find(is) {
            Some(place) => place,
            None => self.unusual_key(parent, key, budget)?,
        };
        self.met(place);
        Ok(place)
    }

    #[cold]
    fn unusual_key(
        &mut self,
        parent: PlaceId,
        key: &[u8],
        budget: &mut Budget,
    ) -> Result<PlaceId, Halt> {
        let known = self
            .step(parent)
            .and_then(|step| step.children.get(key).copied());
        if let Some(place) = known {
            return Ok(place);
        }
        // A quote or backslash takes a second byte, and what is no UTF-8 three.
        let len = 4 + key.len() * 3;
        let place = self.add(parent, Name::Key(key.into()), len, budget)?;
        // Named even if no leaf stands there, so that whoever cares for keys need not ask for each of them in each row.
        self.leaf(place, Kind::Key);
        if let Some(step) = self.step_mut(parent) {
            step.children.insert(key.into(), place);
        }
        Ok(place)
    }

    /// The step of an array's elements.
    pub(super) fn element(
        &mut self,
        parent: PlaceId,
        budget: &mut Budget,
    ) -> Result<PlaceId, Halt> {
        if let Some(place) = self.step(parent).and_then(|step| step.element) {
            return Ok(place);
        }
        let place = self.add(parent, Name::Element, 2, budget)?;
        if let Some(step) = self.step_mut(parent) {
            step.element = Some(place);
        }
        Ok(place)
    }

    /// The number of the place of a leaf of this kind.
    #[inline]
    pub(super) fn leaf(&mut self, place: PlaceId, kind: Kind) -> u32 {
        let known = self
            .step(place)
            .and_then(|step| step.places.get(kind as usize));
        match known {
            Some(&number) if number != NONE => number,
            _ => self.new_leaf(place, kind),
        }
    }

    #[cold]
    fn new_leaf(&mut self, place: PlaceId, kind: Kind) -> u32 {
        let number = super::index::offset(self.given.len());
        if let Some(slot) = self
            .step_mut(place)
            .and_then(|step| step.places.get_mut(kind as usize))
        {
            *slot = number;
            self.given.push((place, kind));
        }
        number
    }

    /// The path and the kind of each place. Paths may be far longer than what they are made of: they are charged before they
    /// are written.
    pub(super) fn named(&self, budget: &mut Budget) -> Result<(Vec<String>, Vec<String>), Halt> {
        for (place, _) in &self.given {
            let len = self.step(*place).map_or(0, |step| step.path_len);
            budget.charge(len + 2 * size_of::<String>() + 8)?;
        }
        let paths = self.given.iter().map(|(place, kind)| {
            let mut path = self.path(*place);
            if *kind == Kind::Key {
                path.push_str("#key");
            }
            path
        });
        let kinds = self.given.iter().map(|(_, kind)| kind.name().to_owned());
        Ok((paths.collect(), kinds.collect()))
    }

    fn path(&self, place: PlaceId) -> String {
        let len = self.step(place).map_or(0, |step| step.path_len);
        let mut path = String::with_capacity(len);
        self.put_path(place, &mut path);
        path
    }

    /// Adds the path of a step. There are no more above each other than values are nested.
    fn put_path(&self, place: PlaceId, path: &mut String) {
        let Some(step) = self.step(place) else {
            return;
        };
        self.put_path(step.parent, path);
        match &step.name {
            Name::Top(top) => path.push_str(top),
            Name::Element => path.push_str("[]"),
            Name::Key(key) => {
                path.push_str("[\"");
                put_key(&String::from_utf8_lossy(key), path);
                path.push_str("\"]");
            }
        }
    }

    fn add(
        &mut self,
        parent: PlaceId,
        name: Name,
        len: usize,
        budget: &mut Budget,
    ) -> Result<PlaceId, Halt> {
        budget.charge(STEP_COST + len)?;
        let above = self.step(parent).map_or(0, |step| step.path_len);
        Ok(self.push(parent, name, above.saturating_add(len)))
    }

    fn push(&mut self, parent: PlaceId, name: Name, path_len: usize) -> PlaceId {
        let place = PlaceId(super::index::offset(self.steps.len()));
        self.steps.push(Step {
            head: name.head(),
            parent,
            follows: [PlaceId(NONE); 2],
            places: [NONE; 6],
            name,
            path_len,
            children: HashMap::new(),
            element: None,
        });
        place
    }

    #[inline]
    fn step(&self, place: PlaceId) -> Option<&Step> {
        self.steps.get(place.0 as usize)
    }

    fn step_mut(&mut self, place: PlaceId) -> Option<&mut Step> {
        self.steps.get_mut(place.0 as usize)
    }
}

impl Step {
    #[inline]
    fn is(&self, parent: PlaceId, key: &[u8]) -> bool {
        self.parent == parent && matches!(&self.name, Name::Key(name) if is_same(name, key))
    }
}

impl Name {
    /// What a short pair with this key begins with.
    fn head(&self) -> Box<[u8]> {
        let Self::Key(key) = self else {
            return Box::default();
        };
        match u8::try_from(key.len()) {
            Ok(len @ ..0x80) => {
                let [key_tag, value_tag] = [1, 2].map(Field::short_tag);
                [&[key_tag, len], key.as_ref(), &[value_tag]]
                    .concat()
                    .into()
            }
            _ => Box::default(),
        }
    }
}

/// Adds a key as it stands in a path: behind a backslash each quote and backslash in it.
fn put_key(key: &str, path: &mut String) {
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\');
    if !key.as_bytes().iter().any(is_special) {
        path.push_str(key);
        return;
    }
    for char in key.chars() {
        if matches!(char, '"' | '\\') {
            path.push('\\');
        }
        path.push(char);
    }
}

/// Whether these are the same bytes. Keys are short, and a call to compare each of them took longer than the comparison.
#[inline]
fn is_same(one: &[u8], other: &[u8]) -> bool {
    fn ends<const BYTES: usize>(one: &[u8], other: &[u8]) -> bool {
        one.first_chunk::<BYTES>() == other.first_chunk()
            && one.last_chunk::<BYTES>() == other.last_chunk()
    }
    one.len() == other.len()
        && match one.len() {
            4..=8 => ends::<4>(one, other),
            9..=16 => ends::<8>(one, other),
            17..=32 => ends::<16>(one, other),
            33..=64 => ends::<32>(one, other),
            _ => one == other,
        }
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn keys_that_differ_in_any_byte_are_told_apart() {
        let bytes: Vec<u8> = (0..70).collect();
        for len in 0..=bytes.len() {
            let one = &bytes[..len];
            let mut other = one.to_vec();
            assert!(is_same(one, &other));
            assert!(!is_same(one, &[one, b"x"].concat()));
            for place in 0..len {
                other[place] ^= 0x20;
                assert!(!is_same(one, &other), "{len} {place}");
                other[place] ^= 0x20;
            }
        }
    }
}
