import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeBatch, Harness } from 'otlet-plugin/testing';
import { Owner } from './owner.ts';

const teams = { checkout: 'payments', cart: 'web' };

/** Two resources: a service with a team and one without, each with two spans. */
function spans(): FakeBatch {
  const batch = new FakeBatch('traces');
  for (const service of ['cart', 'search']) {
    const resource = batch.add('resource', undefined, { attributes: { 'service.name': service } });
    batch.add('record', resource, { name: 'GET /healthz' });
    batch.add('record', resource, { name: 'POST /' });
  }
  return batch;
}

test('a service that is listed gets its team', () => {
  const batch = spans();
  const harness = new Harness(Owner, { teams });
  harness.process(batch);
  const [cart, search] = batch.left('resource');
  assert.deepEqual(cart?.attributes, { 'service.name': 'cart', team: 'web' });
  assert.deepEqual(search?.attributes, { 'service.name': 'search' });
  assert.equal(batch.left('record').length, 4);
  assert.deepEqual(harness.counts, { resources_owned: 1 });
});

test('the attribute is the one that the config names', () => {
  const batch = new FakeBatch('logs');
  const resource = batch.add('resource', undefined, { attributes: { 'service.name': 'checkout' } });
  new Harness(Owner, { teams, attribute: 'owner "team"' }).process(batch);
  assert.equal(resource.attributes['owner "team"'], 'payments');
});

test('spans are dropped by how their names begin', () => {
  const batch = spans();
  const harness = new Harness(Owner, { teams, drop: ['GET /healthz', 'GET /readyz'] });
  harness.process(batch);
  assert.deepEqual(batch.left('record').map((span) => span.fields.name), ['POST /', 'POST /']);
  assert.deepEqual(harness.counts, { resources_owned: 1, spans_dropped: 2 });
});

test('log records have no names and stay', () => {
  const batch = new FakeBatch('logs');
  const resource = batch.add('resource', undefined, { attributes: { 'service.name': 'search' } });
  batch.add('record', resource, { body: 'GET /healthz' });
  const harness = new Harness(Owner, { teams, drop: ['GET /healthz'] });
  harness.process(batch);
  assert.equal(batch.left('record').length, 1);
  assert.deepEqual(harness.counts, {});
});

test('it says what it was configured with', () => {
  assert.deepEqual(new Harness(Owner, { teams }).logged, [['info', 'owner sets "team" for 2 services']]);
});
