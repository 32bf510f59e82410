//! Every leaf at once: where each stands, and what replacing it does.

use opentelemetry_proto::tonic::common::v1::{
    AnyValue, EntityRef, KeyValue, any_value::Value as Any,
};

use super::{Misuse, Model, attributes_of, named, read::pack, row::Row, slot::Slot, write::unpack};
use crate::{
    Kind, Table,
    contract::{Leaves, PackedTexts},
};

/// A step on the way from a row to a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Into a field.
    Field(&'static str),
    /// Into an element of a list: of attributes, of an array, of a map's entries.
    Item(usize),
    /// To the key of an attribute or entry, rather than its value.
    Key,
}

/// A leaf.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    table: Table,
    row: usize,
    steps: Vec<Step>,
    path: String,
    kind: Kind,
    text: String,
}

impl Model {
    /// `all_leaves`
    pub fn all_leaves(&mut self, tables: &[String], kinds: &[String]) -> Result<Leaves, Misuse> {
        let kinds: Vec<_> = kinds
            .iter()
            .map(|kind| {
                Kind::from_name(kind).ok_or_else(|| Misuse::new(format!("no such kind: {kind}")))
            })
            .collect::<Result<_, _>>()?;
        let mut found = Vec::new();
        for table in tables {
            let table = named(table)?;
            for row in 0..self.tables[&table].len() {
                if !self.is_dropped(table, row) {
                    let mut walk = Walk {
                        table,
                        row,
                        steps: Vec::new(),
                        found: Vec::new(),
                    };
                    walk.row(self.row(table, row));
                    found.extend(walk.found);
                }
            }
        }
        let keys = found.iter().filter(|leaf| leaf.kind == Kind::Key);
        let mut places = Vec::new();
        for key in keys {
            place_of(&key.path, key.kind, &mut places);
        }
        found.retain(|leaf| kinds.contains(&leaf.kind));
        self.leaves = found.iter().cloned().map(Some).collect();
        Ok(hand_out(found, places))
    }

    /// `replace_leaves`
    pub fn replace_leaves(&mut self, leaves: &[u32], texts: &PackedTexts) -> Result<(), Misuse> {
        let texts = unpack(texts)?;
        if texts.len() != leaves.len() {
            return Err(Misuse::new(format!(
                "{} texts for {} leaves",
                texts.len(),
                leaves.len()
            )));
        }
        if !leaves.is_sorted_by(|leaf, next| leaf < next) {
            return Err(Misuse::new("leaves that do not ascend"));
        }
        if let Some(leaf) = leaves
            .last()
            .filter(|leaf| **leaf as usize >= self.leaves.len())
        {
            return Err(Misuse::new(format!("leaf {leaf} of {}", self.leaves.len())));
        }
        // Those of one call are all as they were before it: one may rename a key and the next replace its value.
        for (index, text) in leaves.iter().zip(texts) {
            let Some(leaf) = self.leaves[*index as usize].clone() else {
                continue;
            };
            if self.is_dropped(leaf.table, leaf.row) {
                continue;
            }
            replace(self.row(leaf.table, leaf.row), &leaf.steps, text.as_deref());
            if text.is_none() {
                // A key takes its entry along.
                let gone = leaf.steps.strip_suffix(&[Step::Key]).unwrap_or(&leaf.steps);
                self.leaf_removed(leaf.table, leaf.row, gone);
            }
            self.leaves[*index as usize] = None;
        }
        Ok(())
    }

    /// Forgets the leaves below these steps.
    pub(super) fn leaves_changed(&mut self, table: Table, row: usize, steps: &[Step]) {
        for slot in &mut self.leaves {
            slot.take_if(|leaf| {
                leaf.table == table && leaf.row == row && leaf.steps.starts_with(steps)
            });
        }
    }

    /// Forgets the leaves below these steps, and moves up those in the elements behind.
    pub(super) fn leaf_removed(&mut self, table: Table, row: usize, steps: &[Step]) {
        self.leaves_changed(table, row, steps);
        let Some((Step::Item(removed), list)) = steps.split_last() else {
            return;
        };
        for leaf in self.leaves.iter_mut().flatten() {
            if leaf.table == table
                && leaf.row == row
                && leaf.steps.starts_with(list)
                && let Some(Step::Item(index)) = leaf.steps.get_mut(list.len())
                && *index > *removed
            {
                *index -= 1;
            }
        }
    }
}

/// The number of a place, which is added if it is new.
fn place_of(path: &str, kind: Kind, places: &mut Vec<(String, Kind)>) -> usize {
    let known = places
        .iter()
        .position(|place| (place.0.as_str(), place.1) == (path, kind));
    known.unwrap_or_else(|| {
        places.push((path.to_owned(), kind));
        places.len() - 1
    })
}

