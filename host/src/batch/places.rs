//! Where leaves stand, each place once.
//!
//! A row mostly has the places of the row before, in the same order. So each is looked for first where it stood there, and
//! only a row that differs costs a hash.

use std::collections::HashMap;

use super::{
    budget::{Budget, Halt},
    leaves::Kind,
};

/// A step on the way to leaves: a field, an attribute, a map's entry, an array's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlaceId(u32);

/// Steps that the trail of the row before is searched ahead for one that is missing in this row.
const AHEAD: usize = 4;
/// Steps that the trail keeps.
const TRAIL: usize = 1024;
/// What a step costs of the budget, beside twice its key: more than it takes.
const STEP_COST: usize = 256;

#[derive(Debug)]
struct Step {
    parent: Option<PlaceId>,
    name: Name,
    /// Bytes of the path down to here.
    path_len: usize,
    /// The place of each kind of leaf here.
    places: [Option<u32>; 6],
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
#[derive(Debug, Default)]
pub(super) struct Places {
    steps: Vec<Step>,
    /// The places given out: the step and the kind of leaf.
    given: Vec<(PlaceId, Kind)>,
    tops: Vec<(&'static str, PlaceId)>,
    /// The keys of the row before, in order.
    trail: Vec<PlaceId>,
    at: usize,
}

impl Places {
    /// Starts a table.
    pub(super) fn next_table(&mut self) {
        self.trail.clear();
    }

    /// Starts a row.
    #[inline]
    pub(super) fn next_row(&mut self) {
        self.at = 0;
    }

    /// The step of a field.
    #[inline]
    pub(super) fn top(&mut self, path: &'static str, budget: &mut Budget) -> Result<PlaceId, Halt> {
        let known = self.tops.iter().find(|(top, _)| std::ptr::eq(*top, path));
        if let Some((_, place)) = known {
            return Ok(*place);
        }
        let place = self.add(None, Name::Top(path), path.len(), budget)?;
        self.tops.push((path, place));
        Ok(place)
    }

    /// The step of an attribute or a map's entry.
    #[inline]
    pub(super) fn key(
        &mut self,
        parent: PlaceId,
        key: &[u8],
        budget: &mut Budget,
    ) -> Result<PlaceId, Halt> {
        for ahead in 0..AHEAD {
            let Some(place) = self.trail.get(self.at + ahead).copied() else {
                break;
            };
            if self.step(place).is_some_and(|step| step.is(parent, key)) {
                self.at += ahead + 1;
                return Ok(place);
            }
        }
        self.unusual_key(parent, key, budget)
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
        let place = if let Some(place) = known {
            place
        } else {
            // A quote or backslash takes a second byte, and what is no UTF-8 three.
            let len = 4 + key.len() * 3;
            let place = self.add(Some(parent), Name::Key(key.into()), len, budget)?;
            // Named even if no leaf stands there, so that whoever cares for keys need not ask for each of them in each row.
            self.leaf(place, Kind::Key);
            if let Some(step) = self.step_mut(parent) {
                step.children.insert(key.into(), place);
            }
            place
        };
        if self.trail.len() < TRAIL && self.at <= self.trail.len() {
            self.trail.insert(self.at, place);
            self.at += 1;
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
        let place = self.add(Some(parent), Name::Element, 2, budget)?;
        if let Some(step) = self.step_mut(parent) {
            step.element = Some(place);
        }
        Ok(place)
    }

    /// The number of the place of a leaf of this kind.
    #[inline]
    pub(super) fn leaf(&mut self, place: PlaceId, kind: Kind) -> u32 {
        let next = super::index::offset(self.given.len());
        let slot = self
            .steps
            .get_mut(place.0 as usize)
            .and_then(|step| step.places.get_mut(kind as usize));
        match slot {
            Some(Some(number)) => *number,
            Some(slot) => {
                *slot = Some(next);
                self.given.push((place, kind));
                next
            }
            None => next,
        }
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
        let mut way = Vec::new();
        let mut next = self.step(place);
        while let Some(step) = next {
            way.push(&step.name);
            next = step.parent.and_then(|parent| self.step(parent));
        }
        let mut path = String::new();
        for name in way.into_iter().rev() {
            match name {
                Name::Top(top) => path.push_str(top),
                Name::Element => path.push_str("[]"),
                Name::Key(key) => {
                    path.push_str("[\"");
                    for char in String::from_utf8_lossy(key).chars() {
                        if matches!(char, '"' | '\\') {
                            path.push('\\');
                        }
                        path.push(char);
                    }
                    path.push_str("\"]");
                }
            }
        }
        path
    }

    fn add(
        &mut self,
        parent: Option<PlaceId>,
        name: Name,
        len: usize,
        budget: &mut Budget,
    ) -> Result<PlaceId, Halt> {
        budget.charge(STEP_COST + len)?;
        let above = parent
            .and_then(|parent| self.step(parent))
            .map_or(0, |step| step.path_len);
        let place = PlaceId(super::index::offset(self.steps.len()));
        self.steps.push(Step {
            parent,
            name,
            path_len: above.saturating_add(len),
            places: [None; 6],
            children: HashMap::new(),
            element: None,
        });
        Ok(place)
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
        self.parent == Some(parent) && matches!(&self.name, Name::Key(name) if is_same(name, key))
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
            8..=16 => ends::<8>(one, other),
            17..=32 => ends::<16>(one, other),
            _ => one == other,
        }
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn keys_that_differ_in_any_byte_are_told_apart() {
        let bytes: Vec<u8> = (0..40).collect();
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
