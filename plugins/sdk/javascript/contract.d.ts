// The contract otlet:plugin@0.1.0, made from wit/plugin.wit by generate.mjs: not to be edited.
declare module 'otlet:plugin/batch@0.1.0' {
  /**
   * Opens a column, once, in `configure`; the number is good for the life of the instance. Paths are OTTL's where it has
   * one: `resource.attributes["service.name"]`, `scope.name`, `record.attributes["http.route"]`, `record.body`,
   * `event.attributes["exception.message"]`, `record.trace_id`, `metric.name`, any field of the OTLP messages by its own
   * name, and `record.duration` (end less start, in nanoseconds; read only). `span.`, `log.` and `datapoint.` are
   * `record.` of that signal alone. An unknown path is an error that names the nearest known ones. A column that the
   * batch's signal does not have (`log.body` in traces) reads as absent in every row, and writing it does nothing.
   */
  export function column(path: string): number;
  /**
   * "traces", "metrics" or "logs".
   */
  export function signal(): string;
  export function rows(table: string): number;
  /**
   * For each row of `table`, its row in `above`, at any distance: record to resource, event to span, point to metric.
   */
  export function parents(table: string, above: string): Array<number>;
  /**
   * Every distinct attribute key of the table.
   */
  export function keys(table: string): Array<string>;
  /**
   * Read a column: one entry a row. A value of another type reads as absent (`values` shows all; doubles show integer
   * points too). Of equal keys in one row the first counts. Text is valid UTF-8, with U+FFFD where it was not. A field
   * without presence on the wire (most of OTLP's own) reads as absent at its default: 0, false, the empty text.
   */
  export function texts(column: number): Array<string | undefined>;
  export function packed(column: number): PackedTexts;
  export function integers(column: number): PackedIntegers;
  export function doubles(column: number): PackedDoubles;
  export function values(column: number): Array<Value | undefined>;
  /**
   * 16 or 8 bytes a row, zeros where absent or of a wrong length.
   */
  export function ids(column: number): Uint8Array;
  export function get(column: number, row: number): Value | undefined;
  /**
   * Edit. `rows` names the rows written, ascending; none is every row, an empty list is no row. What stood there goes,
   * whatever its type, with any repetition of the key; an absent attribute is added last; a value equal to the old one is
   * no edit. An OTLP field takes its own type only; `empty` clears it. Absent entries leave their row.
   */
  export function setTexts(column: number, texts: Array<string | undefined>): void;
  export function setPacked(column: number, rows: Array<number> | undefined, texts: PackedTexts): void;
  export function setValues(column: number, rows: Array<number> | undefined, values: Array<Value>): void;
  export function setIds(column: number, rows: Array<number> | undefined, ids: Uint8Array): void;
  /**
   * The same value on all these rows: the cheapest edit.
   */
  export function fill(column: number, rows: Array<number> | undefined, value: Value): void;
  export function unset(columns: Array<number>, rows: Array<number> | undefined): void;
  /**
   * Adds attributes of any keys in one call: row rows[i] of `table` gets keys[i] with values[i], last, unless it has an
   * attribute of that key. Rows ascend; one may come several times, and of equal keys in it the first counts. For keys that
   * are in the data; those known beforehand are columns.
   */
  export function addAttributes(table: string, rows: Array<number>, keys: PackedTexts, values: Array<Value>): void;
  /**
   * The value of `source` into `target`, exactly, in the same row, or from the row above it (a resource's attribute to its
   * records). A rename is a copy and an unset.
   */
  export function copy(source: number, target: number, rows: Array<number> | undefined): void;
  /**
   * Keeps the rows whose bit is set, least significant first, and that no earlier call dropped. A resource, scope or metric
   * left without rows by this goes too; a record without events or exemplars stays.
   */
  export function retain(table: string, mask: Uint8Array): void;
  /**
   * Drops these rows, named ascending, by the rules of `retain`: for languages in which a mask is tedious.
   */
  export function dropRows(table: string, rows: Array<number>): void;
  /**
   * Every leaf at once, for scanners.
   * Every leaf of these tables and kinds, at any depth, in one walk. "text" is every string that OTLP holds there.
   */
  export function allLeaves(tables: Array<string>, kinds: Array<string>): Leaves;
  /**
   * Replaces leaves of the latest `all-leaves` of this call, named ascending; an absent text removes the attribute, map
   * entry or element, or clears the field. A scalar becomes a string, bytes stay bytes. A leaf that has gone or was edited
   * since is left alone.
   */
  export function replaceLeaves(leaves: Array<number>, texts: PackedTexts): void;
  /**
   * The way out: the whole batch as an OTLP export request, for code that brings its own OTLP library. Replacing it ends
   * all row and leaf numbers.
   */
  export function toOtlp(): Uint8Array;
  export function replaceWithOtlp(request: Uint8Array): void;
  export type Value = import('otlet:plugin/types@0.1.0').Value;
  export type PackedTexts = import('otlet:plugin/types@0.1.0').PackedTexts;
  export type PackedIntegers = import('otlet:plugin/types@0.1.0').PackedIntegers;
  export type PackedDoubles = import('otlet:plugin/types@0.1.0').PackedDoubles;
  export type Leaves = import('otlet:plugin/types@0.1.0').Leaves;
}

