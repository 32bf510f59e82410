//! Replaces leaves that a scan gave.
//!
//! A scan keeps where each row's leaves begin and nothing of the leaves themselves: a row with leaves to replace is walked
//! again, as it was, and its fields are written anew. A field that was edited since is left alone, unless it was edited
//! here: then it is written anew from what the scan saw, with every replacement so far.

use std::collections::{BTreeMap, HashMap};

use super::{
    Batch, PackedTexts,
    any::{AnyRef, PairField, check_depth, pair_fields, put_any},
    budget::{Budget, Halt},
    edits::{Draft, EDIT_COST, Edit, Key},
    leaves::{Kind, Kinds, Leafy, count, entity_path, kind_of, leafy, put_text},
    rows::View,
    schema::{Holds, Table},
    texts::packed_text,
    wire::{Reader, put_len},
};

/// What `all_leaves` saw.
#[derive(Debug)]
pub(super) struct Scan {
    seen: Batch,
    /// For each table its rows, and the number of each row's first leaf.
    sections: Vec<(Table, View, Vec<u32>)>,
    kinds: Kinds,
    /// What was replaced so far: none for what was removed.
    done: BTreeMap<u32, Option<Box<[u8]>>>,
    /// The fields written for it.
    written: HashMap<Key, Edit>,
}

impl Scan {
    pub(super) fn new(seen: Batch, sections: Vec<(Table, View, Vec<u32>)>, kinds: Kinds) -> Self {
        Self {
            seen,
            sections,
            kinds,
            done: BTreeMap::new(),
            written: HashMap::new(),
        }
    }

    /// The edits that replace these leaves.
    pub(super) fn replace(
        &mut self,
        work: &Batch,
        leaves: &[u32],
        texts: &PackedTexts,
        budget: &mut Budget,
    ) -> Result<Draft, Halt> {
        self.check(leaves, texts)?;
        let mut draft = work.edits.draft();
        let mut i = 0;
        while let Some((table, row, first, end)) = leaves.get(i).and_then(|leaf| self.row(*leaf)) {
            let here = leaves.get(i..).unwrap_or_default();
            let here = here.iter().take_while(|leaf| **leaf < end).count();
            for at in i..i + here {
                if let Some(leaf) = leaves.get(at) {
                    let text = packed_text(texts, at);
                    budget.charge(text.map_or(0, <[u8]>::len) + 64)?;
                    self.done
                        .entry(*leaf)
                        .or_insert_with(|| text.map(Into::into));
                }
            }
            let here = leaves.get(i..i + here).unwrap_or_default();
            let new = self.rewrite_row((table, row, first), here, work, &mut draft, budget)?;
            self.written.extend(new);
            i += here.len();
        }
        Ok(draft)
    }

    fn check(&self, leaves: &[u32], texts: &PackedTexts) -> Result<(), Halt> {
        if leaves.len() != texts.ends.len() {
            return Err(Halt::misuse(format!(
                "{} texts for {} leaves",
                texts.ends.len(),
                leaves.len()
            )));
        }
        if leaves
            .windows(2)
            .any(|pair| matches!(pair, [a, b] if a >= b))
        {
            return Err(Halt::misuse("leaves that do not ascend"));
        }
        let total = self.sections.last().and_then(|(.., first)| first.last());
        let total = total.copied().unwrap_or_default();
        match leaves.last() {
            Some(last) if *last >= total => {
                Err(Halt::misuse(format!("leaf {last}, and there are {total}")))
            }
            _ => Ok(()),
        }
    }

    /// The row that a leaf stands in, with the numbers of that row's first leaf and of the first after it.
    fn row(&self, leaf: u32) -> Option<(Table, usize, u32, u32)> {
        self.sections.iter().find_map(|(table, view, first)| {
            let next = first.partition_point(|first| *first <= leaf);
            let (number, end) = (next.checked_sub(1)?, *first.get(next)?);
            let row = view.base(super::index::offset(number));
            Some((*table, row, *first.get(number)?, end))
        })
    }

