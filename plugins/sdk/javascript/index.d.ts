/**
 * Write an otlet plugin in JavaScript or TypeScript.
 *
 * A plugin is a class: its constructor takes the processor's config and opens columns, `process` works on a batch, `manifest`
 * says what it is. One line exports it.
 *
 * ```ts
 * import { Batch, Column, exportPlugin } from 'otlet-plugin';
 *
 * class Upper {
 *   static manifest = { version: '1.0.0', config_schema: { type: 'object', required: ['key'], properties: { key: { type: 'string' } } } };
 *   column: Column;
 *   constructor(config: { key: string }) {
 *     this.column = Column.attribute('record', config.key);
 *   }
 *   process(batch: Batch) {
 *     batch.setTexts(this.column, batch.texts(this.column).map((text) => text?.toUpperCase()));
 *   }
 * }
 * export const processor = exportPlugin(Upper);
 * ```
 */

/// <reference path="./contract.d.ts" />
import type { Leaves, PackedTexts } from 'otlet:plugin/types@0.1.0';

export type { Leaves, PackedTexts };
export type Signal = 'traces' | 'metrics' | 'logs';
export type Table = 'resource' | 'scope' | 'metric' | 'record' | 'event' | 'link' | 'exemplar';

/** What the plugin says of itself; wit/README.md has what may stand in it. */
export interface Manifest {
  version?: string;
  name?: string;
  signals?: readonly Signal[];
  /** JSON Schema of the config. otlet checks the config against it and fills in nothing: defaults are yours. */
  config_schema?: object;
  on_error?: 'pass' | 'drop' | 'reject' | 'dead_letter';
  adds_text?: boolean;
}

export interface Plugin {
  /** Works on the batch in hand. Keep nothing of it: a batch may be given again, to another instance. */
  process(batch: Batch): void;
}

/** A plugin's class. The constructor runs once an instance, with what stands under the processor's `config`. */
export interface PluginClass<Config> {
  new (config: Config): Plugin;
  manifest: Manifest;
}

/** Makes a component of the plugin: `export const processor = exportPlugin(Owner)`, in the module that is componentized. */
export function exportPlugin<Config>(plugin: PluginClass<Config>): typeof import('otlet:plugin/processor@0.1.0');

/** Refuses a config, or a batch: its message alone is what otlet shows. Never put telemetry into it. */
export class PluginError extends Error {}

/**
 * A column of a table, by its path (wit/README.md lists them): `new Column('resource.attributes["service.name"]')`. To be
 * opened in the constructor of a plugin; an instance has at most 1,024.
 */
export class Column {
  readonly path: string;
  readonly number: number;
  constructor(path: string);
  /** The attribute of any key, quotes and all. */
  static attribute(table: Table, key: string): Column;
}

/** A number that OTLP is to have as a double, though it has no fraction: `double(2)`. */
export function double(number: number): Double;
declare class Double {
  private constructor();
}

/**
 * What may be written: null is OTLP's empty value; a number without a fraction is an integer, below 2^53; arrays and objects
 * are what JSON can say of arrays and maps.
 */
export type Value = null | undefined | string | boolean | number | bigint | Double | Uint8Array | readonly unknown[] | { readonly [key: string]: unknown };

/** What is read. An integer beyond 2^53 comes rounded, with a warning in the log: `copy` moves it exactly. */
export type Read = undefined | null | string | boolean | number | Uint8Array | unknown[] | { [key: string]: unknown };

type Rows = ArrayLike<number>;

/**
 * The batch in hand. It stays in otlet: read whole columns, write the rows that change. `rows` names rows, ascending; without
 * it all are meant. Row numbers hold for the whole of one `process`, whatever is dropped.
 */
export class Batch {
  get signal(): Signal;
  rows(table: Table): number;
  /** For each row of `table`, its row in `above`. */
  parents(table: Table, above: Table): number[];
  /** Every distinct attribute key of the table. */
  keys(table: Table): string[];
  /** One entry a row; what is no text is undefined. */
  texts(column: Column): (string | undefined)[];
  /** Times in nanoseconds are beyond 2^53: they come rounded, by less than a microsecond. */
  integers(column: Column): (number | undefined)[];
  doubles(column: Column): (number | undefined)[];
  /** Values of every type; undefined where nothing is. */
  values(column: Column): Read[];
  /** One value. For more than a few rows read the column. */
  get(column: Column, row: number): Read;
  /** Trace ids of 16 bytes, span ids of 8; undefined where there is none. */
  ids(column: Column): (Uint8Array | undefined)[];
  /** The same value in all these rows: the cheapest edit. */
  fill(column: Column, value: Value, rows?: Rows): void;
  /** An entry for every row; undefined leaves its row as it is. */
  setTexts(column: Column, texts: readonly (string | null | undefined)[]): void;
  /** values[i] into rows[i]. */
  setValues(column: Column, values: readonly Value[], rows?: Rows): void;
  setIds(column: Column, ids: readonly Uint8Array[], rows?: Rows): void;
  /** Removes attributes, clears fields. */
  unset(columns: Column | readonly Column[], rows?: Rows): void;
  /** The value of `source` into `target`, exactly, in the same row or from the row above it. */
  copy(source: Column, target: Column, rows?: Rows): void;
  /** Row rows[i] gets keys[i] with values[i], unless it has that key. For keys that only the data knows. */
  addAttributes(table: Table, rows: Rows, keys: readonly string[], values: readonly Value[]): void;
  /** Drops these rows. */
  drop(table: Table, rows: Rows): void;
  /** Every leaf of these tables and kinds, in one walk. */
  leaves(tables: Table[], kinds: string[]): Leaves;
  /** texts[i] in place of the leaf of this number; undefined removes it. */
  replaceLeaves(leaves: Rows, texts: readonly (string | null | undefined)[]): void;
  /** The whole batch as an OTLP export request, for code that brings its own OTLP library. */
  toOtlp(): Uint8Array;
  replaceWithOtlp(request: Uint8Array): void;
}

/** otlet's log: ten lines a second, of 256 bytes. `console` goes there as well. */
export const log: Record<'debug' | 'info' | 'warn' | 'error', (message: string) => void>;

/** Adds to a counter that otlet exports as otlet_plugin_counts_total. */
export function count(name: string, add?: number): void;
/** Milliseconds since the Unix epoch; `Date.now()` is the same. */
export function now(): number;
/** At most 65,536 bytes. */
export function random(length: number): Uint8Array;
/** 32 bytes that all instances of this plugin share until otlet ends: a key for hashes they must agree on. */
export function seed(): Uint8Array;
/** Texts in one piece, as the contract has them. */
export function pack(texts: readonly (string | null | undefined)[]): PackedTexts;
