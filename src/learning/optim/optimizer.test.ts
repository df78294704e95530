import assert from 'node:assert/strict';
import { test } from 'node:test';

import { joined, sourceOf } from '#base/bytes.ts';
import { rngOf } from '#base/rng.ts';
import { createArena } from '#engine/kernels/arena.ts';

import { ADAMW_DEFAULTS } from './adamw.ts';
import { clipGradients } from './clip.ts';
import { LION_DEFAULTS } from './lion.ts';
import { MUON_DEFAULTS } from './muon.ts';
import { bufferLengths, type OptimizerConfig } from './optimizer-config.ts';
import { createOptimizer, trainingBytes, type Optimizer } from './optimizer.ts';
import { placeParameters, type Parameter, type Trained } from './parameter.ts';
import { placeTraining } from './placement.ts';
import { SGD_DEFAULTS } from './sgd.ts';
import { SHAMPOO_DEFAULTS } from './shampoo.ts';
import { SIGN_DEFAULTS } from './sign.ts';
import { SOAP_DEFAULTS } from './soap.ts';

const SPECS: readonly Trained[] = [
  { name: 'up', shape: [6, 11], role: 'matrix' },
  { name: 'down', shape: [11, 6], role: 'matrix' },
  { name: 'tokens', shape: [13, 6], role: 'embedding' },
  { name: 'head', shape: [6, 13], role: 'head' },
  { name: 'gain', shape: [6], role: 'vector' },
];
const CONFIGS: readonly OptimizerConfig[] = [
  { ...ADAMW_DEFAULTS, weightDecay: 0.1 },
  { ...SGD_DEFAULTS, weightDecay: 0.1, nesterov: true },
  { ...SGD_DEFAULTS, momentum: 0 },
  { ...MUON_DEFAULTS, weightDecay: 0.1 },
  { ...LION_DEFAULTS, weightDecay: 0.1 },
  { ...SIGN_DEFAULTS, weightDecay: 0.1 },
  { ...SIGN_DEFAULTS, momentum: 0.9 },
  // Roots and bases are older than the checkpoint: they must be part of it.
  { ...SHAMPOO_DEFAULTS, weightDecay: 0.1, every: 2 },
  { ...SOAP_DEFAULTS, weightDecay: 0.1, every: 2 },
];

interface Training {
  readonly parameters: readonly Parameter[];
  readonly optimizer: Optimizer;
  /** Steps first..last with gradients that depend on the step and on the parameters. */
  train(first: number, last: number): void;
}

/** A small training; every one of a configuration sees the same start and the same gradients. */
function training(config: OptimizerConfig, specs: readonly Trained[] = SPECS, mostBytes?: number): Training {
  const { parameters, optimizer } = placeTraining(config, specs, 0, mostBytes);
  const init = rngOf(1, 'init');
  for (const { values } of parameters) for (let i = 0; i < values.length; i++) values[i] = init.normal();
  const train = (first: number, last: number): void => {
    for (let step = first; step <= last; step++) {
      const noise = rngOf(1, `gradient ${step}`);
      for (const { values, gradient } of parameters) {
        for (const [i, value] of values.entries()) gradient[i] = Math.sin(value) + noise.normal();
      }
      optimizer.step(0.01);
    }
  };
  return { parameters, optimizer, train };
}

/** The optimizer's state as bytes of its own. */
function saved({ optimizer }: Training): Uint8Array<ArrayBuffer> {
  return joined(optimizer.state());
}

function bitsOf({ parameters }: Training): readonly Uint8Array[] {
  return parameters.map(({ values }) => new Uint8Array(values.slice().buffer));
}