    fn rewrite_row(
        &self,
        (table, row, first): (Table, usize, u32),
        leaves: &[u32],
        work: &Batch,
        draft: &mut Draft,
        budget: &mut Budget,
    ) -> Result<Vec<(Key, Edit)>, Halt> {
        let sight = self.seen.sight();
        let level = sight.index.level_of(table, sight.base)?;
        let mut written = Vec::new();
        let Some(piece) = level.pieces.get(row) else {
            return Ok(written);
        };
        let mut next = first;
        let mut left = leaves;
        leafy(&sight, table, (row, *piece), &mut |field| {
            if left.is_empty() {
                return Ok(());
            }
            let start = next;
            next += count(&field, self.kinds)?;
            let here = left.partition_point(|leaf| *leaf < next);
            left = left.get(here..).unwrap_or_default();
            let key = field.slot.key;
            if here == 0 || !self.is_ours(key, work) {
                return Ok::<(), Halt>(());
            }
            let mut rewriter = Rewriter {
                scan: self,
                next: start,
                budget,
            };
            let mut text = Vec::new();
            let text = match rewriter.field(&field, &mut text)? {
                Outcome::Same => return Ok(()),
                Outcome::Changed => Some(draft.keep(|out| out.extend_from_slice(&text))),
                Outcome::Removed => None,
            };
            budget.charge(EDIT_COST)?;
            let edit = draft.push(key, field.slot.end, field.depth, text);
            written.push((key, edit));
            Ok(())
        })?;
        Ok(written)
    }

    /// Whether a field stands as the scan saw it or as it was written here.
    fn is_ours(&self, key: Key, work: &Batch) -> bool {
        let now = work.edits.find(key);
        now == self.seen.edits.find(key) || now == self.written.get(&key)
    }
}

/// What became of something with leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Same,
    Changed,
    Removed,
}

impl Outcome {
    /// What became of a value or pair, of which something changed and whose last part came out so.
    fn of(changed: bool, last: Self) -> Self {
        match (changed, last) {
            (false, _) => Self::Same,
            (true, Self::Removed) => Self::Removed,
            (true, _) => Self::Changed,
        }
    }
}

/// What becomes of a leaf.
enum New<'s> {
    Same,
    Text(&'s [u8]),
    Gone,
}

/// Writes a field anew, counting its leaves as the scan did.
struct Rewriter<'s, 'b> {
    scan: &'s Scan,
    next: u32,
    budget: &'b mut Budget,
}

