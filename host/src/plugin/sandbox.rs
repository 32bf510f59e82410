//! What a processor's plugin may do: its limits, what it is granted, and how long an instance of it lives.

use std::path::PathBuf;

use super::limits::Limits;

/// The sandbox of one processor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sandbox {
    /// What it may use. Example: `limits: { memory: 64MiB, deadline: 500ms }`.
    pub limits: Limits,
    /// What it is given beyond the contract. Example: `grants: { files: [./tables], env: [REGION] }`.
    pub grants: Grants,
    /// How long an instance lives. Example: `isolate: batch`.
    pub isolate: Isolate,
}

/// What a plugin is given beyond the contract, through WASI: nothing unless its processor's config says so. Does not limit the
/// clocks and the randomness that every plugin has, how much it reads of a folder, nor what it does with what it has read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Folders that it may read, with all that is in them. Example: `files: [{ path: ./tables, as: /tables }]`.
    pub files: Vec<Folder>,
    /// The environment variables that it sees, by name; those that are not set it does not. Example: `env: [REGION]`.
    pub env: Vec<String>,
}

impl Grants {
    /// Whether nothing is granted.
    pub fn are_none(&self) -> bool {
        self.files.is_empty() && self.env.is_empty()
    }
}

/// A folder that a plugin may read and not write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Where it is. Example: `path: ./tables`.
    pub path: PathBuf,
    /// What the plugin sees it as. Example: `as: /tables`.
    pub name: String,
}

/// How long an instance lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolate {
    /// For many batches: what a plugin remembers of one it may use in the next.
    #[default]
    Processor,
    /// For one batch, so that nothing of it is left for the next. Each pays for a new instance and its `configure`.
    Batch,
}
