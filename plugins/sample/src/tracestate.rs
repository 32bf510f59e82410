//! A span's trace state: what its `ot` member says of sampling, and the same state with another threshold.
//!
//! `ot=th:e666;rv:9b8233f7e3a151,vendor=x`: members between commas, of which `ot` is OpenTelemetry's and has sub-keys between
//! semicolons. Nothing that arrives here is trusted: what does not parse is as if it were not there.

use crate::threshold::{Randomness, Threshold};

/// W3C Trace Context: the members that a trace state may have.
const MAX_MEMBERS: usize = 32;

/// The specification's bound on the value of `ot`.
const MAX_VALUE: usize = 256;

/// What a trace state says of sampling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sampling {
    /// `rv`: randomness that stands in for that of the trace id.
    pub randomness: Option<Randomness>,
    /// `th`: the highest threshold that the span has passed so far.
    pub threshold: Option<Threshold>,
}

/// Reads what a trace state says of sampling.
pub fn sampling(state: &str) -> Sampling {
    let mut read = Sampling::default();
    for (key, value) in sub_keys(ot(state)) {
        match key {
            "rv" if read.randomness.is_none() => read.randomness = Randomness::parse(value),
            "th" if read.threshold.is_none() => read.threshold = Threshold::parse(value),
            _ => {}
        }
    }
    read
}

/// The trace state with this threshold: in front, as W3C asks of a member that was changed, with every other member and
/// sub-key as it was. Where `th` would make the member too long it is left out, since an old one would be untrue.
pub fn with_threshold(state: &str, threshold: Threshold) -> String {
    with_sampling(state, None, threshold)
}

/// The trace state with this threshold, and with randomness of which it says nothing so far.
pub(crate) fn with_sampling(
    state: &str,
    randomness: Option<Randomness>,
    threshold: Threshold,
) -> String {
    let mut new = String::with_capacity(state.len() + 48);
    for (key, value) in sub_keys(ot(state)).filter(|sub_key| is_foreign(*sub_key)) {
        push_sub_key(&mut new, key, value);
    }
    let others = new.len();
    if let Some(randomness) = randomness {
        push_sub_key(&mut new, "rv", &randomness.to_string());
    }
    push_sub_key(&mut new, "th", &threshold.to_string());
    if new.len() > MAX_VALUE {
        new.truncate(others);
    }
    let new = (!new.is_empty()).then(|| format!("ot={new}"));
    let rest = members(state)
        .filter(|member| ot_value(member).is_none())
        .take(MAX_MEMBERS - 1);
    new.as_deref()
        .into_iter()
        .chain(rest)
        .collect::<Vec<_>>()
        .join(",")
}

/// The members, without the blanks around them and without empty ones.
fn members(state: &str) -> impl Iterator<Item = &str> {
    let members = state
        .split(',')
        .map(|member| member.trim_matches([' ', '\t']));
    members.filter(|member| !member.is_empty())
}

/// The value of the `ot` member, empty where there is none. One over its bound is malformed as a whole.
fn ot(state: &str) -> &str {
    let value = members(state).find_map(ot_value);
    value
        .filter(|value| value.len() <= MAX_VALUE)
        .unwrap_or_default()
}

fn ot_value(member: &str) -> Option<&str> {
    member.strip_prefix("ot=")
}

/// The sub-keys of an `ot` value that are well formed.
fn sub_keys(value: &str) -> impl Iterator<Item = (&str, &str)> {
    value
        .split(';')
        .filter_map(|pair| pair.split_once(':'))
        .filter(|(key, value)| {
            key.starts_with(|first: char| first.is_ascii_lowercase())
                && key
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
                && value
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        })
}

/// Whether a sub-key stays when the threshold is written. A malformed `rv` does not: it took no part in the decision, and
/// would make a stricter reader refuse the threshold beside it.
fn is_foreign((key, value): (&str, &str)) -> bool {
    match key {
        "th" => false,
        "rv" => Randomness::parse(value).is_some(),
        _ => true,
    }
}

fn push_sub_key(ot: &mut String, key: &str, value: &str) {
    if !ot.is_empty() {
        ot.push(';');
    }
    ot.push_str(key);
    ot.push(':');
    ot.push_str(value);
}

#[cfg(test)]
mod tests;
