//! otlet's plugin `enrich`: sets, copies, moves, removes, extracts, converts, hashes and looks up attributes and fields, in
//! the order that the config lists.
//!
//! Everything that can be wrong is found when the config is read: a path that does not exist, a value of the wrong type, a
//! copy that goes up the tree. What an action asks for and finds already so is no edit, and leaves the bytes as they came.

mod action;
mod config;
mod convert;
mod extract;
mod hash;
mod keys;
mod literal;
mod lookup;
mod matching;
mod moving;
mod path;
mod rewrite;
mod selection;
mod table;
mod template;
mod words;

use otlet_plugin::{Batch, Error, Manifest, Plugin};

pub use config::{Action, As, Config, If, Paths, Table, To};
use table::Tables;

/// The plugin.
#[derive(Debug)]
pub struct Enrich {
    actions: Vec<action::Action>,
    /// Whether an action is about one signal.
    is_of_a_signal: bool,
}

impl Plugin for Enrich {
    type Config = Config;

    fn manifest() -> Manifest {
        Manifest::new(env!("CARGO_PKG_VERSION")).adds_text()
    }

    fn new(config: Config) -> Result<Self, Error> {
        let mut mistakes: Vec<String> = Vec::new();
        let tables = Tables::new(config.tables, &config.actions, &mut mistakes);
        let mut actions = Vec::new();
        for (index, action) in config.actions.iter().enumerate() {
            match action::Action::new(action, &tables) {
                Ok(action) => actions.push(action),
                Err(wrong) => {
                    let wrong = wrong.iter().flat_map(|wrong| wrong.lines());
                    mistakes.extend(wrong.map(|wrong| keys::placed(index, wrong)));
                }
            }
        }
        if mistakes.is_empty() {
            let is_of_a_signal = actions.iter().any(action::Action::is_of_a_signal);
            Ok(Self {
                actions,
                is_of_a_signal,
            })
        } else {
            // The host shows each line where it belongs.
            Err(mistakes.join("\n").into())
        }
    }

    fn process(&mut self, batch: &mut Batch) -> Result<(), Error> {
        let signal = self.is_of_a_signal.then(|| batch.signal());
        for action in &self.actions {
            action.apply(batch, signal);
        }
        Ok(())
    }
}

otlet_plugin::export!(Enrich);

#[cfg(test)]
mod tests;
