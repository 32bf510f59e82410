//! An action, checked and with its columns open.

use otlet_conditions::{Opened, Place};
use otlet_plugin::{Batch, Error, Mask, Signal, Table};

use crate::config::{self, Paths, To};
use crate::convert::Convert;
use crate::extract::{Extract, Places};
use crate::hash::{Hash, How};
use crate::keys;
use crate::literal::Set;
use crate::lookup::Lookup;
use crate::matching::{Matching, Remove};
use crate::moving::{Copy, Move};
use crate::rewrite::{Change, Rewrite};
use crate::table::Tables;
use crate::template::Template;

/// What is done to the rows of one table.
pub(crate) trait Verb: std::fmt::Debug {
    /// The table whose rows `when` is about, and the one signal that has the columns, unless all do.
    fn place(&self) -> (Table, Option<Signal>);

    /// Does it to the rows of the mask, or to all without one.
    fn apply(&self, batch: &mut Batch, when: Option<&Mask>);
}

/// An action that has nothing wrong with it.
#[derive(Debug)]
pub(crate) struct Action {
    /// Several, where it names several paths.
    verbs: Vec<Box<dyn Verb>>,
    /// The condition, opened for each table that a verb is about.
    whens: Vec<(Table, Opened)>,
}

impl Action {
    /// Checks an action of the config. The mistakes name the key and say what to write instead.
    pub(crate) fn new(config: &config::Action, tables: &Tables) -> Result<Self, Vec<String>> {
        keys::check(config).map_err(|wrong| vec![wrong.into()])?;
        let verbs = verbs(config, tables);
        let mut mistakes: Vec<String> = Vec::new();
        let mut whens: Vec<(Table, Opened)> = Vec::new();
        for table in tables_of(config, verbs.as_ref()) {
            let Some(when) = &config.when else { break };
            if whens.iter().any(|(opened, _)| *opened == table) {
                continue;
            }
            match when.open_under("when", table) {
                Ok(opened) => whens.push((table, opened)),
                Err(wrong) => {
                    mistakes.push(wrong.into());
                    break;
                }
            }
        }
        match verbs {
            Ok(verbs) if mistakes.is_empty() => Ok(Self { verbs, whens }),
            Ok(_) => Err(mistakes),
            Err(wrong) => {
                mistakes.insert(0, wrong.into());
                Err(mistakes)
            }
        }
    }

    /// Whether it has paths that not every signal has.
    pub(crate) fn is_of_a_signal(&self) -> bool {
        self.verbs.iter().any(|verb| verb.place().1.is_some())
    }

    /// Does it to a batch of this signal, which has to be known only for what is of one. The condition is about the rows as
    /// they are before.
    pub(crate) fn apply(&self, batch: &mut Batch, signal: Option<Signal>) {
        let is_meant = |only: Option<Signal>| only.is_none() || only == signal;
        let verbs = self.verbs.iter().filter(|verb| is_meant(verb.place().1));
        if self.whens.is_empty() {
            return verbs.for_each(|verb| verb.apply(batch, None));
        }
        let verbs: Vec<_> = verbs.map(|verb| (verb.place().0, verb)).collect();
        let asked = |table| verbs.iter().any(|(of, _)| *of == table);
        let whens = self.whens.iter().filter(|(table, _)| asked(*table));
        let masks: Vec<_> = whens
            .map(|(table, when)| (*table, when.holds(batch)))
            .collect();
        for (table, verb) in verbs {
            let mask = masks.iter().find(|(of, _)| *of == table);
            if let Some((_, mask)) = mask.filter(|(_, mask)| mask.count() > 0) {
                verb.apply(batch, Some(mask));
            }
        }
    }
}

/// The tables that an action is about: of one whose verb is wrong, that of the path that is set, if it has one.
fn tables_of(config: &config::Action, verbs: Result<&Vec<Box<dyn Verb>>, &Error>) -> Vec<Table> {
    if let Ok(verbs) = verbs {
        return verbs.iter().map(|verb| verb.place().0).collect();
    }
    let place = config.set.as_deref().and_then(Place::of);
    place.map(|place| place.table).into_iter().collect()
}

