/** The residual stream at named sites: recorded and changed as transformers does with hooks, on every family. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { fileURLToPath } from 'node:url';

import { rngOf } from '#base/rng.ts';
import { constant, input } from '#engine/ops/sources.ts';
import type { Tensor } from '#engine/tensor.ts';
import { openModel } from '#learning/files/open-model.ts';
import { transformerSites } from '#learning/models/modules.ts';
import { transformerLogits } from '#learning/models/transformer.ts';
import type { Layers } from '#learning/nn/layers.ts';
import {
  ablateDirection,
  addVector,
  recordingSites,
  replaceBy,
  type SiteEdit,
  withSites,
  zeroSite,
} from '#learning/nn/sites.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import { createTrainer, type Trainer } from '#learning/train.ts';

import { tinyModels } from './tiny-models.ts';

/** Of the array's norm: float32 through two layers against float64. */
const TOLERANCE = 1e-5;
/** Float32 sums of tens of terms. */
const ROUNDING = 1e-5;

type Projections = readonly number[];

interface Reference {
  readonly tokens: readonly (readonly number[])[];
  readonly phi: number;
  readonly families: Readonly<
    Record<
      string,
      { readonly sites: Readonly<Record<string, Projections>>; readonly logits: Readonly<Record<string, Projections>> }
    >
  >;
}

const REFERENCE = JSON.parse(readFileSync(new URL('../reference/sites.json', import.meta.url), 'utf8')) as Reference;
const MODELS = fileURLToPath(new URL('../fixtures/models/', import.meta.url));
const TOKENS = Int32Array.from(REFERENCE.tokens.flat());
const SHAPE = { rows: REFERENCE.tokens.length, length: TOKENS.length / REFERENCE.tokens.length };

for (const [family, expected] of Object.entries(REFERENCE.families)) {
  test(`${family}: the stream at every site, and logits where one is changed, are those of transformers`, async () => {
    await using files = await openModel(join(MODELS, family));
    const model = files.config;
    await using trainer = await createTrainer({
      model,
      method: { kind: 'full' },
      optimizer: ADAMW_DEFAULTS,
      batch: SHAPE,
    });
    const weights = new Map<string, Float32Array>();
    for (const { name } of trainer.model.base) weights.set(name, await files.tensor(name));
    trainer.reset(weights, rngOf(0));

    const sites = transformerSites(model);
    const logitsUnder = (layers: Layers): Tensor =>
      transformerLogits(model, layers, SHAPE, input('tokens', [TOKENS.length], 'int32'));
    const recording = recordingSites(trainer.model.layers, sites);
    logitsUnder(recording.layers);
    assert.deepEqual([...recording.recorded.keys()], sites);
    const values = await (await trainer.reader(Object.fromEntries(recording.recorded))).read({ tokens: TOKENS });
    Object.entries(expected.sites).forEach(([site, reference], i) =>
      compare(values[sites[i] ?? ''], reference, `${site} as ${sites[i]}`),
    );

    const d = constant(
      Float32Array.from({ length: model.dModel }, (_, i) => Math.sin(1.1 * (i + 1))),
      [model.dModel],
    );
    const edits: Readonly<Record<string, SiteEdit>> = {
      ablate: ablateDirection(d),
      add: addVector(d, 2),
    };
    for (const [name, edit] of Object.entries(edits)) {
      const logits = logitsUnder(withSites(trainer.model.layers, sites, { [sites[2] ?? '']: edit }));
      const { logits: found } = await (await trainer.reader({ logits })).read({ tokens: TOKENS });
      compare(found, expected.logits[name], `logits under ${name}`);
    }
  });
}

function compare(found: Float32Array = new Float32Array(), expected: Projections = [], where: string): void {
  assert.ok(expected.length > 0, `no reference for ${where}`);
  const [norm = 0] = expected;
  const sums = expected
    .slice(1)
    .map((_, k) => found.reduce((sum, value, i) => sum + value * Math.cos((i + 1) * (k + 1) * REFERENCE.phi), 0));
  const ours = [Math.sqrt(found.reduce((sum, value) => sum + value * value, 0)), ...sums];
  expected.forEach((theirs, k) => {
    const error = Math.abs((ours[k] ?? Number.NaN) - theirs);
    assert.ok(error <= TOLERANCE * norm, `${where}, ${k}: ${ours[k]}, expected ${theirs}`);
  });
}

