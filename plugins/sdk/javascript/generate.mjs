// Makes contract.d.ts anew from wit/, with @bytecodealliance/jco-transpile 0.15.0. Only who changes the contract needs it:
//   npm install --no-save @bytecodealliance/jco-transpile@0.15.0 && node generate.mjs
import { copyFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createRequire } from 'node:module';

// From where this is run: the tool need not be installed here.
const here = createRequire(`${process.cwd()}/`);
const { _setPreopens } = await import(here.resolve('@bytecodealliance/preview2-shim/filesystem'));
const { generateGuestTypes } = await import(here.resolve('@bytecodealliance/jco-transpile'));

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
copyFileSync(path('../../../wit/plugin.wit'), path('wit/plugin.wit'));
_setPreopens({ '/': '/' });
const files = await generateGuestTypes(path('wit'), { worldName: 'plugin' });
const modules = Object.keys(files).filter((name) => name.startsWith('interfaces/')).sort();
const types = modules
  .map((name) => new TextDecoder().decode(files[name]).replace(/^\/\/\/ <reference.*\n/gm, ''))
  .join('\n')
  // QuickJS has numbers for all integers, and arrays for all lists but those of bytes.
  .replace(/\bbigint\b/g, 'number')
  .replace(/\b(?:Uint32|BigInt64|Float64)Array\b/g, 'Array<number>');
writeFileSync(
  path('contract.d.ts'),
  `// The contract otlet:plugin@0.1.0, made from wit/plugin.wit by generate.mjs: not to be edited.\n${types}`,
);
