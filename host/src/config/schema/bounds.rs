//! Refuses schemas that would keep the validator busy without end, or that it would have to recurse into too deep.
//!
//! Walks the schema beside the value as the validator does, taking every branch, and counts.

use serde_json::{Map, Value as Json};

/// The objects, lists and values of a schema.
const MAX_VALUES: usize = 10_000;

/// The regexes of a schema; each takes up to `REGEX_SIZE`.
const MAX_PATTERNS: usize = 200;

/// The schemas applied to values in all, taking every branch.
const MAX_STEPS: usize = 1_000_000;

/// How deep schemas are applied in one another.
const MAX_DEPTH: usize = 256;

/// Keywords that refer to other schemas in ways that this walk does not follow.
const REFUSED: [&str; 6] = [
    "$anchor",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$recursiveAnchor",
    "$recursiveRef",
];

/// Checks a schema before it is compiled and used for `value`.
pub(super) fn check(schema: &Json, value: &Json) -> Result<(), String> {
    check_size(schema)?;
    let mut walk = Walk {
        root: schema,
        steps: 0,
    };
    walk.apply(schema, value, 0)
}

/// Checks what a schema holds.
pub(super) fn check_size(schema: &Json) -> Result<(), String> {
    Size::default().count(schema, true)
}

#[derive(Default)]
struct Size {
    values: usize,
    patterns: usize,
}

impl Size {
    /// Counts what a schema holds.
    fn count(&mut self, schema: &Json, root: bool) -> Result<(), String> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(format!("it has more than {MAX_VALUES} values"));
        }
        match schema {
            Json::Array(items) => items.iter().try_for_each(|item| self.count(item, false)),
            Json::Object(object) => {
                self.keys(object, root)?;
                object
                    .values()
                    .try_for_each(|value| self.count(value, false))
            }
            _ => Ok(()),
        }
    }

    fn keys(&mut self, object: &Map<String, Json>, root: bool) -> Result<(), String> {
        let refused = REFUSED.iter().find(|key| {
            object.get(**key).is_some_and(Json::is_string) && !(root && **key == "$id")
        });
        if let Some(key) = refused {
            return Err(format!("it has a `{key}`, which is not supported"));
        }
        self.patterns += usize::from(object.contains_key("pattern"));
        self.patterns += members(object, "patternProperties").count();
        if self.patterns > MAX_PATTERNS {
            return Err(format!("it has more than {MAX_PATTERNS} patterns"));
        }
        Ok(())
    }
}

struct Walk<'a> {
    root: &'a Json,
    steps: usize,
}

impl<'a> Walk<'a> {
    fn apply(&mut self, schema: &'a Json, value: &Json, depth: usize) -> Result<(), String> {
        self.steps += 1;
        if self.steps > MAX_STEPS || depth > MAX_DEPTH {
            return Err("it refers to itself too often".to_owned());
        }
        let Some(schema) = schema.as_object() else {
            return Ok(());
        };
        // What is not evaluated is found by going through the schemas in place a second time.
        let again = ["unevaluatedProperties", "unevaluatedItems"]
            .iter()
            .any(|key| schema.contains_key(*key));
        for _ in 0..=usize::from(again) {
            self.in_place(schema, value, depth)?;
        }
        match value {
            Json::Object(object) => self.properties(schema, object, depth),
            Json::Array(items) => self.items(schema, items, depth),
            _ => Ok(()),
        }
    }

    /// The schemas that are applied to the same value.
    fn in_place(
        &mut self,
        schema: &'a Map<String, Json>,
        value: &Json,
        depth: usize,
    ) -> Result<(), String> {
        if let Some(reference) = schema.get("$ref").and_then(Json::as_str) {
            let target = reference
                .strip_prefix('#')
                .and_then(|pointer| self.root.pointer(&decoded(pointer)));
            let target = target
                .ok_or_else(|| format!("it refers to `{reference}`, which is not within it"))?;
            self.apply(target, value, depth + 1)?;
        }
        let lists = ["allOf", "anyOf", "oneOf"]
            .iter()
            .filter_map(|key| schema.get(*key)?.as_array())
            .flatten();
        let single = ["not", "if", "then", "else"]
            .iter()
            .filter_map(|key| schema.get(*key));
        let dependent = ["dependentSchemas", "dependencies"]
            .iter()
            .flat_map(|key| members(schema, key));
        for schema in lists.chain(single).chain(dependent) {
            self.apply(schema, value, depth + 1)?;
        }
        Ok(())
    }