/// The leaves in the form in which they go over the fence.
fn hand_out(found: Vec<Leaf>, mut places: Vec<(String, Kind)>) -> Leaves {
    let mut leaves = Leaves::default();
    let mut texts = Vec::new();
    for leaf in found {
        let at = place_of(&leaf.path, leaf.kind, &mut places);
        leaves.places.push(crate::edit::number(at));
        leaves.rows.push(crate::edit::number(leaf.row));
        texts.push(Some(leaf.text));
    }
    leaves.texts = pack(&texts);
    (leaves.place_paths, leaves.place_kinds) = places
        .into_iter()
        .map(|(path, kind)| (path, kind.name().to_owned()))
        .unzip();
    leaves
}

/// A walk over one row, in the order of the wire as OTLP's own libraries write it, by field numbers.
struct Walk {
    table: Table,
    row: usize,
    steps: Vec<Step>,
    found: Vec<Leaf>,
}

impl Walk {
    fn row(&mut self, row: Row<'_>) {
        let table = self.table.name();
        match row {
            Row::Resource {
                resource,
                schema_url,
            } => {
                if let Some(resource) = resource {
                    self.attributes(&resource.attributes);
                    self.entities(&resource.entity_refs);
                }
                self.field("schema_url", schema_url);
            }
            Row::Scope { scope, schema_url } => {
                if let Some(scope) = scope {
                    self.field("name", &scope.name);
                    self.field("version", &scope.version);
                    self.attributes(&scope.attributes);
                }
                self.field("schema_url", schema_url);
            }
            Row::Metric(metric) => {
                self.field("name", &metric.name);
                self.field("description", &metric.description);
                self.field("unit", &metric.unit);
                self.attributes(&metric.metadata);
            }
            Row::Span(span) => {
                self.field("trace_state", &span.trace_state);
                self.field("name", &span.name);
                self.attributes(&span.attributes);
                if let Some(status) = &span.status {
                    self.field("status.message", &status.message);
                }
            }
            Row::Log(log) => {
                self.field("severity_text", &log.severity_text);
                self.steps.push(Step::Field("body"));
                self.any(log.body.as_ref(), &format!("{table}.body"));
                self.steps.pop();
                self.attributes(&log.attributes);
                self.field("event_name", &log.event_name);
            }
            Row::Number(point) => self.attributes(&point.attributes),
            Row::Histogram(point) => self.attributes(&point.attributes),
            Row::Exponential(point) => self.attributes(&point.attributes),
            Row::Summary(point) => self.attributes(&point.attributes),
            Row::Event(event) => {
                self.field("name", &event.name);
                self.attributes(&event.attributes);
            }
            Row::Link(link) => {
                self.field("trace_state", &link.trace_state);
                self.attributes(&link.attributes);
            }
            Row::Exemplar(exemplar) => self.attributes(&exemplar.filtered_attributes),
        }
    }

    fn add(&mut self, steps: &[Step], path: String, kind: Kind, text: String) {
        let steps = [&self.steps, steps].concat();
        self.found.push(Leaf {
            table: self.table,
            row: self.row,
            steps,
            path,
            kind,
            text,
        });
    }

    /// A field, which is there if it is not empty.
    fn field(&mut self, name: &'static str, text: &str) {
        if !text.is_empty() {
            let path = format!("{}.{name}", self.table);
            self.add(&[Step::Field(name)], path, Kind::Text, text.to_owned());
        }
    }