/// The verbs of an action that has the keys that it should have.
fn verbs(config: &config::Action, tables: &Tables) -> Result<Vec<Box<dyn Verb>>, Error> {
    if let Some(path) = &config.set {
        set(path, config)
    } else if let Some(from) = &config.copy {
        one(Copy::new(from, to(config)?, config.if_))
    } else if let Some(from) = &config.move_ {
        one(Move::new("move", from, to(config)?, config.if_))
    } else if let Some(from) = &config.rename {
        one(Move::new("rename", from, to(config)?, config.if_))
    } else if let Some(paths) = &config.remove {
        let all = Remove::of(paths.all()).map_err(|error| error.context("remove"))?;
        Ok(all.into_iter().map(boxed).collect())
    } else if let Some(keys) = &config.remove_matching {
        one(Matching::new(
            ("remove_matching", keys),
            text(config.from.as_ref()),
            true,
        ))
    } else if let Some(keys) = &config.keep_matching {
        one(Matching::new(
            ("keep_matching", keys),
            text(config.from.as_ref()),
            false,
        ))
    } else if let Some(path) = &config.lookup {
        one(Lookup::new(path, config, tables))
    } else if let Some(path) = &config.extract {
        let places = Places {
            to: config.to.as_ref(),
            prefix: config.prefix.as_deref(),
            when: config.if_,
        };
        one(Extract::new(path, text(config.pattern.as_ref()), &places))
    } else if let Some(paths) = &config.convert {
        let to = beside(config, paths)?;
        let as_ = config.as_.unwrap_or_default();
        each("convert", paths, |path| {
            Convert::new(path, to, config.if_, as_)
        })
    } else if let Some(paths) = &config.hash {
        let to = beside(config, paths)?;
        let how = How::new(config.key.as_deref(), config.length)?;
        each("hash", paths, |path| {
            Hash::new(path, to, config.if_, how.clone())
        })
    } else {
        rewrite(config)
    }
}

fn set(path: &str, config: &config::Action) -> Result<Vec<Box<dyn Verb>>, Error> {
    match (&config.value, &config.template) {
        (Some(value), None) => one(Set::new(path, value, config.if_)),
        (None, Some(template)) => one(Template::new(path, template, config.if_)),
        (None, None) => {
            Err("`set` needs a `value` or a `template`; to take something away, `remove` it".into())
        }
        (Some(_), Some(_)) => Err("`set` has a `value` and a `template`: leave one out".into()),
    }
}

fn rewrite(config: &config::Action) -> Result<Vec<Box<dyn Verb>>, Error> {
    let (verb, paths, change) = if let Some(paths) = &config.replace {
        let change = Change::replace(text(config.pattern.as_ref()), text(config.with.as_ref()))?;
        ("replace", paths, change)
    } else if let Some(paths) = &config.truncate {
        ("truncate", paths, Change::truncate(config.length)?)
    } else if let Some(paths) = &config.lowercase {
        ("lowercase", paths, Change::Lowercase)
    } else if let Some(paths) = &config.uppercase {
        ("uppercase", paths, Change::Uppercase)
    } else {
        return Err("does nothing".into());
    };
    each(verb, paths, |path| Rewrite::new(path, change.clone()))
}

fn one<V: Verb + 'static>(verb: Result<V, Error>) -> Result<Vec<Box<dyn Verb>>, Error> {
    Ok(vec![boxed(verb?)])
}

/// A verb for each path.
fn each<V: Verb + 'static>(
    key: &str,
    paths: &Paths,
    verb: impl Fn(&str) -> Result<V, Error>,
) -> Result<Vec<Box<dyn Verb>>, Error> {
    let verbs = paths.all().iter().map(|path| verb(path).map(boxed));
    let verbs = verbs.collect::<Result<Vec<_>, _>>()?;
    if verbs.is_empty() {
        return Err(format!("{key}: is an empty list: name a path").into());
    }
    Ok(verbs)
}

fn boxed<V: Verb + 'static>(verb: V) -> Box<dyn Verb> {
    Box::new(verb)
}

fn text(text: Option<&String>) -> &str {
    text.map(String::as_str).unwrap_or_default()
}

/// The path that an action leads to.
fn to(config: &config::Action) -> Result<&str, Error> {
    match &config.to {
        Some(To::Path(path)) => Ok(path),
        _ => Err("to: is no path, and one is what this action leads to".into()),
    }
}

/// The path that an action leads to, which otherwise works in place.
fn beside<'a>(config: &'a config::Action, paths: &Paths) -> Result<Option<&'a str>, Error> {
    match (&config.to, config.if_) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(
            "if: is about what stands at `to`, and this is done in place: leave it \
            out, or use `when`"
                .into(),
        ),
        _ if paths.all().len() > 1 => {
            Err("to: is one path, and several lead there: write an action for each".into())
        }
        _ => to(config).map(Some),
    }
}

#[cfg(test)]
pub(crate) mod tests;
