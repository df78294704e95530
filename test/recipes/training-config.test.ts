/** Every optimizer that the doors offer can be named in a config, with all its constants. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  ADAMW_DEFAULTS,
  type JsonObject,
  LION_DEFAULTS,
  MUON_DEFAULTS,
  SGD_DEFAULTS,
  SHAMPOO_DEFAULTS,
  SIGN_DEFAULTS,
  SOAP_DEFAULTS,
} from 'assay';

import { configReader } from '#base/config-reader.ts';
import { OPTIMIZER_KINDS } from '#learning/optim/optimizer-config.ts';
import { readOptimizer, readOrder } from '#recipes/training-config.ts';

const DEFAULTS = [
  ADAMW_DEFAULTS,
  SGD_DEFAULTS,
  SIGN_DEFAULTS,
  LION_DEFAULTS,
  MUON_DEFAULTS,
  SHAMPOO_DEFAULTS,
  SOAP_DEFAULTS,
] as const;

test('a config of every optimizer is read back as it is', () => {
  assert.deepEqual(
    DEFAULTS.map(({ kind }) => kind),
    OPTIMIZER_KINDS,
  );
  for (const defaults of DEFAULTS) assert.deepEqual(readOptimizer(configReader(defaults)), defaults);
});

test('a constant that an optimizer lacks, or has not, is refused by name', () => {
  const { every: _every, ...lacking } = SOAP_DEFAULTS;
  assert.throws(() => readOptimizer(configReader(lacking)), /every/);
  assert.throws(() => readOptimizer(configReader({ ...SIGN_DEFAULTS, nesterov: true })), /nesterov/);
  assert.throws(() => readOptimizer(configReader({ ...SHAMPOO_DEFAULTS, adamw: {} })), /adamw/);
});

test('an order of the data is read with all its parts, and stages of two lengths are refused', () => {
  const read = (order: JsonObject): unknown => readOrder(configReader(order));
  assert.deepEqual(read({ kind: 'shuffled' }), { kind: 'shuffled' });
  assert.deepEqual(read({ kind: 'sorted', direction: 'falling' }), { kind: 'sorted', direction: 'falling' });
  const stages = [
    { key: 1, steps: 20 },
    { key: 0, steps: 30 },
  ];
  assert.deepEqual(read({ kind: 'staged', keys: [1, 0], steps: [20, 30] }), { kind: 'staged', stages });
  const curriculum = { kind: 'curriculum', startFraction: 0.2, growSteps: 50 };
  assert.deepEqual(read(curriculum), curriculum);
  assert.throws(() => read({ kind: 'staged', keys: [1, 0], steps: [20] }), /steps.*each of the 2 keys.*found 1/);
  assert.throws(() => read({ kind: 'shuffled', direction: 'rising' }), /direction/);
});
