/**
 * Test a plugin without WebAssembly.
 *
 * ```ts
 * const harness = new Harness(Owner, { teams: { cart: 'web' } });
 * const batch = new FakeBatch('traces');
 * const cart = batch.add('resource', undefined, { attributes: { 'service.name': 'cart' } });
 * batch.add('record', cart, { name: 'GET /' });
 * harness.process(batch);
 * assert.equal(cart.attributes.team, 'web');
 * ```
 */
import type { PluginClass, Signal, Table } from './index.js';

/** A row of a table: its attributes, its fields by their names in paths (`name`, `status.code`), and the row above it. */
export interface Row {
  readonly table: Table;
  readonly above?: Row;
  attributes: Record<string, unknown>;
  fields: Record<string, unknown>;
  dropped: boolean;
}

/** A batch made by hand. */
export class FakeBatch {
  constructor(signal: Signal);
  /** A row of `table` in the row `above`; what it has beside `attributes` are fields. */
  add(table: Table, above?: Row, has?: { attributes?: Record<string, unknown>; [field: string]: unknown }): Row;
  /** The rows that the plugin has not dropped. */
  left(table: Table): Row[];
}

/** A plugin with its config. What fails throws a PluginError. */
export class Harness<Config> {
  constructor(plugin: PluginClass<Config>, config: Config);
  readonly counts: Record<string, number>;
  readonly logged: [level: string, message: string][];
  /** As otlet does: a batch of a signal that the plugin does not work on passes it by. */
  process(batch: FakeBatch): void;
}
