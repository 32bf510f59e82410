//! What is known of a value by the place where it stands: decided once a place.

use std::collections::BTreeMap;

use otlet_plugin::{Kind, Leaves, Place, Signal, Table};

use crate::action;
use crate::detector::{Detector, Wanted, mask_length};
use crate::lists::{Listed, Rules};
use crate::name::{self, Secrecy};
use crate::named::Named;
use crate::scan;
use crate::search::Search;
use crate::value;

/// So many places are remembered, of paths no longer than this: 2 MiB at most.
const MOST: usize = 4096;
const LONGEST: usize = 256;

/// What a place says about the leaves that stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// What the leaves are.
    pub(crate) kind: Kind,
    /// Whether they tell resources or series apart.
    pub(crate) series: bool,
    /// Whether they may go: values of attributes and what is in them, and bodies. Names and other fields stay.
    pub(crate) may_go: bool,
    /// What the lists say.
    pub(crate) listed: Listed,
    /// What the keys say.
    pub(crate) secrecy: Secrecy,
    /// What the keys say about numbers.
    pub(crate) named: Named,
    /// Whether it is the place of a key that, itself, holds something to hide.
    pub(crate) hidden_key: bool,
}

impl Said {
    /// Whether leaves may be hidden whole because of the place.
    pub(crate) fn may_hide(&self) -> bool {
        self.listed == Listed::Denied || self.secrecy != Secrecy::Open || self.named.may_find()
    }

    /// In whose name this value is hidden whole because of the place, if it is.
    pub(crate) fn hides(&self, value: &[u8], wanted: Wanted) -> Option<Detector> {
        if self.listed == Listed::Denied {
            let masked = mask_length(value) == value.len();
            return (!masked).then(action::denied);
        }
        let open = self.secrecy.spares(value) || value::is_nothing(value);
        let named = self.named.finds(value, wanted);
        named.or((!open).then_some(Detector::SecretKey))
    }
}

/// What places say, remembered from batch to batch: most of them come again.
#[derive(Debug, Default)]
pub(crate) struct Places {
    known: BTreeMap<(Signal, Kind), BTreeMap<String, Said>>,
    count: usize,
}

impl Places {
    /// What the places of these leaves say, in their order.
    pub(crate) fn of(
        &mut self,
        leaves: &Leaves,
        signal: Signal,
        rules: &Rules,
        search: &Search,
    ) -> Vec<Said> {
        let places = leaves.places().iter();
        places
            .map(|place| self.said(place, signal, rules, search))
            .collect()
    }

    fn said(&mut self, place: &Place, signal: Signal, rules: &Rules, search: &Search) -> Said {
        let known = self.known.entry((signal, place.kind)).or_default();
        if let Some(said) = known.get(&place.path) {
            return *said;
        }
        let said = said(place, signal, rules, search);
        if place.path.len() > LONGEST {
            return said;
        }
        known.insert(place.path.clone(), said);
        self.count += 1;
        if self.count == MOST {
            *self = Self::default();
        }
        said
    }
}

fn said(place: &Place, signal: Signal, rules: &Rules, search: &Search) -> Said {
    let keys = place.keys();
    let is_key = place.kind == Kind::Key;
    let listed = if is_key {
        Listed::No
    } else {
        rules.of(&place.path, signal, &keys)
    };
    let open = is_key || listed == Listed::Allowed;
    let secret = !open && search.wanted.has(Detector::SecretKey);
    let secrecies = keys
        .iter()
        .filter(|_| secret)
        .map(|key| name::secrecy(key.as_bytes(), false));
    Said {
        kind: place.kind,
        series: tells_apart(place, signal),
        may_go: !is_key && (!keys.is_empty() || place.path.starts_with("record.body")),
        listed,
        secrecy: secrecies
            .into_iter()
            .find(|&secrecy| secrecy != Secrecy::Open)
            .unwrap_or(Secrecy::Open),
        named: Named::of(if open { &[] } else { &keys }),
        hidden_key: is_key && keys.last().is_some_and(|key| is_hidden(key, search)),
    }
}

/// Whether a key holds something to hide.
fn is_hidden(key: &str, search: &Search) -> bool {
    let end = u32::try_from(key.len()).unwrap_or(u32::MAX);
    !scan::scan(key.as_bytes(), &[end], search).is_empty()
}

