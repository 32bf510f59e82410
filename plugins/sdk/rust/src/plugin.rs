//! `Plugin`: what an author writes; `Manifest`: what the host learns about it.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{Batch, Error, Signal};

/// A plugin: made once from its config, then given batch after batch.
///
/// The host may make several of one processor, and throws one away that panicked or took too long, so what it remembers
/// between batches is a cache and nothing more.
pub trait Plugin: Sized {
    /// What is written under the processor's `config`. Its JSON Schema goes into the manifest, so the host finds mistakes
    /// before the plugin runs. Give it `#[serde(default, deny_unknown_fields)]`: `{}` is what it gets without a config.
    type Config: DeserializeOwned + JsonSchema;

    /// Says what the plugin is and which signals it works on.
    fn manifest() -> Manifest;

    /// Makes the plugin. Whatever can be wrong with a config is an error here; columns are opened here.
    fn new(config: Self::Config) -> Result<Self, Error>;

    /// Works on a batch. On an error the host puts the batch back as it was before this plugin, and follows `on_error`.
    fn process(&mut self, batch: &mut Batch) -> Result<(), Error>;
}

/// What happens to a batch that the plugin fails on, unless the processor's config says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnError {
    /// It goes on as it was before the plugin.
    Pass,
    /// It goes nowhere.
    Drop,
    /// The sender is told that it was not taken. For what must never be skipped.
    Reject,
    /// It is kept on the host's disk with the reason, and can be replayed; where the host keeps no dead letters, as
    /// [`OnError::Reject`].
    DeadLetter,
}

/// What the host learns about a plugin before it runs.
#[derive(Clone, Debug)]
pub struct Manifest {
    name: Option<String>,
    version: String,
    signals: Vec<Signal>,
    on_error: Option<OnError>,
    adds_text: bool,
}

impl Manifest {
    /// A plugin of this version (`env!("CARGO_PKG_VERSION")`), which works on every signal that this crate knows.
    pub fn new(version: impl Into<String>) -> Self {
        Self {
            name: None,
            version: version.into(),
            signals: Signal::ALL.to_vec(),
            on_error: None,
            adds_text: false,
        }
    }

    /// What the plugin is to be called: `otlet plugin list` warns where its file has another name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The signals that the plugin works on. Batches of others pass it by.
    #[must_use]
    pub fn signals(mut self, signals: impl IntoIterator<Item = Signal>) -> Self {
        self.signals = signals.into_iter().collect();
        self
    }

    /// What happens to a batch that the plugin fails on, unless the processor's config says otherwise.
    #[must_use]
    pub fn on_error(mut self, on_error: OnError) -> Self {
        self.on_error = Some(on_error);
        self
    }

    /// Says that the plugin may write text, from its config or from another place of the batch. The host warns where such a
    /// plugin comes after one that hides text, which would not see it.
    #[must_use]
    pub fn adds_text(mut self) -> Self {
        self.adds_text = true;
        self
    }

    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn takes(&self, signal: Signal) -> bool {
        self.signals.contains(&signal)
    }

    /// The manifest in JSON, with the schema of the plugin's config.
    fn to_json<C: JsonSchema>(&self) -> Value {
        let signals: Vec<_> = self.signals.iter().map(|signal| signal.name()).collect();
        let mut manifest = json!({
            "version": self.version,
            "signals": signals,
            "config_schema": schemars::schema_for!(C),
        });
        let on_error = self.on_error.map(|on_error| match on_error {
            OnError::Pass => "pass",
            OnError::Drop => "drop",
            OnError::Reject => "reject",
            OnError::DeadLetter => "dead_letter",
        });
        if let Some(object) = manifest.as_object_mut() {
            let name = self.name.clone();
            object.extend(name.map(|name| ("name".to_owned(), name.into())));
            object.extend(on_error.map(|word| ("on_error".to_owned(), word.into())));
            let adds_text = self
                .adds_text
                .then(|| ("adds_text".to_owned(), true.into()));
            object.extend(adds_text);
        }
        manifest
    }
}

/// The manifest of `P`, as `describe` returns it.
pub fn describe<P: Plugin>() -> String {
    P::manifest().to_json::<P::Config>().to_string()
}

/// Makes `P` from its config in JSON, as `configure` does.
pub(crate) fn configure<P: Plugin>(config: &str) -> Result<P, Error> {
    let parsed =
        serde_json::from_str(config).map_err(|error| crate::config::explain(config, &error))?;
    P::new(parsed)
}
