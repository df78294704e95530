/** Every optimizer that the doors offer can be named in a config, with all its constants. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  ADAMW_DEFAULTS,
  LION_DEFAULTS,
  MUON_DEFAULTS,
  SGD_DEFAULTS,
  SHAMPOO_DEFAULTS,
  SIGN_DEFAULTS,
  SOAP_DEFAULTS,
} from 'assay';

import { configReader } from '#base/config-reader.ts';
import { OPTIMIZER_KINDS } from '#learning/optim/optimizer-config.ts';
import { readOptimizer } from '#recipes/training-config.ts';

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
