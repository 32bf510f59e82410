// Write an otlet plugin in JavaScript or TypeScript: a thin face of the contract 0.1.0 without logic of its own. index.d.ts
// documents it, contract.d.ts is the contract itself.
//
// A value of a wrong type that reaches the bindings is a trap without a word, so types are made sure of here.
import { batch, host } from '#contract';

/** Refuses a config, or a batch: its message alone is what otlet shows. */
export class PluginError extends Error {
  name = 'PluginError';
}

export class Column {
  constructor(path) {
    this.path = path;
    try {
      this.number = batch.column(String(path));
    } catch (error) {
      throw new PluginError(error.message);
    }
  }

  static attribute(table, key) {
    const map = { metric: 'metadata', exemplar: 'filtered_attributes' }[table] ?? 'attributes';
    return new Column(`${table}.${map}["${key.replace(/[\\"]/g, '\\$&')}"]`);
  }
}

export class Batch {
  get signal() {
    return batch.signal();
  }

  rows(table) {
    return batch.rows(table);
  }

  parents(table, above) {
    return batch.parents(table, above);
  }

  keys(table) {
    return batch.keys(table);
  }

  texts(column) {
    // QuickJS has null for none, whatever the contract's types say.
    return batch.texts(column.number).map((text) => text ?? undefined);
  }

  integers(column) {
    const { items, present } = batch.integers(column.number);
    items.forEach((item) => exact(item, column));
    return presentOf(items, present);
  }

  doubles(column) {
    const { items, present } = batch.doubles(column.number);
    return presentOf(items, present);
  }

  values(column) {
    return batch.values(column.number).map((value) => native(value, column));
  }

  get(column, row) {
    return native(batch.get(column.number, row), column);
  }

  ids(column) {
    const data = batch.ids(column.number);
    const size = column.path.endsWith('trace_id') ? 16 : 8;
    return Array.from({ length: data.length / size }, (_, i) => {
      const id = data.subarray(i * size, (i + 1) * size);
      return id.some((byte) => byte !== 0) ? id : undefined;
    });
  }

  fill(column, value, rows) {
    batch.fill(column.number, numbers(rows), valueOf(value));
  }

  setTexts(column, texts) {
    batch.setTexts(column.number, texts.map(text));
  }

  setValues(column, values, rows) {
    batch.setValues(column.number, numbers(rows), values.map(valueOf));
  }

  setIds(column, ids, rows) {
    batch.setIds(column.number, numbers(rows), new Uint8Array(ids.flatMap((id) => [...id])));
  }

  unset(columns, rows) {
    batch.unset([columns].flat().map((column) => column.number), numbers(rows));
  }

  copy(source, target, rows) {
    batch.copy(source.number, target.number, numbers(rows));
  }

  addAttributes(table, rows, keys, values) {
    batch.addAttributes(table, numbers(rows), pack(keys), values.map(valueOf));
  }

  drop(table, rows) {
    batch.dropRows(table, numbers(rows));
  }

  leaves(tables, kinds) {
    return batch.allLeaves(tables, kinds);
  }

  replaceLeaves(leaves, texts) {
    batch.replaceLeaves(numbers(leaves), pack(texts));
  }

  toOtlp() {
    return batch.toOtlp();
  }

  replaceWithOtlp(request) {
    batch.replaceWithOtlp(request);
  }
}

export const log = {
  debug: (message) => host.log('debug', String(message)),
  info: (message) => host.log('info', String(message)),
  warn: (message) => host.log('warn', String(message)),
  error: (message) => host.log('error', String(message)),
};

export const count = (name, add = 1) => host.count(name, add);
export const now = () => host.now();
export const random = (length) => host.random(length);
export const seed = () => host.seed();

/** A number that OTLP is to have as a double, though it has no fraction. */
export const double = (number) => new Double(number);

class Double {
  constructor(number) {
    this.number = Number(number);
  }
}

export function exportPlugin(Plugin) {
  let plugin;
  return {
    describe: () => JSON.stringify(Plugin.manifest ?? {}),
    configure: (config) => guard(() => (plugin = new Plugin(JSON.parse(config)))),
    process: () => guard(() => plugin.process(new Batch())),
  };
}

/** What is thrown becomes one line, of which otlet shows 256 bytes: the error, and the calls that led to it, the last first. */
function guard(call) {
  try {
    call();
  } catch (error) {
    if (error instanceof PluginError) throw new Error(error.message);
    if (!(error instanceof Error)) throw new Error(String(error));
    const places = (error.stack ?? '').split('\n').filter((line) => /^\s*at /.test(line));
    throw new Error(`${error.name}: ${error.message} (${places.map((place) => place.trim()).join(', ')})`);
  }
}

function numbers(rows) {
  return rows === undefined || rows === null ? undefined : Array.from(rows, Number);
}

function text(one) {
  return one === undefined || one === null ? undefined : String(one);
}

function valueOf(value) {
  if (value === undefined || value === null) return { tag: 'empty' };
  if (value instanceof Double) return { tag: 'double', val: value.number };
  if (value instanceof Uint8Array) return { tag: 'bytes', val: value };
  switch (typeof value) {
    case 'string':
      return { tag: 'text', val: value };
    case 'boolean':
      return { tag: 'boolean', val: value };
    case 'bigint':
      return valueOf(Number(value));
    case 'number':
      if (!Number.isInteger(value)) return { tag: 'double', val: value };
      if (!Number.isSafeInteger(value)) throw new RangeError(BEYOND);
      return { tag: 'integer', val: value };
    case 'object':
      return { tag: 'json', val: JSON.stringify(value) };
    default:
      throw new TypeError(`OTLP has no value for a ${typeof value}`);
  }
}

const BEYOND = 'an integer beyond 2^53 cannot be handed over exactly: move it with copy(), or write a double()';

function native(value, column) {
  switch (value?.tag) {
    case undefined:
      return undefined;
    case 'empty':
      return null;
    case 'json':
      return JSON.parse(value.val);
    case 'integer':
      return exact(value.val, column);
    default:
      return value.val;
  }
}

let warned = false;

function exact(number, column) {
  if (!warned && !Number.isSafeInteger(number)) {
    warned = true;
    log.warn(`integers of ${column.path} are beyond 2^53 and come rounded: to move them use copy()`);
  }
  return number;
}

function presentOf(items, present) {
  return Array.from(items, (item, i) => ((present[i >> 3] >> (i & 7)) & 1 ? item : undefined));
}

/** Texts in one piece, as the contract has them. */
export function pack(texts) {
  const data = [];
  const ends = [];
  const present = new Uint8Array((texts.length + 7) >> 3);
  texts.forEach((one, i) => {
    if (one !== undefined && one !== null) {
      // QuickJS has no TextEncoder.
      const escaped = encodeURIComponent(one);
      for (let at = 0; at < escaped.length; at++) {
        data.push(escaped[at] === '%' ? parseInt(escaped.slice(at + 1, (at += 2) + 1), 16) : escaped.charCodeAt(at));
      }
      present[i >> 3] |= 1 << (i & 7);
    }
    ends.push(data.length);
  });
  return { data: new Uint8Array(data), ends, present };
}
