//! The three exports of a component, for the plugin that `export!` names.

use std::cell::RefCell;

use crate::{
    Batch, Plugin,
    host::{self, Level},
    plugin,
};

/// The one plugin of this instance, once it is configured.
pub struct Slot<P>(RefCell<Option<P>>);

impl<P: Plugin> Slot<P> {
    /// An empty one.
    pub const fn empty() -> Self {
        Self(RefCell::new(None))
    }

    /// What `configure` does.
    pub fn configure(&self, config: &str) -> Result<(), String> {
        log_panics();
        *self.0.borrow_mut() = Some(plugin::configure(config)?);
        Ok(())
    }

    /// What `process` does.
    pub fn process(&self) -> Result<(), String> {
        let mut slot = self.0.borrow_mut();
        let plugin = slot.as_mut().ok_or("the plugin was not configured")?;
        Ok(plugin.process(&mut Batch::in_hand())?)
    }
}

/// A panic ends in a trap, of which the host knows no reason: say beforehand where it was. Of its message only what stands in
/// the code is logged, since one that is put together may hold telemetry (a slice of a text shows the text).
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let literal = panic.payload().downcast_ref::<&'static str>();
        let message = literal
            .copied()
            .unwrap_or("a message that may hold telemetry");
        host::log(Level::Error, &format!("panicked at {place}: {message}"));
    }));
}
