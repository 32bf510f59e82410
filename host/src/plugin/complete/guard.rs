//! Has a core module know when it may not call out.
//!
//! A component may not call the host while the host hands it something, which is in its `cabi_realloc`, or takes that back, which
//! is in its `cabi_post_..`: it traps. Run-times that collect garbage there ask the adapter for the time meanwhile. So these
//! exports are wrapped: a new global is 1 while one of them runs, and the new export `otlet:inside` gives it.
//!
//! What the module has keeps its numbers, since what is new comes last in its sections. No function's body is looked at.

use std::borrow::Cow;

use wasm_encoder::{ConstExpr, Encode as _, Function, GlobalType, Module, RawSection, ValType};
use wasmparser::{BinaryReader, Export, ExternalKind, Parser, Payload, TypeRef};

/// The new export.
const INSIDE: &str = "otlet:inside";

/// The functions that memory is taken with, by their names.
const REALLOCS: [&str; 3] = ["cabi_realloc", "cabi_import_realloc", "cabi_export_realloc"];

/// What stands before the names of the functions that give it back.
const POST: &str = "cabi_post_";

/// The new types: of those that take memory, of those that give it back, and of the new export.
const TYPES: [u8; 16] = [
    0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f, // (i32, i32, i32, i32) -> i32
    0x60, 1, 0x7f, 0, // (i32) -> ()
    0x60, 0, 1, 0x7f, // () -> i32
];

/// The numbers of the sections that grow.
const TYPE: u8 = 1;
const FUNCTION: u8 = 3;
const GLOBAL: u8 = 6;
const EXPORT: u8 = 7;
const CODE: u8 = 10;

/// The module with those exports wrapped.
pub(super) fn guarded(wasm: &[u8]) -> Result<Vec<u8>, String> {
    Parts::of(wasm)
        .and_then(|parts| parts.guarded())
        .map_err(|error| format!("it is damaged: {error}"))
}

/// A module's sections, and how much there is of what gets more.
#[derive(Default)]
struct Parts<'a> {
    sections: Vec<(u8, &'a [u8])>,
    types: u32,
    functions: u32,
    globals: u32,
    exports: Vec<Export<'a>>,
}

/// A function that is new.
struct Wrapper {
    /// Of the new types.
    ty: u32,
    body: Function,
}

impl<'a> Parts<'a> {
    fn of(wasm: &'a [u8]) -> wasmparser::Result<Self> {
        let mut parts = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload?;
            match &payload {
                Payload::TypeSection(section) => {
                    for group in section.clone() {
                        parts.types += u32::try_from(group?.types().len()).unwrap_or(u32::MAX);
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.clone().into_imports() {
                        match import?.ty {
                            TypeRef::Func(_) | TypeRef::FuncExact(_) => parts.functions += 1,
                            TypeRef::Global(_) => parts.globals += 1,
                            _ => {}
                        }
                    }
                }
                Payload::FunctionSection(section) => parts.functions += section.count(),
                Payload::GlobalSection(section) => parts.globals += section.count(),
                Payload::ExportSection(section) => {
                    parts.exports = section.clone().into_iter().collect::<Result<_, _>>()?;
                }
                _ => {}
            }
            if let Some((id, range)) = payload.as_section() {
                let range = usize::try_from(range.start)
                    .ok()
                    .zip(usize::try_from(range.end).ok());
                let body = range.and_then(|(start, end)| wasm.get(start..end));
                parts.sections.push((id, body.unwrap_or_default()));
            }
        }
        Ok(parts)
    }

    fn guarded(&self) -> wasmparser::Result<Vec<u8>> {
        let (wrappers, exports) = self.wrapped();
        let (mut functions, mut bodies) = (vec![], vec![]);
        for wrapper in &wrappers {
            (self.types + wrapper.ty).encode(&mut functions);
            wrapper.body.encode(&mut bodies);
        }
        let mut globals = vec![];
        let ty = GlobalType {
            val_type: ValType::I32,
            mutable: true,
            shared: false,
        };
        ty.encode(&mut globals);
        ConstExpr::i32_const(0).encode(&mut globals);
        let count = u32::try_from(wrappers.len()).unwrap_or(u32::MAX);
        let mut has_globals = false;
        let mut module = Module::new();
        let mut section = |id, data: &[u8]| {
            module.section(&RawSection { id, data });
        };
        for &(id, body) in &self.sections {
            has_globals |= id == GLOBAL;
            if id == EXPORT && !has_globals {
                section(GLOBAL, &longer(&[0], 1, &globals)?);
            }
            let body = match id {
                TYPE => longer(body, 3, &TYPES)?.into(),
                FUNCTION => longer(body, count, &functions)?.into(),
                GLOBAL => longer(body, 1, &globals)?.into(),
                EXPORT => exports.clone().into(),
                CODE => longer(body, count, &bodies)?.into(),
                _ => Cow::Borrowed(body),
            };
            section(id, &body);
        }
        Ok(module.finish())
    }

    /// The new functions, and the section of exports with them.
    fn wrapped(&self) -> (Vec<Wrapper>, Vec<u8>) {
        let mut wrappers = vec![];
        let mut exports = vec![];
        let count = self.exports.len() + 1;
        u32::try_from(count)
            .unwrap_or(u32::MAX)
            .encode(&mut exports);
        let mut export = |name: &str, kind: u8, index: u32| {
            name.encode(&mut exports);
            exports.push(kind);
            index.encode(&mut exports);
        };
        for &Export { name, kind, index } in &self.exports {
            let is_function = kind == ExternalKind::Func;
            let ty = if is_function && REALLOCS.contains(&name) {
                Some((0, 4))
            } else if is_function && name.starts_with(POST) {
                Some((1, 1))
            } else {
                None
            };
            let Some((ty, params)) = ty else {
                export(name, number(kind), index);
                continue;
            };
            export(name, 0, self.next(&wrappers));
            let body = self.around(index, params);
            wrappers.push(Wrapper { ty, body });
        }
        export(INSIDE, 0, self.next(&wrappers));
        let mut body = Function::new([]);
        body.instructions().global_get(self.globals).end();
        wrappers.push(Wrapper { ty: 2, body });
        (wrappers, exports)
    }

    /// The number of the next new function.
    fn next(&self, wrappers: &[Wrapper]) -> u32 {
        self.functions + u32::try_from(wrappers.len()).unwrap_or(u32::MAX)
    }

    /// A function that passes its parameters on to another, and has the global be 1 meanwhile.
    fn around(&self, function: u32, params: u32) -> Function {
        let mut body = Function::new([]);
        let mut instructions = body.instructions();
        instructions.i32_const(1).global_set(self.globals);
        for param in 0..params {
            instructions.local_get(param);
        }
        instructions
            .call(function)
            .i32_const(0)
            .global_set(self.globals)
            .end();
        body
    }
}

/// A section with so many more entries.
fn longer(section: &[u8], count: u32, more: &[u8]) -> wasmparser::Result<Vec<u8>> {
    let mut reader = BinaryReader::new(section, 0);
    let entries = reader.read_var_u32()?;
    let rest = reader.read_bytes(reader.bytes_remaining())?;
    let mut out = Vec::with_capacity(section.len() + more.len() + 1);
    entries.saturating_add(count).encode(&mut out);
    out.extend(rest);
    out.extend(more);
    Ok(out)
}

/// The byte that a kind of export is written as.
fn number(kind: ExternalKind) -> u8 {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => 0,
        ExternalKind::Table => 1,
        ExternalKind::Memory => 2,
        ExternalKind::Global => 3,
        ExternalKind::Tag => 4,
    }
}