/// Whether what differs here makes two resources, or two series of a metric.
fn tells_apart(place: &Place, signal: Signal) -> bool {
    match place.table() {
        Some(Table::Resource) => true,
        _ if signal != Signal::Metrics => false,
        Some(Table::Scope | Table::Record) => true,
        Some(Table::Metric) => matches!(place.path.as_str(), "metric.name" | "metric.unit"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use otlet_plugin::{Kind, Place, Signal};

    use super::{LONGEST, MOST, Places, Said, said};
    use crate::lists::{Listed, Lists, Rules};
    use crate::name::Secrecy;
    use crate::search::Search;

    fn at(path: &str, kind: Kind, signal: Signal) -> Said {
        let lists = Lists {
            allow: vec!["user.password".to_owned()],
            deny: vec!["log.body".to_owned()],
        };
        let rules = Rules::new(
            &Lists {
                deny: Vec::new(),
                ..lists.clone()
            },
            &Lists {
                allow: Vec::new(),
                ..lists
            },
            &mut Vec::new(),
        );
        let place = Place {
            path: path.to_owned(),
            kind,
        };
        said(&place, signal, &rules, &Search::default())
    }

    #[test]
    fn resources_tell_apart_in_every_signal_and_the_rest_in_metrics() {
        for (path, elsewhere, in_metrics) in [
            ("resource.attributes[\"a\"][\"b\"]", true, true),
            ("resource.schema_url", true, true),
            ("resource.entity_refs.id_keys[]", true, true),
            ("scope.name", false, true),
            ("scope.version", false, true),
            ("scope.schema_url", false, true),
            ("scope.attributes[\"a\"]", false, true),
            ("record.attributes[\"a\"][]", false, true),
            ("metric.name", false, true),
            ("metric.unit", false, true),
            ("metric.description", false, false),
            ("metric.metadata[\"a\"]", false, false),
            ("exemplar.filtered_attributes[\"a\"]", false, false),
            ("event.name", false, false),
        ] {
            for signal in [Signal::Traces, Signal::Logs] {
                assert_eq!(at(path, Kind::Text, signal).series, elsewhere, "{path}");
            }
            let key = at(&format!("{path}#key"), Kind::Key, Signal::Metrics);
            assert_eq!(
                at(path, Kind::Text, Signal::Metrics).series,
                in_metrics,
                "{path}"
            );
            assert!(key.series == in_metrics || !path.contains("\"]"), "{path}");
        }
    }

    #[test]
    fn places_are_remembered_up_to_a_bound() {
        let (rules, search) = (Rules::default(), Search::default());
        let mut places = Places::default();
        let mut said = |path: &str, kind, signal| {
            let place = Place {
                path: path.to_owned(),
                kind,
            };
            let said = places.said(&place, signal, &rules, &search);
            let count = places.known.values().map(BTreeMap::len).sum::<usize>();
            (said, count)
        };
        for signal in [Signal::Logs, Signal::Metrics] {
            let (first, _) = said("scope.name", Kind::Text, signal);
            let (again, _) = said("scope.name", Kind::Text, signal);
            assert_eq!(first, again);
            assert_eq!(again.series, signal == Signal::Metrics);
        }
        let long = format!("record.attributes[\"{}\"]", "x".repeat(LONGEST));
        assert_eq!(said(&long, Kind::Text, Signal::Logs).1, 2);
        for i in 0..3 * MOST {
            let (_, count) = said(
                &format!("record.attributes[\"{i}\"]"),
                Kind::Text,
                Signal::Logs,
            );
            assert!(count < MOST);
        }
    }

    #[test]
    fn a_key_that_holds_something_is_known() {
        let hidden = |path, kind| at(path, kind, Signal::Logs).hidden_key;
        assert!(hidden(
            "record.attributes[\"alice@example.org\"]#key",
            Kind::Key
        ));
        assert!(!hidden(
            "record.attributes[\"alice@example.org\"]",
            Kind::Text
        ));
        assert!(!hidden(
            "record.attributes[\"alice@example.org\"][\"a\"]#key",
            Kind::Key
        ));
    }

    #[test]
    fn names_and_other_fields_stay_and_values_may_go() {
        for (path, kind, expected) in [
            ("record.attributes[\"a\"]", Kind::Text, true),
            ("record.attributes[\"a\"][]", Kind::Integer, true),
            ("record.attributes[\"a\"]#key", Kind::Key, false),
            ("record.body", Kind::Text, true),
            ("record.body[]", Kind::Text, true),
            ("record.name", Kind::Text, false),
            ("record.status.message", Kind::Text, false),
            ("resource.entity_refs.id_keys[]", Kind::Text, false),
        ] {
            assert_eq!(at(path, kind, Signal::Logs).may_go, expected, "{path}");
        }
    }

    #[test]
    fn keys_say_what_is_secret_unless_they_are_allowed() {
        let secrecy = |path, kind| at(path, kind, Signal::Traces).secrecy;
        assert_eq!(
            secrecy("record.attributes[\"password\"][\"a\"]", Kind::Text),
            Secrecy::Secret
        );
        assert_eq!(
            secrecy("record.attributes[\"a\"]", Kind::Text),
            Secrecy::Open
        );
        assert_eq!(
            secrecy("record.attributes[\"password\"]#key", Kind::Key),
            Secrecy::Open
        );
        assert_eq!(
            secrecy("record.attributes[\"user.password\"]", Kind::Text),
            Secrecy::Open
        );
    }

    #[test]
    fn lists_are_about_values_and_know_the_signals_name_of_records() {
        let listed = |path, kind, signal| at(path, kind, signal).listed;
        assert_eq!(
            listed("record.body", Kind::Text, Signal::Logs),
            Listed::Denied
        );
        assert_eq!(
            listed("record.body", Kind::Text, Signal::Traces),
            Listed::No
        );
        assert_eq!(
            listed("record.body[\"a\"]#key", Kind::Key, Signal::Logs),
            Listed::No
        );
        let allowed = "event.attributes[\"user.password\"]";
        assert_eq!(listed(allowed, Kind::Text, Signal::Traces), Listed::Allowed);
    }
}
