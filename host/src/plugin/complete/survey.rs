//! What a core module exports and imports, and whether a plugin can come of it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use wasmparser::{Export, ExternalKind, Import, Parser, Payload, TypeRef};

use super::{ADAPTER, PREVIEW1};

/// The contract's package, and its version.
const PACKAGE: &str = "otlet:plugin/";
const VERSION: &str = "0.1.0";

/// What a plugin exports, before its functions' names.
const PROCESSOR: &str = "otlet:plugin/processor@0.1.0#";
const FUNCTIONS: [&str; 3] = ["describe", "configure", "process"];

/// The memory that it is handed things in, and what takes room there.
const MEMORY: &str = "memory";
const REALLOC: &str = "cabi_realloc";

/// What a program begins with.
const PROGRAM: &str = "_start";

/// The section that says of which world a module is, whatever follows in its name.
const WORLD: &str = "component-type";

/// A section that Go's linker leaves.
const GO: &str = "go:buildid";

/// The functions of the adapter.
static ADAPTED: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let exports = Parser::new(0).parse_all(ADAPTER).filter_map(|payload| {
        let Ok(Payload::ExportSection(exports)) = payload else {
            return None;
        };
        Some(exports.into_iter().flatten().map(|export| export.name))
    });
    exports.flatten().collect()
});

/// What there is to know of a core module.
#[derive(Debug, Default)]
pub(super) struct Survey<'a> {
    has_world: bool,
    is_go: bool,
    needs_adapter: bool,
    /// What it exports of what matters: the contract's functions, and these.
    exports: BTreeSet<&'static str>,
    /// A function of another version of the contract that it exports.
    other: Option<&'a str>,
    /// What is wrong with an import.
    import: Option<String>,
}

impl<'a> Survey<'a> {
    /// Looks at a module; an error if it is damaged.
    pub(super) fn of(wasm: &'a [u8]) -> Result<Self, String> {
        let mut survey = Self::default();
        survey
            .look(wasm)
            .map_err(|error| format!("it is damaged: {error}"))?;
        Ok(survey)
    }

    /// Whether it says of which world it is.
    pub(super) fn has_world(&self) -> bool {
        self.has_world
    }

    /// Whether it imports what the adapter has.
    pub(super) fn needs_adapter(&self) -> bool {
        self.needs_adapter
    }

    /// What keeps it from being a plugin, and the cure.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.exports.contains(PROGRAM) {
            return Err(if self.is_go {
                "it is a Go program: build it with `GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared`".to_owned()
            } else {
                "it exports `_start`, as a program does: build it as a library (C, C++ and Zig: `-mexec-model=reactor`; \
                 Rust: `crate-type = [\"cdylib\"]`)"
                    .to_owned()
            });
        }
        let lacks = |name: &&&str| !self.exports.contains(**name);
        if let Some(missing) = FUNCTIONS.iter().find(lacks) {
            return Err(match self.other {
                Some(other) => format!(
                    "it is of another contract, since it exports {other}, and this otlet has {VERSION}: \
                     build it with the SDK of that"
                ),
                None => format!(
                    "it exports no {PROCESSOR}{missing}: is it a plugin, and does the SDK's export reach the linker?"
                ),
            });
        }
        if let Some(missing) = [MEMORY, REALLOC].iter().find(lacks) {
            return Err(format!(
                "it exports no `{missing}`, through which it is handed texts and lists: export it"
            ));
        }
        match &self.import {
            Some(problem) => Err(problem.clone()),
            None => Ok(()),
        }
    }

    fn look(&mut self, wasm: &'a [u8]) -> wasmparser::Result<()> {
        let mut imports = vec![];
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::ImportSection(section) => imports.push(section),
                Payload::ExportSection(section) => {
                    for export in section {
                        self.export(export?);
                    }
                }
                Payload::CustomSection(section) => {
                    self.has_world |= section.name().starts_with(WORLD);
                    self.is_go |= section.name() == GO;
                }
                _ => {}
            }
        }
        // After the custom sections, which say what they may be.
        for section in imports {
            for import in section.into_imports() {
                self.import(import?);
            }
        }
        Ok(())
    }

    fn export(&mut self, export: Export<'a>) {
        let known = match (export.kind, export.name) {
            (ExternalKind::Memory, MEMORY) => Some(MEMORY),
            (ExternalKind::Func, REALLOC) => Some(REALLOC),
            (ExternalKind::Func, PROGRAM) => Some(PROGRAM),
            (ExternalKind::Func, name) => {
                let function = name.strip_prefix(PROCESSOR);
                if function.is_none() && name.starts_with(PACKAGE) {
                    self.other.get_or_insert(name);
                }
                let mut functions = FUNCTIONS.into_iter();
                functions.find(|known| Some(*known) == function)
            }
            _ => None,
        };
        self.exports.extend(known);
    }

    fn import(&mut self, import: Import<'a>) {
        let Import { module, name, ty } = import;
        let is_function = matches!(ty, TypeRef::Func(_));
        if module == PREVIEW1 && is_function && ADAPTED.contains(name) {
            self.needs_adapter = true;
        } else if self.import.is_none() && !(is_function && self.may_import(module)) {
            self.import = Some(if module.starts_with("wasi:http/") {
                format!("it imports {module}: no plugin is given the network")
            } else if module == PREVIEW1 {
                format!("it imports `{name}` of {module}, which otlet's adapter does not have")
            } else if module.starts_with(PACKAGE) {
                format!(
                    "it imports {module}, and this otlet has version {VERSION} of the contract: build it with the SDK of that"
                )
            } else {
                format!(
                    "it imports `{name}` of {module:?}, which neither the contract nor WASI preview 1 has: link what defines it"
                )
            });
        }
    }

    /// Whether it may import functions of this module; which of them there are is seen later.
    fn may_import(&self, module: &str) -> bool {
        match module
            .strip_prefix(PACKAGE)
            .and_then(|name| name.split_once('@'))
        {
            Some((_, version)) => version == VERSION,
            // Of a world of its own: what there is of that is decided for components.
            None => {
                self.has_world && module.starts_with("wasi:") && !module.starts_with("wasi:http/")
            }
        }
    }
}
