//! What stands before the parts of a running otlet: the admin endpoint, which tells how far it is.

use std::sync::Arc;

use super::parts::start_admin;
use crate::admin::{self, Admin, Health};
use crate::metrics::Sources;
use crate::plugin::Registry;

/// An otlet that takes nothing yet.
pub struct Front {
    pub(super) sources: Arc<Sources>,
    pub(super) health: Arc<Health>,
    pub(super) admin: Option<Admin>,
}

impl Front {
    /// Starts the admin endpoint, if there is to be one.
    pub fn open(admin: Option<&admin::Config>, registry: &Arc<Registry>) -> anyhow::Result<Self> {
        let (sources, health) = (Sources::new(registry), Arc::<Health>::default());
        let admin = start_admin(admin, &sources, &health)?;
        Ok(Self {
            sources,
            health,
            admin,
        })
    }

    /// Says that it waits for plugins.
    pub fn wait(&self) {
        self.health.set(admin::Stage::Waiting);
    }
}
