//! Loading: from bytes to a plugin that is known to keep the contract.

use std::fmt;

use rayon::ThreadPoolBuilder;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre};

use super::bundled;
use super::cache::{self, Cache};
use super::cell::Failed;
use super::compile::Compiler;
use super::complete;
use super::engine::Engine;
use super::instance;
use super::limits::Limits;
use super::manifest::Manifest;
use super::refusal::is_want;
use super::report::Sink;
use super::settings::Digest;
use super::state::State;
use super::text::tame;
use super::wasi;

/// The largest component: a Python plugin has 40 MiB.
pub(super) const LARGEST: usize = 64 << 20;

/// The contract's package, of which every interface may be imported.
const CONTRACT: &str = "otlet:plugin/";

/// The interface that a plugin exports.
const PROCESSOR: &str = "otlet:plugin/processor@0.1.0";

/// A verified component: its name, version and digest, and what it said of itself.
pub struct Plugin {
    engine: Engine,
    name: String,
    digest: Digest,
    manifest: Manifest,
    imports_wasi: bool,
    pre: InstancePre<State>,
    exports: Exports,
}

/// Where the contract's exports are in the component.
pub(super) struct Exports {
    pub(super) describe: ComponentExportIndex,
    pub(super) configure: ComponentExportIndex,
    pub(super) process: ComponentExportIndex,
}

/// Why a plugin or a processor cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// The plugin, and its version once that is known; none when it is the engine that cannot start.
    pub plugin: Option<String>,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a plugin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The machine does not have what the engine needs.
    #[error("the plugin engine cannot start: {0}")]
    Engine(String),
    /// The file is too large.
    #[error("the component has {0} bytes, more than {LARGEST}")]
    Large(usize),
    /// The bytes are no component that this host can compile.
    #[error("it is no WebAssembly component: {0}")]
    Component(String),
    /// The bytes are a core module of which no component can be made.
    #[error("the core module is no plugin: {0}")]
    Module(String),
    /// Compiling it took more than it may, or its compiler failed.
    #[error("it cannot be compiled: {0}")]
    Compile(String),
    /// There was too little of what loading it takes: descriptors, processes or memory.
    #[error("it cannot be loaded now, and is tried again: {0}")]
    Want(String),
    /// It imports what no plugin is given.
    #[error(
        "it imports {0}, which no grant allows: a plugin is given the contract, and of WASI 0.2 clocks, randomness and the files \
         and variables of its processor's `grants`"
    )]
    Import(String),
    /// It does not export what the contract asks for, or with other types.
    #[error("it does not keep the contract: {0}")]
    Contract(String),
    /// `describe` trapped, took too long or gave no manifest.
    #[error("`describe` failed: {0}")]
    Describe(String),
    /// `configure` trapped or took too long.
    #[error("`configure` failed: {0}")]
    Configure(String),
    /// `configure` refused the config, for each of these reasons.
    #[error("`configure` failed: {}", .0.join("; "))]
    Refused(Vec<String>),
}

impl Plugin {
    /// Compiles a component and checks all that can be checked without a config.
    pub fn load(engine: &Engine, name: &str, wasm: &[u8]) -> Result<Self, LoadError> {
        Self::load_with(engine, name, wasm, None, None)
    }

    /// The same, with its code from the cache if it is there, and else made by the compiler, if there is one, and kept.
    pub(super) fn load_with(
        engine: &Engine,
        name: &str,
        wasm: &[u8],
        cache: Option<&Cache>,
        compiler: Option<&Compiler>,
    ) -> Result<Self, LoadError> {
        let digest = bundled::digest(wasm).unwrap_or_else(|| Digest::of(wasm));
        let cached = cache.and_then(|cache| cache.load(engine, digest));
        let is_cached = cached.is_some();
        let error = |problem| LoadError {
            plugin: Some(label(name, None)),
            problem,
        };
        let component = cached
            .map_or_else(|| compile(engine, wasm, compiler), Ok)
            .map_err(error)?;
        let mut plugin = check(engine, name, digest, &component).map_err(error)?;
        let sink = Sink::new(name, Limits::default().log_lines);
        let manifest = instance::describe(&plugin, &sink)
            .map_err(|failed| failed.to_string())
            .and_then(|text| {
                Manifest::read(&text).map_err(|error| format!("its manifest: {}", tame(&error)))
            });
        match manifest {
            Ok(manifest) => {
                plugin.manifest = manifest;
                if let Some(cache) = cache.filter(|_| !is_cached) {
                    cache.keep(engine, digest, &component);
                    // Mapped from there it takes less memory than what was made.
                    if let Some(kept) = cache.load(engine, digest) {
                        plugin = Self {
                            manifest: plugin.manifest,
                            ..check(engine, name, digest, &kept).map_err(error)?
                        };
                    }
                }
                Ok(plugin)
            }
            Err(reason) => Err(plugin.error(Problem::Describe(reason))),
        }
    }