declare module 'otlet:plugin/host@0.1.0' {
  /**
   * "debug", "info", "warn" or "error".
   */
  export function log(level: string, message: string): void;
  /**
   * Adds to a counter that the host exports under this plugin's name.
   */
  export function count(name: string, add: number): void;
  /**
   * Milliseconds since the Unix epoch.
   */
  export function now(): number;
  /**
   * At most 65,536 bytes.
   */
  export function random(len: number): Uint8Array;
  /**
   * 32 bytes, random at each start of the host, and the same for every instance of this plugin until it ends: a key for
   * hashes that instances must agree on.
   */
  export function seed(): Uint8Array;
  /**
   * What stands in the processor's `config` at a JSON pointer (RFC 6901; "" is all of it), for plugins without a JSON library:
   * a scalar as itself, null as `empty`, an object or array as `json`; none where nothing stands. In `describe` nothing does.
   */
  export function setting(pointer: string): Value | undefined;
  /**
   * The keys of the object there, ascending, as they are and not as a pointer has them; "0", "1" and so on of an array; none of
   * anything else.
   */
  export function settings(pointer: string): Array<string>;
  /**
   * Bytes that the plugin prints: 1 is its output, logged as "info", 2 its errors, as "warn". A line of them is a line of
   * the log, and what is left of one is when the call ends.
   */
  export function print(fd: number, bytes: Uint8Array): void;
  export type Value = import('otlet:plugin/types@0.1.0').Value;
}

declare module 'otlet:plugin/processor@0.1.0' {
  /**
   * The manifest, in JSON: version, signals, config_schema (JSON Schema), on_error (the plugin's own default), and what
   * later versions of the contract ask for. The plugin's name is its file's.
   */
  export function describe(): string;
  /**
   * Once an instance, with the plugin's `config` as JSON.
   */
  export function configure(config: string): void;
  /**
   * Works on the batch in hand. On an error the host rolls the batch back to what it was before this plugin and follows
   * `on_error`.
   */
  export function process(): void;
}

declare module 'otlet:plugin/types@0.1.0' {
  /**
   * An attribute value or log body. WIT has no recursive types, so arrays and maps travel as JSON text, which loses what
   * JSON cannot say (nested bytes, NaN, repeated keys): to move a value use `copy`, which is the host's and exact.
   */
  export type Value = ValueEmpty | ValueText | ValueBoolean | ValueInteger | ValueDouble | ValueBytes | ValueJson;
  export interface ValueEmpty {
    tag: 'empty',
  }
  export interface ValueText {
    tag: 'text',
    val: string,
  }
  export interface ValueBoolean {
    tag: 'boolean',
    val: boolean,
  }
  export interface ValueInteger {
    tag: 'integer',
    val: number,
  }
  export interface ValueDouble {
    tag: 'double',
    val: number,
  }
  export interface ValueBytes {
    tag: 'bytes',
    val: Uint8Array,
  }
  export interface ValueJson {
    tag: 'json',
    val: string,
  }
  /**
   * Texts in one piece: text i is data[ends[i-1]..ends[i]], UTF-8; bit i of `present`, least significant first, tells an
   * absent text from an empty one (an absent text's range is empty). Offsets are in bytes.
   */
  export interface PackedTexts {
    data: Uint8Array,
    ends: Array<number>,
    present: Uint8Array,
  }
  export interface PackedIntegers {
    items: Array<number>,
    present: Uint8Array,
  }
  export interface PackedDoubles {
    items: Array<number>,
    present: Uint8Array,
  }
  /**
   * Leaves of the OTLP tree: leaf i stands in row rows[i] at place places[i], which indexes place-paths
   * (`record.attributes["exception.message"]`, `event.attributes["user"]["mail"]`, `record.body`, and with the suffix
   * `#key` for a key itself) and place-kinds ("text", "key", "integer", "double", "boolean", "bytes"). An element of an
   * array stands at `[]`. The place of every key is named, whether keys were asked for or not: they are the same in
   * every row, and need not be read there. Leaves come table by table as asked for, then by row, then in the order of
   * the wire. A number or boolean is its shortest text in decimal; bytes are their text, with U+FFFD where they are not
   * UTF-8.
   */
  export interface Leaves {
    texts: PackedTexts,
    rows: Array<number>,
    places: Array<number>,
    placePaths: Array<string>,
    placeKinds: Array<string>,
  }
}