    fn properties(
        &mut self,
        schema: &'a Map<String, Json>,
        object: &Map<String, Json>,
        depth: usize,
    ) -> Result<(), String> {
        for (key, value) in object {
            let named = schema
                .get("properties")
                .and_then(|schemas| schemas.get(key));
            let others = ["additionalProperties", "unevaluatedProperties"]
                .iter()
                .filter_map(|key| schema.get(*key));
            let matched = members(schema, "patternProperties");
            for schema in named.into_iter().chain(others).chain(matched) {
                self.apply(schema, value, depth + 1)?;
            }
            if let Some(names) = schema.get("propertyNames") {
                self.apply(names, &Json::Null, depth + 1)?;
            }
        }
        Ok(())
    }

    fn items(
        &mut self,
        schema: &'a Map<String, Json>,
        items: &[Json],
        depth: usize,
    ) -> Result<(), String> {
        for (at, value) in items.iter().enumerate() {
            let every = ["items", "additionalItems", "contains", "unevaluatedItems"]
                .iter()
                .filter_map(|key| schema.get(*key));
            let at_place = ["prefixItems", "items"]
                .iter()
                .filter_map(|key| schema.get(*key)?.as_array()?.get(at));
            for schema in every.chain(at_place) {
                self.apply(schema, value, depth + 1)?;
            }
        }
        Ok(())
    }
}

/// The schemas of a keyword that holds several by name.
fn members<'a>(schema: &'a Map<String, Json>, key: &str) -> impl Iterator<Item = &'a Json> {
    schema
        .get(key)
        .and_then(Json::as_object)
        .into_iter()
        .flat_map(Map::values)
}

/// A pointer of a reference without its percent signs, of which only the common ones appear in practice.
fn decoded(pointer: &str) -> String {
    pointer
        .replace("%24", "$")
        .replace("%20", " ")
        .replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(schema: &Json, value: &Json) -> String {
        check(schema, value).unwrap_err()
    }

    #[test]
    fn recursive_schemas_pass_as_long_as_they_follow_the_value() {
        let tree = json!({
            "$id": "tree",
            "properties": { "children": { "items": { "$ref": "#" } }, "name": { "$ref": "#/$defs/name" } },
            "$defs": { "name": { "type": "string", "pattern": "^[a-z]+$" } },
        });
        let value = json!({ "children": [{ "name": "a" }, { "children": [{ "name": "b" }] }] });
        assert_eq!(check(&tree, &value), Ok(()));
    }

    #[test]
    fn schemas_without_end_are_refused() {
        let endless = [
            json!({ "$ref": "#" }),
            json!({ "allOf": [{ "$ref": "#" }] }),
            json!({ "$ref": "#/$defs/a", "$defs": { "a": { "not": { "$ref": "#/$defs/b" } }, "b": { "$ref": "#/$defs/a" } } }),
        ];
        for schema in endless {
            assert!(
                refused(&schema, &json!({})).contains("too often"),
                "{schema}"
            );
        }
        // Two references at each of 30 levels are a thousand million steps.
        let mut levels = Map::new();
        for at in 0..30 {
            let next = json!({ "$ref": format!("#/$defs/{}", at + 1) });
            levels.insert(at.to_string(), json!({ "allOf": [next, next] }));
        }
        levels.insert("30".to_owned(), json!(true));
        let wide = json!({ "$ref": "#/$defs/0", "$defs": levels });
        assert!(refused(&wide, &json!({})).contains("too often"));
    }

    #[test]
    fn schemas_beyond_their_own_bounds_are_refused() {
        let large = json!({ "enum": vec![0; 10_001] });
        assert!(refused(&large, &json!({})).contains("more than 10000 values"));
        let patterns = json!({ "allOf": vec![json!({ "pattern": "a" }); 201] });
        assert!(refused(&patterns, &json!({})).contains("more than 200 patterns"));
        let dynamic = json!({ "items": { "$dynamicRef": "#node" } });
        assert!(refused(&dynamic, &json!({})).contains("$dynamicRef"));
        let remote = json!({ "$ref": "https://example.invalid/x" });
        assert!(refused(&remote, &json!({})).contains("not within it"));
        let named = json!({ "properties": { "$id": { "type": "string" } } });
        assert_eq!(check(&named, &json!({ "$id": "x" })), Ok(()));
    }
}