    fn entities(&mut self, entities: &[EntityRef]) {
        let path = |name| format!("{}.entity_refs.{name}", Table::Resource);
        for (index, entity) in entities.iter().enumerate() {
            self.steps
                .extend([Step::Field("entity_refs"), Step::Item(index)]);
            for (name, text) in [("schema_url", &entity.schema_url), ("type", &entity.r#type)] {
                if !text.is_empty() {
                    self.add(&[Step::Field(name)], path(name), Kind::Text, text.clone());
                }
            }
            for (name, keys) in [
                ("id_keys", &entity.id_keys),
                ("description_keys", &entity.description_keys),
            ] {
                for (index, key) in keys.iter().enumerate() {
                    let steps = [Step::Field(name), Step::Item(index)];
                    self.add(&steps, path(name) + "[]", Kind::Text, key.clone());
                }
            }
            self.steps.clear();
        }
    }

    fn attributes(&mut self, attributes: &[KeyValue]) {
        let list = attributes_of(self.table);
        self.steps.push(Step::Field(list));
        self.entries(attributes, &format!("{}.{list}", self.table));
        self.steps.pop();
    }

    fn entries(&mut self, entries: &[KeyValue], path: &str) {
        for (index, entry) in entries.iter().enumerate() {
            let key = entry.key.replace('\\', "\\\\").replace('"', "\\\"");
            let path = format!("{path}[\"{key}\"]");
            self.steps.push(Step::Item(index));
            self.add(
                &[Step::Key],
                format!("{path}#key"),
                Kind::Key,
                entry.key.clone(),
            );
            self.any(entry.value.as_ref(), &path);
            self.steps.pop();
        }
    }

    fn any(&mut self, any: Option<&AnyValue>, path: &str) {
        let (kind, text) = match any.and_then(|any| any.value.as_ref()) {
            None | Some(Any::StringValueStrindex(_)) => return,
            Some(Any::StringValue(text)) => (Kind::Text, text.clone()),
            Some(Any::BoolValue(boolean)) => (Kind::Boolean, boolean.to_string()),
            Some(Any::IntValue(integer)) => (Kind::Integer, integer.to_string()),
            Some(Any::DoubleValue(double)) => (Kind::Double, double.to_string()),
            Some(Any::BytesValue(bytes)) => {
                (Kind::Bytes, String::from_utf8_lossy(bytes).into_owned())
            }
            Some(Any::ArrayValue(array)) => {
                for (index, item) in array.values.iter().enumerate() {
                    self.steps.push(Step::Item(index));
                    self.any(Some(item), &format!("{path}[]"));
                    self.steps.pop();
                }
                return;
            }
            Some(Any::KvlistValue(map)) => return self.entries(&map.values, path),
        };
        self.add(&[], path.to_owned(), kind, text);
    }
}

/// Replaces the leaf at the end of these steps; without a text, removes it.
fn replace(row: Row<'_>, steps: &[Step], text: Option<&str>) {
    let Some((Step::Field(field), rest)) = steps.split_first() else {
        return;
    };
    match (row, *field) {
        (
            Row::Resource {
                resource: Some(resource),
                ..
            },
            "entity_refs",
        ) => {
            replace_in_entities(&mut resource.entity_refs, rest, text);
        }
        (row, "attributes" | "metadata" | "filtered_attributes") => {
            if let Some(attributes) = row.attributes(false) {
                replace_in_entries(attributes, rest, text);
            }
        }
        (row, field) => match (row.slot(field, false), text) {
            (Some(Slot::Any(body)), None) if rest.is_empty() => *body = None,
            (Some(Slot::Any(body)), text) => replace_in_any(body.as_mut(), rest, text),
            (Some(Slot::Text(old)), text) => text.unwrap_or_default().clone_into(old),
            _ => {}
        },
    }
}

fn replace_in_entities(entities: &mut [EntityRef], steps: &[Step], text: Option<&str>) {
    let [Step::Item(index), Step::Field(field), rest @ ..] = steps else {
        return;
    };
    let entity = &mut entities[*index];
    match (*field, rest) {
        ("schema_url", _) => text.unwrap_or_default().clone_into(&mut entity.schema_url),
        ("type", _) => text.unwrap_or_default().clone_into(&mut entity.r#type),
        (field, [Step::Item(index)]) => {
            let keys = if field == "id_keys" {
                &mut entity.id_keys
            } else {
                &mut entity.description_keys
            };
            match text {
                Some(text) => text.clone_into(&mut keys[*index]),
                None => drop(keys.remove(*index)),
            }
        }
        _ => {}
    }
}

fn replace_in_entries(entries: &mut Vec<KeyValue>, steps: &[Step], text: Option<&str>) {
    let [Step::Item(index), rest @ ..] = steps else {
        return;
    };
    match (rest, text) {
        ([] | [Step::Key], None) => drop(entries.remove(*index)),
        ([Step::Key], Some(text)) => text.clone_into(&mut entries[*index].key),
        (rest, text) => replace_in_any(entries[*index].value.as_mut(), rest, text),
    }
}

fn replace_in_any(any: Option<&mut AnyValue>, steps: &[Step], text: Option<&str>) {
    let Some(any) = any else { return };
    match (&mut any.value, steps, text) {
        (Some(Any::BytesValue(bytes)), [], Some(text)) => *bytes = text.as_bytes().to_vec(),
        (value, [], Some(text)) => *value = Some(Any::StringValue(text.to_owned())),
        (Some(Any::ArrayValue(array)), [Step::Item(index)], None) => {
            array.values.remove(*index);
        }
        (Some(Any::ArrayValue(array)), [Step::Item(index), rest @ ..], text) => {
            replace_in_any(array.values.get_mut(*index), rest, text);
        }
        (Some(Any::KvlistValue(map)), steps, text) => {
            replace_in_entries(&mut map.values, steps, text);
        }
        _ => {}
    }
}
