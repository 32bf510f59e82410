// What the helper adds to the bindings: native values, and errors that say where.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Column, count, double, PluginError } from './index.js';
import { FakeBatch, Harness } from './testing.js';

/** A plugin that does this with the columns `record.attributes["in"]` and `["out"]`. */
function harness(process) {
  class Tested {
    static manifest = { version: '0.1.0' };

    constructor() {
      this.source = Column.attribute('record', 'in');
      this.target = Column.attribute('record', 'out');
    }

    process(batch) {
      process(this, batch);
    }
  }
  return new Harness(Tested, {});
}

/** Spans with these values of `in`. */
function spans(...values) {
  const batch = new FakeBatch('traces');
  const resource = batch.add('resource');
  values.forEach((value) => batch.add('record', resource, { attributes: value === undefined ? {} : { in: value } }));
  return batch;
}

test('values of every type come and go as they are', () => {
  for (const value of ['a', '', true, 0, -(2 ** 52), 1.5, null, new Uint8Array([255]), [1, { a: null }], { a: [1.5] }]) {
    const batch = spans(value, undefined);
    harness((plugin, batch) => batch.setValues(plugin.target, batch.values(plugin.source).slice(0, 1), [0])).process(batch);
    const [first, second] = batch.left('record');
    assert.deepEqual(first.attributes.out, value);
    assert.deepEqual(second.attributes, {});
  }
});

test('columns are arrays with undefined where nothing is', () => {
  const batch = spans('a', undefined, 7, 1.5);
  harness((plugin, batch) => {
    assert.deepEqual(batch.texts(plugin.source), ['a', undefined, undefined, undefined]);
    assert.deepEqual(batch.integers(plugin.source), [undefined, undefined, 7, undefined]);
    assert.deepEqual(batch.doubles(plugin.source), [undefined, undefined, 7, 1.5]);
  }).process(batch);
});

test('a large integer is warned of when it is read, and refused when it is written', () => {
  const tested = harness((plugin, batch) => batch.fill(plugin.target, batch.integers(plugin.source)[0]));
  assert.throws(() => tested.process(spans(2 ** 60)), { name: 'PluginError', message: /^RangeError: an integer beyond 2\^53/ });
  assert.match(tested.logged[0][1], /^integers of record.attributes\["in"\] are beyond 2\^53/);
});

test('a double without a fraction stays one', () => {
  const batch = spans('a');
  harness((plugin, batch) => batch.fill(plugin.target, double(2))).process(batch);
  assert.equal(batch.left('record')[0].attributes.out, 2);
});

test('ids are bytes or undefined', () => {
  class Tested {
    static manifest = {};
    column = new Column('record.trace_id');

    process(batch) {
      count('ids', batch.ids(this.column).filter((id) => id?.[15] === 1).length);
    }
  }
  const batch = new FakeBatch('traces');
  batch.add('record', undefined, { trace_id: Uint8Array.from({ length: 16 }, (_, i) => Number(i === 15)) });
  batch.add('record');
  const tested = new Harness(Tested, {});
  tested.process(batch);
  assert.deepEqual(tested.counts, { ids: 1 });
});

test('keys that only the data knows are added', () => {
  const batch = spans('a', 'b');
  harness((_, batch) => batch.addAttributes('record', [0, 1, 1], ['é%', 'in', 'x'], [1, 2, 3])).process(batch);
  assert.deepEqual(batch.left('record').map((row) => row.attributes), [{ in: 'a', 'é%': 1 }, { in: 'b', x: 3 }]);
});

test('rows are dropped by number', () => {
  const batch = spans('a', 'b', 'c');
  harness((_, batch) => batch.drop('record', new Uint32Array([0, 2]))).process(batch);
  assert.deepEqual(batch.left('record').map((row) => row.attributes.in), ['b']);
});

test('a plugin error is its text and nothing else', () => {
  const tested = harness(() => {
    throw new PluginError('no such tenant');
  });
  assert.throws(() => tested.process(spans('a')), { message: 'no such tenant' });
});

test('any other is one line that says where', () => {
  const inner = () => undefined.nothing;
  const tested = harness(() => inner());
  assert.throws(() => tested.process(spans('a')), { message: /^TypeError: .*\(at inner \(.*index\.test\.js:\d+:\d+\), at [^\n]*$/ });
});

test('an unknown column refuses the config', () => {
  class Tested {
    static manifest = {};
    column = new Column('spam.name');
    process() {}
  }
  assert.throws(() => new Harness(Tested, {}), { message: 'unknown column spam.name' });
});