for (const config of CONFIGS) {
  const label =
    config.kind === 'sgd' || config.kind === 'sign' ? `${config.kind} with momentum ${config.momentum}` : config.kind;

  test(`${label}: parameters that need several memories get the bits of one, steps, clipping and state`, () => {
    const one = training(config);
    // Room for no parameter: each stands alone.
    const apart = training(config, SPECS, 0);
    assert.equal(new Set(apart.parameters.map(({ arena }) => arena)).size, SPECS.length);
    for (const { parameters, train } of [one, apart]) {
      train(1, 2);
      clipGradients(parameters, 0.5);
    }
    const gradients = ({ parameters }: Training) => parameters.map(({ gradient }) => [...gradient]);
    assert.deepEqual(gradients(apart), gradients(one));
    const state = saved(apart);
    for (const { train } of [one, apart]) train(3, 4);
    assert.deepEqual(bitsOf(apart), bitsOf(one));
    assert.equal(apart.optimizer.stepCount, 4);
    apart.optimizer.restore(sourceOf(state));
    assert.equal(apart.optimizer.stepCount, 2);
    assert.deepEqual(saved(apart), state);
  });

  test(`${label}: interrupt and resume gives the bits of never having stopped`, () => {
    const whole = training(config);
    whole.train(1, 7);
    const before = training(config);
    before.train(1, 3);
    const kept = {
      state: saved(before),
      values: before.parameters.map(({ values }) => values.slice()),
    };
    before.train(4, 5); // What is saved does not follow the run.
    const after = training(config);
    after.optimizer.restore(sourceOf(kept.state));
    for (const [i, { values }] of after.parameters.entries()) values.set(kept.values[i] ?? []);
    assert.equal(after.optimizer.stepCount, 3);
    after.train(4, 7);
    assert.deepEqual(bitsOf(after), bitsOf(whole));
    assert.deepEqual(saved(after), saved(whole));
  });

  test(`${label}: a step moves every parameter and leaves its gradient as it is`, () => {
    const run = training(config);
    const start = run.parameters.map(({ values }) => values.slice());
    for (const { gradient } of run.parameters) gradient.fill(0.5);
    run.optimizer.step(0.01);
    // The first gradient of a matrix only sets SOAP's bases.
    if (config.kind === 'soap') run.optimizer.step(0.01);
    for (const [i, { values, gradient }] of run.parameters.entries()) {
      assert.ok(values.every((value, j) => value !== start[i]?.[j]));
      assert.ok(gradient.every((value) => value === 0.5));
    }
  });
}

test('the state is lost work without its counter: a restored AdamW corrects its bias by the saved step', () => {
  const run = training(ADAMW_DEFAULTS);
  run.train(1, 3);
  const state = saved(run);
  const forged = new TextDecoder('latin1').decode(state).replace('"stepCount":3', '"stepCount":9');
  const resumed = training(ADAMW_DEFAULTS);
  resumed.optimizer.restore(sourceOf(Uint8Array.from(forged, (letter) => letter.charCodeAt(0))));
  for (const [i, { values }] of resumed.parameters.entries()) values.set(run.parameters[i]?.values ?? []);
  run.train(4, 4);
  resumed.train(4, 4);
  assert.notDeepEqual(bitsOf(resumed), bitsOf(run));
});

test('a state of another optimizer, of other parameters, or cut short is refused and changes nothing', () => {
  const run = training(ADAMW_DEFAULTS);
  run.train(1, 2);
  const state = saved(run);
  const refuse = (other: Training, bytes: Uint8Array, message: RegExp): void => {
    const before = saved(other);
    assert.throws(() => other.optimizer.restore(sourceOf(bytes)), message);
    assert.deepEqual(saved(other), before);
  };
  refuse(training(LION_DEFAULTS), state, /expected optimizer "lion", found "adamw"/);
  refuse(training(ADAMW_DEFAULTS, SPECS.slice(0, 4)), state, /found "gain buffer 0 \[6\]"/);
  refuse(run, state.subarray(0, -4), /expected \d+ bytes, found \d+/);
  refuse(run, new Uint8Array(3), /expected a header/);
  refuse(run, Uint8Array.of(2, 0, 0, 0, 0x7b, 0x7d), /expected format/);
});

test('Muon orthogonalizes matrices only: its embeddings, head and vectors move exactly as under AdamW', () => {
  const { lrScale, ...adamw } = MUON_DEFAULTS.adamw;
  const muon = training({ ...MUON_DEFAULTS, adamw: { ...adamw, lrScale: 1 } });
  const reference = training({ kind: 'adamw', ...adamw });
  muon.train(1, 3);
  reference.train(1, 3);
  assert.ok(lrScale < 1);
  assert.deepEqual(bitsOf(muon).slice(2), bitsOf(reference).slice(2));
  for (const i of [0, 1]) assert.notDeepEqual(bitsOf(muon)[i], bitsOf(reference)[i]);
});

test('a matrix whose sides would take minutes to decompose is refused by Shampoo and SOAP, by name', () => {
  const long: Trained = { name: 'tokens', shape: [1025, 2], role: 'matrix' };
  for (const config of [SHAMPOO_DEFAULTS, SOAP_DEFAULTS]) {
    assert.throws(() => trainingBytes(config, [long]), /"tokens".*at most 1024, found \[1025, 2\]/);
    assert.ok(trainingBytes(config, [{ ...long, role: 'embedding' }]) > 0);
  }
});

