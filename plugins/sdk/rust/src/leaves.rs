//! `Leaves`: every string, key, number, boolean and bytes value of a batch, with the place where it stands.

use crate::{Kind, Table, Texts, contract};

/// Leaves of a batch, as [`Batch::leaves`](crate::Batch::leaves) found them: table by table as asked for, then by row,
/// then in the order of the wire.
///
/// Many leaves stand at one [`Place`], so decide by place once and by text for every leaf.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaves {
    texts: Texts,
    rows: Vec<u32>,
    at: Vec<u32>,
    places: Vec<Place>,
}

impl Leaves {
    pub(crate) fn new(leaves: contract::Leaves) -> Self {
        let kinds = leaves.place_kinds.iter();
        let kinds =
            kinds.map(|kind| Kind::from_name(kind).expect("the host gives the contract's kinds"));
        let places = leaves.place_paths.into_iter().zip(kinds);
        Self {
            texts: Texts::new(leaves.texts),
            rows: leaves.rows,
            at: leaves.places,
            places: places.map(|(path, kind)| Place { path, kind }).collect(),
        }
    }

    /// The number of leaves.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The leaf with this index.
    pub fn get(&self, index: usize) -> Option<Leaf<'_>> {
        let row = *self.rows.get(index)? as usize;
        let place = *self.at.get(index)? as usize;
        Some(Leaf {
            index,
            row,
            place,
            leaves: self,
        })
    }

    /// The leaves, in order.
    pub fn iter(&self) -> impl Iterator<Item = Leaf<'_>> {
        let all = self.rows.iter().zip(&self.at).enumerate();
        all.map(|(index, (row, place))| Leaf {
            index,
            row: *row as usize,
            place: *place as usize,
            leaves: self,
        })
    }

    /// The leaves' texts, for what scans them in one pass: [`Texts::row_at`] gives a leaf's index.
    pub fn texts(&self) -> &Texts {
        &self.texts
    }

    /// The places where leaves stand, and that of every key, whether keys were asked for or not. [`Leaf::place`] is an index
    /// of this.
    pub fn places(&self) -> &[Place] {
        &self.places
    }
}

/// One leaf.
#[derive(Clone, Copy, Debug)]
pub struct Leaf<'a> {
    /// Its number, for [`LeafEdits`](crate::LeafEdits).
    pub index: usize,
    /// Its row in its table.
    pub row: usize,
    /// The index of its place in [`Leaves::places`].
    pub place: usize,
    leaves: &'a Leaves,
}

impl<'a> Leaf<'a> {
    /// Its text; a number or boolean is its shortest text in decimal, bytes are theirs with U+FFFD where they are not
    /// UTF-8.
    pub fn text(&self) -> &'a str {
        self.leaves.texts.get(self.index).unwrap_or_default()
    }

    /// Its text as bytes: UTF-8, and cheaper than [`text`](Self::text), which checks that.
    pub fn bytes(&self) -> &'a [u8] {
        self.leaves.texts.get_bytes(self.index).unwrap_or_default()
    }
}

/// Where a leaf stands, and what it is there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The path: `record.attributes["exception.message"]`, `event.attributes["user"]["mail"]`, `log.body[]`; that of a
    /// key ends in `#key`.
    pub path: String,
    /// What stands there.
    pub kind: Kind,
}

impl Place {
    /// The table.
    pub fn table(&self) -> Option<Table> {
        Table::from_name(self.path.split_once('.')?.0)
    }

    /// The keys in the path, outermost first: `["user", "mail"]` in `event.attributes["user"]["mail"]`. Of a key's place the
    /// last one is the key itself.
    pub fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        let mut letters = self.path.chars();
        // Outside of quotes a path has letters, dots, underscores and brackets only.
        while letters.any(|letter| letter == '"') {
            let mut key = String::new();
            while let Some(letter) = letters.next() {
                match letter {
                    '"' => break,
                    '\\' => key.extend(letters.next()),
                    _ => key.push(letter),
                }
            }
            keys.push(key);
        }
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::{Leaves, Place};
    use crate::{
        Kind, Table,
        contract::{self, PackedTexts},
    };

    fn place(path: &str) -> Place {
        Place {
            path: path.to_owned(),
            kind: Kind::Text,
        }
    }

    #[test]
    fn a_place_knows_its_table_and_keys() {
        let nested = place(r#"event.attributes["user"][]["m\"a\\il"]#key"#);
        assert_eq!(nested.table(), Some(Table::Event));
        assert_eq!(nested.keys(), ["user", r#"m"a\il"#]);
        assert_eq!(place("record.body").keys(), [""; 0]);
        assert_eq!(place(r#"scope.attributes[""]"#).keys(), [""]);
    }

    #[test]
    fn leaves_come_with_row_and_place() {
        let leaves = Leaves::new(contract::Leaves {
            texts: PackedTexts {
                data: b"mailx".into(),
                ends: vec![4, 5],
                present: vec![0b11],
            },
            rows: vec![0, 7],
            places: vec![0, 1],
            place_paths: vec![
                "record.attributes[\"mail\"]#key".into(),
                "record.body".into(),
            ],
            place_kinds: vec!["key".into(), "text".into()],
        });
        let seen: Vec<_> = leaves
            .iter()
            .map(|leaf| {
                (
                    leaf.index,
                    leaf.row,
                    leaf.text(),
                    leaves.places()[leaf.place].kind,
                )
            })
            .collect();
        assert_eq!(seen, [(0, 0, "mail", Kind::Key), (1, 7, "x", Kind::Text)]);
        assert_eq!(leaves.get(1).map(|leaf| leaf.bytes()), Some(&b"x"[..]));
        assert!(leaves.get(2).is_none());
    }
}
