//! otlet's plugin `enrich`: sets, copies, renames and removes attributes and fields, in the order that the config lists.
//!
//! Everything that can be wrong is found when the config is read: a path that does not exist, a value of the wrong type, a
//! copy that goes up the tree. What an action asks for and finds already so is no edit, and leaves the bytes as they came.

mod action;
mod config;

use otlet_plugin::{Batch, Error, Manifest, Plugin};

pub use config::{Action, Config, Paths, When};

/// The plugin.
#[derive(Debug)]
pub struct Enrich {
    actions: Vec<action::Action>,
}

impl Plugin for Enrich {
    type Config = Config;

    fn manifest() -> Manifest {
        Manifest::new(env!("CARGO_PKG_VERSION"))
    }

    fn new(config: Config) -> Result<Self, Error> {
        let actions = config.actions.iter().enumerate().map(|(index, action)| {
            action::Action::new(action).map_err(|error| error.context(format!("actions[{index}]")))
        });
        Ok(Self {
            actions: actions.collect::<Result<_, _>>()?,
        })
    }

    fn process(&mut self, batch: &mut Batch) -> Result<(), Error> {
        for action in &self.actions {
            action.apply(batch);
        }
        Ok(())
    }
}

otlet_plugin::export!(Enrich);
