// Test a plugin without WebAssembly: a batch made by hand, and a harness that gives it to the plugin as otlet would. A simple
// model of the contract for a plugin's own logic. It does not check the config against the schema, and has no leaves and no OTLP
// bytes: for those, and for what the sandbox allows, run the component in otlet. testing.d.ts documents it.
import { exportPlugin, PluginError } from './index.js';
import * as contract from './native.js';

const TABLES = {
  traces: ['resource', 'scope', 'record', 'event', 'link'],
  logs: ['resource', 'scope', 'record'],
  metrics: ['resource', 'scope', 'metric', 'record', 'exemplar'],
};
const OF_SIGNAL = { span: 'traces', log: 'logs', datapoint: 'metrics' };
const PATH = /^(\w+)\.(?:(attributes|metadata|filtered_attributes)\["((?:[^"\\]|\\.)*)"\]|([a-z_.]+))$/;

class Row {
  dropped = false;

  constructor(table, above, { attributes = {}, ...fields }) {
    Object.assign(this, { table, above, attributes, fields });
  }

  up(table) {
    return this.table === table || !this.above ? this : this.above.up(table);
  }
}

export class FakeBatch {
  constructor(signal) {
    this.signal = signal;
    this.tables = Object.fromEntries(TABLES[signal].map((table) => [table, []]));
  }

  add(table, above, has = {}) {
    const row = new Row(table, above, has);
    this.tables[table].push(row);
    return row;
  }

  left(table) {
    return this.tables[table].filter((row) => !row.dropped);
  }

  all(table) {
    if (!Object.values(TABLES).some((tables) => tables.includes(table))) throw new Error(`there is no table ${table}`);
    return this.tables[table] ?? [];
  }
}

export class Harness {
  counts = {};
  logged = [];

  constructor(plugin, config) {
    this.processor = exportPlugin(plugin);
    this.manifest = JSON.parse(this.processor.describe());
    this.columns = [];
    this.run(undefined, () => this.processor.configure(JSON.stringify(config)));
  }

  process(batch) {
    if (this.manifest.signals?.includes(batch.signal) ?? true) this.run(batch, () => this.processor.process());
  }

  run(batch, call) {
    Object.assign(contract.host, hostOf(this));
    Object.assign(contract.batch, batchOf(this.columns, batch));
    try {
      call();
    } catch (error) {
      throw new PluginError(error.message);
    }
  }
}

function hostOf(harness) {
  return {
    log: (level, message) => harness.logged.push([level, message]),
    count: (name, add) => (harness.counts[name] = (harness.counts[name] ?? 0) + add),
    now: () => Date.now(),
    random: (length) => Uint8Array.from({ length }, () => Math.floor(Math.random() * 256)),
    seed: () => Uint8Array.from({ length: 32 }, (_, i) => i),
  };
}

function batchOf(columns, inHand) {
  const batch = () => inHand ?? fail('there is a batch during process alone');
  const every = (column) => batch().all(columns[column].table);
  const has = (column) => columns[column].signal === undefined || columns[column].signal === batch().signal;
  const chosen = (column, rows) => (has(column) ? pick(every(column), rows) : []);
  const read = (column) => every(column).map((row) => (has(column) ? columns[column].of(row) : undefined));
  // A field at its default is absent.
  const seen = (column) => read(column).map((value) => (columns[column].isField && !value ? undefined : value));
  const write = (column, row, value) => row.dropped || columns[column].write(row, value);
  const idSize = (column) => (columns[column].path.endsWith('trace_id') ? 16 : 8);
  return {
    column: (path) => columns.push(columnOf(path)) - 1,
    signal: () => batch().signal,
    rows: (table) => batch().all(table).length,
    parents: (table, above) => batch().all(table).map((row) => batch().all(above).indexOf(row.up(above))),
    keys: (table) => [...new Set(batch().left(table).flatMap((row) => Object.keys(row.attributes)))],
    texts: (column) => seen(column).map((value) => (typeof value === 'string' ? value : null)),
    integers: (column) => packed(seen(column).map((value) => (Number.isInteger(value) ? value : undefined))),
    doubles: (column) => packed(seen(column).map((value) => (typeof value === 'number' ? value : undefined))),
    values: (column) => read(column).map(toValue),
    get: (column, row) => toValue(read(column)[row]),
    ids: (column) => Uint8Array.from(read(column).flatMap((id) => [...(id ?? new Uint8Array(idSize(column)))])),
    setTexts: (column, texts) => {
      if (texts.length !== every(column).length) fail('an entry for every row');
      chosen(column).forEach((row, i) => texts[i] === undefined || write(column, row, texts[i]));
    },
    setValues: (column, rows, values) => chosen(column, rows).forEach((row, i) => write(column, row, fromValue(values[i]))),
    setIds: (column, rows, ids) => {
      const size = idSize(column);
      chosen(column, rows).forEach((row, i) => write(column, row, ids.slice(i * size, (i + 1) * size)));
    },
    fill: (column, rows, value) => chosen(column, rows).forEach((row) => write(column, row, fromValue(value))),
    unset: (numbers, rows) => numbers.forEach((column) => chosen(column, rows).forEach(columns[column].remove)),
    copy: (source, target, rows) => {
      for (const row of chosen(target, rows)) {
        const value = columns[source].of(row.up(columns[source].table));
        if (value !== undefined) write(target, row, value);
      }
    },
    addAttributes: (table, rows, keys, values) => {
      rows.forEach((row, i) => {
        const key = new TextDecoder().decode(keys.data.slice(keys.ends[i - 1] ?? 0, keys.ends[i]));
        batch().all(table)[row].attributes[key] ??= fromValue(values[i]);
      });
    },
    dropRows: (table, rows) => pick(batch().all(table), rows).forEach((row) => (row.dropped = true)),
  };
}

function columnOf(path) {
  const [, named, map, quoted, field] = PATH.exec(path) ?? fail(`unknown column ${path}`);
  const table = named in OF_SIGNAL ? 'record' : named;
  if (!Object.values(TABLES).some((tables) => tables.includes(table))) fail(`unknown column ${path}`);
  const place = map ? 'attributes' : 'fields';
  const key = map ? quoted.replace(/\\(.)/g, '$1') : field;
  return {
    path,
    table,
    signal: OF_SIGNAL[named],
    isField: !map,
    of: (row) => row[place][key],
    write: (row, value) => (row[place][key] = value),
    remove: (row) => delete row[place][key],
  };
}

function pick(rows, numbers) {
  if (numbers?.some((number, i) => i > 0 && number <= numbers[i - 1])) fail('rows ascend');
  return numbers === undefined ? rows : numbers.map((number) => rows[number] ?? fail(`there is no row ${number}`));
}

function packed(items) {
  const present = new Uint8Array((items.length + 7) >> 3);
  items.forEach((item, i) => item !== undefined && (present[i >> 3] |= 1 << (i & 7)));
  return { items: items.map((item) => item ?? 0), present };
}

function toValue(value) {
  // As QuickJS has it.
  if (value === undefined) return null;
  if (value === null) return { tag: 'empty' };
  if (value instanceof Uint8Array) return { tag: 'bytes', val: value };
  const tags = { string: 'text', boolean: 'boolean', number: Number.isInteger(value) ? 'integer' : 'double' };
  const tag = tags[typeof value];
  return tag ? { tag, val: value } : { tag: 'json', val: JSON.stringify(value) };
}

function fromValue({ tag, val }) {
  if (tag === 'json') return JSON.parse(val);
  return tag === 'empty' ? null : val;
}

function fail(message) {
  throw new Error(message);
}