impl<'s> Rewriter<'s, '_> {
    /// The next leaf, and what becomes of it.
    fn leaf(&mut self, kind: Kind, old: &[u8]) -> New<'s> {
        if !self.scan.kinds.has(kind) {
            return New::Same;
        }
        self.next += 1;
        match self.scan.done.get(&(self.next - 1)) {
            None => New::Same,
            Some(None) => New::Gone,
            // A guest that sends back what it was shown leaves the leaf as it is.
            Some(Some(new)) if **new == *old => New::Same,
            Some(Some(new)) if String::from_utf8_lossy(old).as_bytes() == &**new => New::Same,
            Some(Some(new)) => New::Text(new),
        }
    }

    fn field(&mut self, field: &Leafy<'_>, out: &mut Vec<u8>) -> Result<Outcome, Halt> {
        let mut body = Vec::new();
        let outcome = match field.holds {
            Holds::Text if field.body.is_empty() => Outcome::Same,
            Holds::Text => match self.leaf(Kind::Text, field.body) {
                New::Same => Outcome::Same,
                New::Gone | New::Text([]) => Outcome::Removed,
                New::Text(new) => {
                    body.extend_from_slice(new);
                    Outcome::Changed
                }
            },
            Holds::Attributes => self.pair(field.body, &mut body, 0)?,
            Holds::Any => self.any(field.body, &mut body, 0)?.unwrap_or(Outcome::Same),
            Holds::Entity => self.entity(field.body, &mut body)?,
            Holds::Child => Outcome::Same,
        };
        if outcome == Outcome::Changed {
            self.budget.charge(body.len() + 11)?;
            put_len(out, field.slot.field.number, &body);
        }
        Ok(outcome)
    }

    fn pair(&mut self, body: &[u8], out: &mut Vec<u8>, depth: usize) -> Result<Outcome, Halt> {
        let (mut changed, mut gone) = (false, false);
        let mut last = Outcome::Same;
        for field in pair_fields(body)? {
            match field {
                PairField::Key(old) => match self.leaf(Kind::Key, old) {
                    New::Same if old.is_empty() => {}
                    New::Same => put_len(out, 1, old),
                    New::Gone => gone = true,
                    New::Text(new) => {
                        put_len(out, 1, new);
                        changed = true;
                    }
                },
                PairField::Value(old) => {
                    let mut new = Vec::new();
                    let outcome = self.any(old, &mut new, depth)?;
                    match outcome {
                        None | Some(Outcome::Same) => put_len(out, 2, old),
                        Some(Outcome::Changed) => put_len(out, 2, &new),
                        Some(Outcome::Removed) => {}
                    }
                    changed |= outcome.is_some_and(|outcome| outcome != Outcome::Same);
                    last = outcome.unwrap_or(last);
                }
                PairField::Other(raw) => out.extend_from_slice(raw),
            }
        }
        if gone {
            return Ok(Outcome::Removed);
        }
        Ok(Outcome::of(changed, last))
    }

    /// Every value of an `AnyValue`: what becomes of the last is what becomes of all, since it is the one that counts. None
    /// where there is no value.
    fn any(
        &mut self,
        body: &[u8],
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<Option<Outcome>, Halt> {
        let mut changed = false;
        let mut counts = None;
        let mut reader = Reader::new(body);
        while let Some(field) = reader.next()? {
            let raw = body.get(field.start..field.end).unwrap_or_default();
            let Some(value) = AnyRef::of_field(&field, body)? else {
                out.extend_from_slice(raw);
                continue;
            };
            let outcome = match &value {
                AnyRef::Array(list) | AnyRef::Map(list) => {
                    check_depth(depth, list)?;
                    self.list(field.number, list, out, depth)?
                }
                scalar => self.scalar(scalar, out),
            };
            if outcome == Outcome::Same {
                out.extend_from_slice(raw);
            }
            changed |= outcome != Outcome::Same;
            counts = Some(outcome);
        }
        Ok(counts.map(|counts| Outcome::of(changed, counts)))
    }

    /// An array or map, which is field `number` of its `AnyValue`.
    fn list(
        &mut self,
        number: u32,
        list: &[u8],
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<Outcome, Halt> {
        let mut inside = Vec::new();
        let mut changed = false;
        let mut reader = Reader::new(list);
        while let Some(field) = reader.next()? {
            let raw = list.get(field.start..field.end).unwrap_or_default();
            if field.number != 1 {
                inside.extend_from_slice(raw);
                continue;
            }
            let old = field.message(list)?;
            let mut new = Vec::new();
            let outcome = match number {
                5 => self.any(old, &mut new, depth + 1)?.unwrap_or(Outcome::Same),
                _ => self.pair(old, &mut new, depth + 1)?,
            };
            match outcome {
                Outcome::Same => inside.extend_from_slice(raw),
                Outcome::Changed => put_len(&mut inside, 1, &new),
                Outcome::Removed => {}
            }
            changed |= outcome != Outcome::Same;
        }
        if !changed {
            return Ok(Outcome::Same);
        }
        put_len(out, number, &inside);
        Ok(Outcome::Changed)
    }

    fn scalar(&mut self, value: &AnyRef<'_>, out: &mut Vec<u8>) -> Outcome {
        let Some(kind) = kind_of(value) else {
            return Outcome::Same;
        };
        let mut old = Vec::new();
        put_text(value, &mut old);
        let new = match self.leaf(kind, &old) {
            New::Same => return Outcome::Same,
            New::Gone => return Outcome::Removed,
            New::Text(new) => new,
        };
        let new = match kind {
            Kind::Bytes => AnyRef::Bytes(new),
            _ => AnyRef::Text(new),
        };
        put_any(out, &new);
        Outcome::Changed
    }

    fn entity(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<Outcome, Halt> {
        let mut outcome = Outcome::Same;
        let mut reader = Reader::new(body);
        while let Some(field) = reader.next()? {
            let is_leaf =
                entity_path(field.number).is_some() && (!field.body.is_empty() || field.number > 2);
            let new = if is_leaf {
                self.leaf(Kind::Text, field.message(body)?)
            } else {
                New::Same
            };
            match new {
                New::Same => {
                    out.extend_from_slice(body.get(field.start..field.end).unwrap_or_default());
                }
                New::Text(new) => {
                    outcome = Outcome::Changed;
                    put_len(out, field.number, new);
                }
                New::Gone => outcome = Outcome::Changed,
            }
        }
        Ok(outcome)
    }
}
