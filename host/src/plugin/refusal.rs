//! Why a plugin's file is not used, or a plugin that is asked for cannot be had.

use std::path::PathBuf;
use std::{fmt, io};

use rustix::io::Errno;

use super::load::{LoadError, Problem};
use super::settings::Digest;
use super::text::shown;

/// Why a file of the plugin directory is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of reason it is.
    pub why: Why,
    /// The reason in words, with the cure where there is one.
    pub reason: String,
}

/// The kinds of reasons; metrics name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// There are too many beside it.
    Many,
    /// No plugin can have its name.
    Name,
    /// It cannot be read.
    Unreadable,
    /// It is too large.
    Large,
    /// A bundled plugin has its name.
    Bundled,
    /// `plugins.allow` names another digest.
    Digest,
    /// It is no component, nor a core module that one can be made of, or a damaged one.
    Component,
    /// Compiling it took more than it may, or its compiler failed.
    Compile,
    /// It imports what it is not given.
    Import,
    /// It does not keep the contract.
    Contract,
    /// Its `describe` failed.
    Describe,
    /// It does not take the config of a processor that uses it.
    Configure,
    /// It failed on the batches that it was tried with.
    Trial,
    /// It failed in service, and the version before it was put back.
    RolledBack,
    /// The machine does not have what it needs, or not now.
    Engine,
}

/// Why there is no plugin of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absent {
    /// None is bundled, and there is no plugin directory.
    Unknown,
    /// None is bundled, and its file is not there.
    Missing(PathBuf),
    /// Its file is refused.
    Refused(PathBuf, Refusal),
    /// `plugins.allow` names a digest that the bundled one does not have; with the path of the file that might.
    Pinned {
        /// What is allowed.
        allowed: Digest,
        /// What is bundled.
        bundled: Digest,
        /// Where a file would be looked for, if there is a plugin directory.
        path: Option<PathBuf>,
    },
    /// The bundled one cannot be loaded.
    Broken(LoadError),
}

impl Why {
    /// Its name in metrics and lists.
    pub fn name(self) -> &'static str {
        match self {
            Self::Many => "many",
            Self::Name => "name",
            Self::Unreadable => "unreadable",
            Self::Large => "large",
            Self::Bundled => "bundled",
            Self::Digest => "digest",
            Self::Component => "component",
            Self::Compile => "compile",
            Self::Import => "import",
            Self::Contract => "contract",
            Self::Describe => "describe",
            Self::Configure => "configure",
            Self::Trial => "trial",
            Self::RolledBack => "rolled_back",
            Self::Engine => "engine",
        }
    }
}

impl Why {
    /// Whether it may be gone without a change of the file.
    pub fn is_passing(self) -> bool {
        self == Self::Engine
    }

    /// Whether the rest of the file may mend it.
    pub(super) fn may_be_half_written(self) -> bool {
        matches!(
            self,
            Self::Unreadable | Self::Digest | Self::Component | Self::Contract
        )
    }
}

impl Absent {
    /// Whether a file that comes or changes can help.
    pub fn may_come(&self) -> bool {
        match self {
            Self::Missing(_) | Self::Refused(..) => true,
            Self::Pinned { path, .. } => path.is_some(),
            Self::Unknown | Self::Broken(_) => false,
        }
    }

    /// What to do about it.
    pub fn cure(&self) -> String {
        match self {
            Self::Unknown => {
                "name the directory that its file is in: `plugins: { directory: ./plugins }`"
                    .to_owned()
            }
            Self::Missing(_) => {
                "put the file there, or have `otlet run --wait-for-plugins` wait for it".to_owned()
            }
            Self::Refused(..) => "put a file in its place that can be used".to_owned(),
            Self::Pinned { bundled, path, .. } => {
                let put = path.as_ref().map_or(String::new(), |path| {
                    format!("put the file that is meant at {}, or ", shown(path))
                });
                format!("{put}write the digest of the bundled one in `plugins.allow`: {bundled}")
            }
            Self::Broken(_) => "this is a mistake of otlet's: please report it".to_owned(),
        }
    }
}

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("it is not bundled, and there is no plugin directory"),
            Self::Missing(path) => write!(f, "there is no file {}", shown(path)),
            Self::Refused(path, refusal) => {
                write!(f, "file {} is refused: {}", shown(path), refusal.reason)
            }
            Self::Pinned { allowed, .. } => {
                write!(
                    f,
                    "`plugins.allow` asks for {allowed}, and none that is there has it"
                )
            }
            Self::Broken(error) => write!(f, "{}", error.problem),
        }
    }
}

/// Whether something fails for want of what others may give back: descriptors, processes or memory.
pub(super) fn is_want(error: &io::Error) -> bool {
    let wants = [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|errno| wants.contains(&errno))
}

impl From<&Problem> for Refusal {
    fn from(problem: &Problem) -> Self {
        let why = match problem {
            Problem::Engine(_) | Problem::Want(_) => Why::Engine,
            Problem::Large(_) => Why::Large,
            Problem::Component(_) | Problem::Module(_) => Why::Component,
            Problem::Compile(_) => Why::Compile,
            Problem::Import(_) => Why::Import,
            Problem::Contract(_) => Why::Contract,
            Problem::Describe(_) => Why::Describe,
            Problem::Configure(_) | Problem::Refused(_) => Why::Configure,
        };
        Self {
            why,
            reason: problem.to_string(),
        }
    }
}