test('neighbours share a memory as long as they fit, and the whole has one where it can', () => {
  const bytes = trainingBytes(ADAMW_DEFAULTS, SPECS.slice(0, 2));
  const arenasOf = (mostBytes?: number): readonly number[] => {
    const arenas = placeTraining(ADAMW_DEFAULTS, SPECS, 0, mostBytes).parameters.map(({ arena }) => arena);
    return arenas.map((arena) => arenas.indexOf(arena));
  };
  assert.deepEqual(arenasOf(), [0, 0, 0, 0, 0]);
  assert.equal(arenasOf(bytes + 64)[1], 0);
  assert.equal(arenasOf(bytes + 64)[2], 2);
  assert.equal(arenasOf(bytes - 1)[1], 1);
});

test('training memory is counted exactly: one float32 region more does not fit', () => {
  for (const config of CONFIGS) {
    const bytes = trainingBytes(config, SPECS);
    const arena = createArena(bytes);
    const parameters = placeParameters(SPECS, arena);
    createOptimizer(
      config,
      parameters.map(({ handle }) => handle),
      arena,
    );
    const pageRest = arena.buffer.byteLength - bytes;
    assert.throws(() => arena.float32('one more', pageRest / 4 + 1), /bytes, \d+ are left/);
    arena.float32('what rounding up to a page left', Math.floor(pageRest / 64) * 16);
  }
  assert.deepEqual(bufferLengths({ ...SGD_DEFAULTS, momentum: 0 }, { name: 'w', shape: [1], role: 'vector' }), []);
});

test('constants and learning rates out of range are refused by name', () => {
  const arena = createArena(1);
  const refused: readonly [OptimizerConfig, RegExp][] = [
    [{ ...ADAMW_DEFAULTS, beta2: 1 }, /adamw\.beta2: expected a number in \[0, 1\), found 1/],
    [{ ...ADAMW_DEFAULTS, eps: -1 }, /adamw\.eps: expected a number >= 0, found -1/],
    [{ ...SGD_DEFAULTS, momentum: 0, nesterov: true }, /sgd\.nesterov: expected momentum above 0/],
    [{ ...LION_DEFAULTS, weightDecay: Number.NaN }, /lion\.weightDecay/],
    [{ ...MUON_DEFAULTS, adamw: { ...MUON_DEFAULTS.adamw, beta1: 2 } }, /muon\.adamw\.beta1/],
    [{ ...SIGN_DEFAULTS, momentum: 1 }, /sign\.momentum/],
    [{ ...SHAMPOO_DEFAULTS, eps: 0 }, /shampoo\.eps: expected a number above 0, found 0/],
    [{ ...SHAMPOO_DEFAULTS, beta2: 0 }, /shampoo\.beta2: expected a number in \(0, 1\], 1 for the plain sum, found 0/],
    [{ ...SHAMPOO_DEFAULTS, exponent: 2 }, /shampoo\.exponent/],
    [{ ...SOAP_DEFAULTS, every: 1.5 }, /soap\.every: expected a number of steps, whole and at least 1, found 1\.5/],
    [{ ...SOAP_DEFAULTS, adamw: { ...SOAP_DEFAULTS.adamw, lrScale: -1 } }, /soap\.adamw\.lrScale/],
  ];
  for (const [config, message] of refused) assert.throws(() => createOptimizer(config, [], arena), message);
  const { optimizer } = training(ADAMW_DEFAULTS);
  assert.throws(() => optimizer.step(Number.NaN), /learning rate >= 0, found NaN/);
  assert.equal(optimizer.stepCount, 0);
});

test('parameters of one name, and matrices of three axes, are refused', () => {
  const arena = createArena(1);
  const gain: Trained = { name: 'gain', shape: [2], role: 'vector' };
  assert.throws(() => placeParameters([gain, gain], arena), /"gain": the name is taken twice/);
  const stack: Trained = { name: 'stack', shape: [2, 3, 4], role: 'matrix' };
  assert.throws(() => placeParameters([stack], arena), /expected a matrix of 2 axes, found shape \[2, 3, 4\]/);
});

test('clipping reports the first gradient that is not finite and leaves all of them as they are', () => {
  const arena = createArena(2 ** 16);
  const placed = placeParameters(SPECS, arena);
  for (const { gradient } of placed) gradient.fill(2);
  const embedding = placed[2];
  assert.ok(embedding !== undefined);
  embedding.gradient[17] = Number.NaN;
  assert.deepEqual(clipGradients(placed, 1), { kind: 'notFinite', parameter: 'tokens', index: 17 });
  assert.equal(placed[0]?.gradient[0], 2);
  embedding.gradient[17] = 2;
  const count = placed.reduce((sum, { values }) => sum + values.length, 0);
  const expected = { kind: 'finite', norm: 2 * Math.sqrt(count), isClipped: false };
  assert.deepEqual(clipGradients(placed, Number.POSITIVE_INFINITY), expected);
});
