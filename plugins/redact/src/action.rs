//! What becomes of findings: which action each detector has, and where series must be kept apart.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::detector::{Detector, Name};

/// The name, in masks and counters, of what a deny list hides.
pub(crate) const DENIED: &str = "denied";

/// What becomes of a finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A mask with the detector's name takes its place: `[redacted:email]`.
    #[default]
    Mask,
    /// What tells without identifying stays: `[redacted:email]@example.org`, `[redacted:credit_card:1111]`. What has no
    /// such part is masked.
    Partial,
    /// A mask with a keyed hash takes its place, the same for the same value: `[redacted:email:3f2a9c0b7d1e4f56]`.
    Hash,
    /// It goes. Where it was all of a value, the attribute, map entry or array element goes with it.
    Remove,
}

/// The actions of a config.
#[derive(Debug)]
pub(crate) struct Actions {
    /// Of detectors that `named` has no action for.
    others: Action,
    named: BTreeMap<Detector, Action>,
    /// In what tells series apart.
    series: Action,
}

impl Actions {
    /// The actions of a config that looks for what is in `wanted`; what is wrong with them is added to the mistakes.
    pub(crate) fn new(
        others: Action,
        named: &BTreeMap<String, Action>,
        series: Action,
        wanted: &[Detector],
        mistakes: &mut Vec<String>,
    ) -> Self {
        let denied = denied();
        let mut of_detectors = BTreeMap::new();
        for (name, &action) in named {
            let mut known = wanted.iter().chain([&denied]);
            match known.find(|known| known.name() == name) {
                None => mistakes.push(unknown(name, wanted)),
                Some(&detector) if action == Action::Partial && !has_partial_form(detector) => {
                    let cure = "choose mask, hash or remove";
                    mistakes.push(format!("actions.{name}: there is no partial form, {cure}"));
                }
                Some(&detector) => {
                    of_detectors.insert(detector, action);
                }
            }
        }
        Self {
            others,
            named: of_detectors,
            series,
        }
    }

    /// What becomes of this detector's findings, in what tells series apart or elsewhere.
    pub(crate) fn of(&self, detector: Detector, series: bool) -> Action {
        if series {
            self.series
        } else {
            self.named.get(&detector).copied().unwrap_or(self.others)
        }
    }

    /// Whether what tells series apart does so afterwards.
    pub(crate) fn keep_apart(&self) -> bool {
        self.series == Action::Hash
    }

    /// Whether anything may be hashed.
    pub(crate) fn hash(&self) -> bool {
        let mut all = self.named.values().chain([&self.others, &self.series]);
        all.any(|&action| action == Action::Hash)
    }
}

/// The detector in whose name a deny list hides.
pub(crate) fn denied() -> Detector {
    Detector::Pattern(Name::new(DENIED).expect("it is short, and of letters alone"))
}

/// Whether a part of what this detector finds tells without identifying.
fn has_partial_form(detector: Detector) -> bool {
    matches!(
        detector,
        Detector::Email
            | Detector::CreditCard
            | Detector::Iban
            | Detector::UsSsn
            | Detector::Phone
            | Detector::Ip
    )
}

fn unknown(name: &str, wanted: &[Detector]) -> String {
    if Detector::ALL.iter().any(|known| known.name() == name) {
        let cure = "add it there, or leave it out here";
        return format!("actions.{name}: it is not among the detectors, {cure}");
    }
    let names: Vec<_> = wanted.iter().map(Detector::name).collect();
    let names = names.join(", ");
    format!("actions.{name}: no such detector, write one of {names}, {DENIED}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Action, Actions, denied};
    use crate::detector::Detector;

    fn actions(name: &str, action: Action, wanted: &[Detector]) -> Result<Actions, String> {
        let named = BTreeMap::from([(name.to_owned(), action)]);
        let mut mistakes = Vec::new();
        let actions = Actions::new(Action::Mask, &named, Action::Hash, wanted, &mut mistakes);
        mistakes.pop().map_or(Ok(actions), Err)
    }

    #[test]
    fn a_detector_has_its_own_action_or_that_of_the_others() {
        let actions = actions("email", Action::Remove, &Detector::ALL).unwrap();
        assert_eq!(actions.of(Detector::Email, false), Action::Remove);
        assert_eq!(actions.of(Detector::Jwt, false), Action::Mask);
        assert_eq!(actions.of(denied(), false), Action::Mask);
    }

    #[test]
    fn series_have_one_action_for_all() {
        let actions = actions("email", Action::Remove, &Detector::ALL).unwrap();
        assert_eq!(actions.of(Detector::Email, true), Action::Hash);
        assert_eq!(actions.of(Detector::Jwt, true), Action::Hash);
    }

    #[test]
    fn what_a_deny_list_hides_has_an_action_too() {
        let actions = actions("denied", Action::Hash, &[Detector::Email]).unwrap();
        assert_eq!(actions.of(denied(), false), Action::Hash);
    }

    #[test]
    fn it_is_known_whether_anything_may_be_hashed() {
        for (others, named, series, expected) in [
            (Action::Mask, Action::Partial, Action::Remove, false),
            (Action::Hash, Action::Partial, Action::Remove, true),
            (Action::Mask, Action::Hash, Action::Remove, true),
            (Action::Mask, Action::Partial, Action::Hash, true),
        ] {
            let named = BTreeMap::from([("email".to_owned(), named)]);
            let actions = Actions::new(others, &named, series, &Detector::ALL, &mut vec![]);
            assert_eq!(actions.hash(), expected);
        }
    }

    #[test]
    fn a_mistake_names_the_key_and_the_cure() {
        let wanted = [Detector::Email, Detector::Jwt];
        for (name, action, expected) in [
            (
                "emial",
                Action::Hash,
                "actions.emial: no such detector, write one of email, jwt, denied",
            ),
            (
                "ip",
                Action::Hash,
                "actions.ip: it is not among the detectors, add it there, or leave it out here",
            ),
            (
                "jwt",
                Action::Partial,
                "actions.jwt: there is no partial form, choose mask, hash or remove",
            ),
        ] {
            assert_eq!(actions(name, action, &wanted).unwrap_err(), expected);
        }
    }
}
