//! The `rates` of a config: which spans and log records are sampled by a share of their own.

use otlet_conditions::{Condition, Opened};
use otlet_plugin::{Batch, Error, Signal, Table};

use crate::config::{Given, Mode, Rate as Config};
use crate::decision::Share;
use crate::key::{ByValue, Key};
use crate::threshold::Threshold;

/// The rates of a config.
#[derive(Debug)]
pub(crate) struct Rates {
    entries: Vec<Entry>,
    all: Vec<Rate>,
    keys: Vec<Key>,
}

/// A share, and what rows without a trace are decided by.
#[derive(Debug)]
pub(crate) struct Rate {
    pub(crate) share: Share,
    /// An index of [`Rates::keys`].
    pub(crate) by: Option<usize>,
    /// The place of its entry in the config.
    entry: usize,
}

impl Rate {
    /// What counts first, if rows of one trace have several: the entry, and within it the larger share.
    pub(crate) fn rank(&self) -> (usize, Threshold) {
        (self.entry, self.share.threshold())
    }
}

/// An entry of the config.
#[derive(Debug)]
struct Entry {
    /// The records that it looks at: all, if it does not say.
    when: Option<Opened>,
    gives: Gives,
}

/// Indexes of the rates.
#[derive(Debug)]
enum Gives {
    One(usize),
    OfValue(Key, ByValue),
}

impl Rates {
    /// Opens the entries. What is wrong with them goes to the mistakes.
    pub(crate) fn open(entries: &[Config], mode: Mode, mistakes: &mut Vec<String>) -> Self {
        let mut rates = Self {
            entries: Vec::new(),
            all: Vec::new(),
            keys: Vec::new(),
        };
        for (index, entry) in entries.iter().enumerate() {
            rates.add(entry, mode, &format!("rates[{index}]"), mistakes);
        }
        rates
    }

    fn add(&mut self, entry: &Config, mode: Mode, name: &str, mistakes: &mut Vec<String>) {
        let when = entry.when.as_ref();
        let when = when.map(|when| opened(when, &format!("{name}.when")));
        let when = when.and_then(|when| noted(when, mistakes));
        let key =
            |path: &str, of| Key::open(path).map_err(|error| error.context(format!("{name}.{of}")));
        let by = entry.by.as_ref().map(|path| key(path, "by"));
        let by = by.and_then(|key| noted(key, mistakes)).map(|key| {
            self.keys.push(key);
            self.keys.len() - 1
        });
        let of = entry.of.as_ref().map(|path| key(path, "of"));
        let of = of.and_then(|key| noted(key, mistakes));
        let at = self.entries.len();
        let mut rate = |percentage| {
            let share = Share::of_percentage(percentage, mode);
            self.all.push(Rate {
                share,
                by,
                entry: at,
            });
            self.all.len() - 1
        };
        let gives = match (entry.given(name), of) {
            (Ok(Given::Share(percentage)), _) => Gives::One(rate(percentage)),
            (Ok(Given::ByValue(percentages)), Some(key)) => {
                let mut by_value = ByValue::default();
                for (value, percentage) in percentages {
                    by_value.add(value, rate(*percentage));
                }
                Gives::OfValue(key.with_types_of(&by_value), by_value)
            }
            (Ok(Given::ByValue(_)), None) => return,
            (Err(wrong), _) => return mistakes.extend(wrong),
        };
        self.entries.push(Entry { when, gives });
    }

    /// What the rates name to give rows randomness by.
    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The rate of each record, of which the first entry that has one counts. Empty where no rate names any record.
    pub(crate) fn of_records(&self, batch: &Batch) -> Vec<Option<&Rate>> {
        let mut found = Vec::new();
        for entry in &self.entries {
            let when = entry.when.as_ref().map(|when| when.holds(batch));
            if when.as_ref().is_some_and(|when| when.count() == 0) {
                continue;
            }
            let of_value = match &entry.gives {
                Gives::One(_) => Vec::new(),
                Gives::OfValue(key, by_value) => {
                    key.by_record(batch, |value| value.and_then(|value| by_value.get(value)))
                }
            };
            found.resize(batch.rows(Table::Record), None);
            for (row, found) in found.iter_mut().enumerate() {
                if found.is_none() && when.as_ref().is_none_or(|when| when.get(row)) {
                    *found = match entry.gives {
                        Gives::One(rate) => self.all.get(rate),
                        Gives::OfValue(..) => {
                            let rate = of_value.get(row).copied().flatten();
                            rate.and_then(|rate| self.all.get(rate))
                        }
                    };
                }
            }
        }
        found
    }
}

/// What was made, or nothing where it could not be, which goes to the mistakes.
pub(crate) fn noted<T>(made: Result<T, Error>, mistakes: &mut Vec<String>) -> Option<T> {
    made.map_err(|error| mistakes.push(error.into())).ok()
}

/// Opens a condition on spans and log records.
pub(crate) fn opened(condition: &Condition, key: &str) -> Result<Opened, Error> {
    let opened = condition.open_under(key, Table::Record)?;
    if opened.names(Signal::Metrics) {
        return Err(Error::new(format!(
            "{key}: names a path of metrics, which are never sampled: write it under `metrics.drop` or `metrics.keep_only`"
        )));
    }
    Ok(opened.of_own_signals())
}