for (const [name, model] of Object.entries(tinyModels(6, 10_000))) {
  test(`${name}: what is recorded after an edit is what the edit says, and later sites follow from it`, async () => {
    await using trainer = await tinyTrainer(name);
    const sites = transformerSites(model);
    const [at = '', next = ''] = [sites[1], sites[2]];
    const direction = Float32Array.from({ length: model.dModel }, (_, i) => Math.cos(i));
    const streams = async (
      edits: Readonly<Record<string, SiteEdit>>,
    ): Promise<Readonly<Record<string, Float32Array>>> => {
      const { layers, recorded } = recordingSites(withSites(trainer.model.layers, sites, edits), sites);
      transformerLogits(model, layers, { rows: 1, length: 5 }, input('tokens', [5], 'int32'));
      const reader = await trainer.reader(Object.fromEntries(recorded));
      return reader.read({ tokens: Int32Array.of(1, 5, 2, 7, 4) });
    };
    const plain = await streams({});
    const ablated = await streams({ [at]: ablateDirection(constant(direction, [model.dModel])) });
    const along = (stream: Float32Array = new Float32Array(), row = 0): number =>
      direction.reduce((sum, value, i) => sum + value * (stream[row * model.dModel + i] ?? 0), 0);
    const square = direction.reduce((sum, value) => sum + value * value, 0);
    for (let row = 0; row < 5; row++) {
      assert.ok(Math.abs(along(ablated[at], row)) < ROUNDING);
      direction.forEach((value, i) => {
        const before = plain[at]?.[row * model.dModel + i] ?? Number.NaN;
        const wanted = before - (along(plain[at], row) / square) * value;
        assert.ok(Math.abs((ablated[at]?.[row * model.dModel + i] ?? Number.NaN) - wanted) < ROUNDING);
      });
    }
    assert.notDeepEqual(ablated[next], plain[next]);
    assert.deepEqual(ablated[sites[0] ?? ''], plain[sites[0] ?? '']);
    // The stream of another run put in its place gives that run's later streams.
    const kept = plain[at]?.slice() ?? new Float32Array();
    const shift = addVector(constant(direction, [model.dModel]));
    const put = replaceBy(constant(kept, [5, model.dModel]));
    const replaced = await streams({ [sites[0] ?? '']: shift, [at]: put });
    assert.notDeepEqual(replaced[sites[0] ?? ''], plain[sites[0] ?? '']);
    // In a parallel block the MLP reads the stream before attention, where the shift still shows.
    assert.equal(isDeepStrictEqual(replaced[next], plain[next]), model.residual === undefined);
    assert.ok((await streams({ [at]: zeroSite }))[at]?.every((value) => value === 0));
  });

  test(`${name}: scorers read through changed sites, and the trained model stays as it is`, async () => {
    await using trainer = await tinyTrainer(name);
    const sites = transformerSites(model);
    const shift = constant(
      Float32Array.from({ length: model.dModel }, (_, i) => 0.5 * Math.cos(i)),
      [model.dModel],
    ); // the same in all directions would be nothing to a LayerNorm
    const lossesOf = async (readers: Pick<Trainer, 'scorer'>): Promise<number[]> => {
      const scorer = await readers.scorer({ rows: 1, length: 3 });
      return [...((await scorer.losses(Int32Array.of(1, 2, 3), Int32Array.of(2, 3, 4)))[0] ?? [])];
    };
    const before = await lossesOf(trainer);
    const none = trainer.through(withSites(trainer.model.layers, sites, {}));
    assert.deepEqual(await lossesOf(none), before);
    const shifted = trainer.through(withSites(trainer.model.layers, sites, { [sites.at(-2) ?? '']: addVector(shift) }));
    assert.notDeepEqual(await lossesOf(shifted), before);
    assert.deepEqual(await lossesOf(trainer), before);
  });
}

test('a site that the model does not have, and an edit to another shape, are refused by name', async () => {
  const name = 'learned positions';
  const model = tinyModels(6, 10_000)[name] ?? assert.fail(`no model ${name}`);
  await using trainer = await tinyTrainer(name);
  const sites = transformerSites(model);
  assert.throws(
    () => withSites(trainer.model.layers, sites, { 'transformer.h.0.uot': zeroSite }),
    /did you mean "transformer\.h\.0\.out"/,
  );
  assert.throws(() => recordingSites(trainer.model.layers, sites, ['transformer.h.9.out']), /expected one of/);
  const wrong = withSites(trainer.model.layers, sites, { [sites[0] ?? '']: () => input('small', [1, 1]) });
  const tokens = input('tokens', [3], 'int32');
  assert.throws(
    () => transformerLogits(model, wrong, { rows: 1, length: 3 }, tokens),
    /expected an edit to shape \[3, 16\]/,
  );
});

async function tinyTrainer(name: string): Promise<Trainer> {
  const model = tinyModels(6, 10_000)[name] ?? assert.fail(`no model ${name}`);
  const trainer = await createTrainer({
    model,
    method: { kind: 'lora', rank: 2, alpha: 4, scaling: 'alphaOverRank', modules: 'all' },
    optimizer: ADAMW_DEFAULTS,
    batch: { rows: 2, length: 4 },
  });
  const rng = rngOf(5, 'weights');
  const weights = new Map(
    [...trainer.model.base, ...trainer.model.trained].map(({ name: of, shape }): [string, Float32Array] => {
      const length = shape.reduce((product, one) => product * one, 1);
      return [of, Float32Array.from({ length }, () => 0.3 * rng.normal())];
    }),
  );
  trainer.reset(weights, rngOf(1));
  return trainer;
}