    /// The name it was loaded by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version that its manifest gives.
    pub fn version(&self) -> Option<&str> {
        self.manifest.version.as_deref()
    }

    /// The SHA-256 of the component.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What it says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether it imports WASI, and so is called on worker threads only.
    pub fn imports_wasi(&self) -> bool {
        self.imports_wasi
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn pre(&self) -> InstancePre<State> {
        self.pre.clone()
    }

    pub(super) fn exports(&self) -> &Exports {
        &self.exports
    }

    pub(super) fn error(&self, problem: Problem) -> LoadError {
        LoadError {
            plugin: Some(label(&self.name, self.version())),
            problem,
        }
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("name", &self.name)
            .field("version", &self.version())
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.plugin {
            Some(plugin) => write!(f, "{plugin}: {}", self.problem),
            None => self.problem.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped(stop) => stop.fmt(f),
            Self::Trapped(reason) => f.write_str(reason),
            Self::Refused(mistakes) => f.write_str(&mistakes.join("; ")),
        }
    }
}

fn label(name: &str, version: Option<&str>) -> String {
    match version {
        Some(version) => format!("plugin {name:?} {version}"),
        None => format!("plugin {name:?}"),
    }
}

fn compile(
    engine: &Engine,
    wasm: &[u8],
    compiler: Option<&Compiler>,
) -> Result<Component, Problem> {
    if wasm.len() > LARGEST {
        return Err(Problem::Large(wasm.len()));
    }
    let Some(compiler) = compiler else {
        return compile_in_process(engine, wasm);
    };
    cache::deserialize(engine, &compiler.compile(wasm)?).map_err(|error| {
        let reason = tame(&format!("{error:#}"));
        match error.root_cause().downcast_ref() {
            Some(error) if is_want(error) => Problem::Want(reason),
            _ => Problem::Compile(reason),
        }
    })
}

/// Compiles in this process, on threads that end with it: what a compiler has taken stays with its threads.
fn compile_in_process(engine: &Engine, wasm: &[u8]) -> Result<Component, Problem> {
    let wasm = complete::component(wasm).map_err(|reason| Problem::Module(tame(&reason)))?;
    let threads = ThreadPoolBuilder::new()
        .thread_name(|index| format!("otlet-compile-{index}"))
        .build()
        .map_err(|error| Problem::Want(format!("no thread for it can be started: {error}")))?;
    threads
        .install(|| Component::from_binary(engine.wasmtime(), &wasm))
        .map_err(|error| Problem::Component(tame(&format!("{error:#}"))))
}

/// A plugin that has not been asked for its manifest yet.
fn check(
    engine: &Engine,
    name: &str,
    digest: Digest,
    component: &Component,
) -> Result<Plugin, Problem> {
    let imports_wasi = imports_wasi(engine, component)?;
    let pre = engine
        .linker(imports_wasi)
        .instantiate_pre(component)
        .map_err(|error| Problem::Contract(tame(&format!("{error:#}"))))?;
    Ok(Plugin {
        engine: engine.clone(),
        name: name.to_owned(),
        digest,
        manifest: Manifest::default(),
        imports_wasi,
        pre,
        exports: exports(component)?,
    })
}

/// Whether it imports WASI; an import that no plugin is given is an error.
fn imports_wasi(engine: &Engine, component: &Component) -> Result<bool, Problem> {
    let mut any = false;
    for (import, _) in component.component_type().imports(engine.wasmtime()) {
        if wasi::has(import) {
            any = true;
        } else if !import.starts_with(CONTRACT) {
            return Err(Problem::Import(tame(import)));
        }
    }
    Ok(any)
}

fn exports(component: &Component) -> Result<Exports, Problem> {
    let processor = component
        .get_export_index(None, PROCESSOR)
        .ok_or_else(|| Problem::Contract(format!("it does not export {PROCESSOR}")))?;
    let export = |name: &str| {
        component
            .get_export_index(Some(&processor), name)
            .ok_or_else(|| Problem::Contract(format!("{PROCESSOR} has no `{name}`")))
    };
    Ok(Exports {
        describe: export("describe")?,
        configure: export("configure")?,
        process: export("process")?,
    })
}
