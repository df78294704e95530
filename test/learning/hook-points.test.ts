/** Hook points of every family, against what forward hooks see in transformers; and autoencoders in their places. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { modelActivations, streamModel, type StreamModel } from '#learning/activations/model-activations.ts';
import { openStreamModel } from '#learning/activations/open-stream-model.ts';
import { collectActivations, storedActivations } from '#learning/activations/stored-activations.ts';
import { readSaeLens } from '#learning/files/sae-lens/sae-lens-read.ts';
import { writeSaeLens } from '#learning/files/sae-lens/sae-lens-write.ts';
import { gpt2Config, type TransformerConfig } from '#learning/models/config.ts';
import { hookPoints, modelPlace } from '#learning/models/hook-points.ts';
import { initialWeights } from '#learning/models/parameters.ts';
import { wholeSaeConfig } from '#learning/sae/sae-config.ts';
import type { Sae } from '#learning/sae/sae-trainer.ts';
import { lossRecovered } from '#measures/sae/loss-recovered.ts';

import { FAMILY_MODELS, familyFolder } from './family-folders.ts';

type Projections = Readonly<Record<string, readonly number[]>>;
const REFERENCE = JSON.parse(await readFile(new URL('../reference/hook-points.json', import.meta.url), 'utf8')) as {
  readonly gpt2: Projections;
  readonly families: Readonly<Record<string, readonly Projections[]>>;
};
const GPT2 = new URL('../fixtures/models/gpt2', import.meta.url).pathname;
/** Of a norm: float32 through three layers, where transformers sums in another order. */
const TOLERANCE = 2e-5;
const LENGTH = 10;

const CONFIG: TransformerConfig = {
  ...gpt2Config({ vocabulary: 20, dModel: 8, nLayers: 2, nHeads: 2, length: 6, initialStd: 0.5 }),
  dMlp: 12,
};
const MODEL = streamModel(CONFIG, initialWeights(CONFIG, rngOf(0, 'model')));
const SEQUENCES = Array.from({ length: 5 }, (_, i) =>
  Int32Array.from({ length: 3 + (i % 3) }, (__, t) => (7 * i + 5 * t) % 20),
);
const BATCH = { rows: 3, length: 6 };

test('every family has at every hook point what transformers computes there', async () => {
  const models: (readonly [string, string, Projections | undefined])[] = [['gpt2', GPT2, REFERENCE.gpt2]];
  for (const [family, cases] of Object.entries(FAMILY_MODELS.families)) {
    for (const [i, one] of cases.entries()) {
      const expected = one.hookPoints ?? REFERENCE.families[family]?.[i];
      models.push([`${family} ${i}`, await familyFolder(one), expected]);
    }
  }
  for (const [name, path, expected = {}] of models) {
    const { model } = await openStreamModel(path);
    assert.deepEqual(hookPoints(model.config).toSorted(), Object.keys(expected).toSorted(), name);
    const seen = await allActivations(model);
    for (const [point, [norm = 0, ...projections]] of Object.entries(expected)) {
      projected(seen.get(point) ?? new Float32Array()).forEach((found, i) => {
        const want = [norm, ...projections][i] ?? Number.NaN;
        assert.ok(Math.abs(found - want) < TOLERANCE * norm, `${name}, ${point}, ${i}: ${found}, expected ${want}`);
      });
    }
  }
});

test('a place may be asked for by two names, and a killed collection at hook points goes on where it was', async () => {
  const sites = ['blocks.0.hook_resid_post', 'blocks.1.hook_resid_pre', 'transformer.h.0.out', 'blocks.1.attn.hook_z'];
  await using source = await modelActivations(MODEL, { sites, sequences: SEQUENCES, ...BATCH, model: 'tiny' });
  const rows = await source.chunk(0);
  const [post, pre, out, z] = sites.map((site) => [...(rows.get(site) ?? [])]);
  assert.ok(post?.length === 8 * (3 + 4 + 5));
  assert.deepEqual([pre, out], [post, post]);
  assert.notDeepEqual(z, post);
  await inFolder(async (folder) => {
    const killed = { ...source, chunk: async (i: number) => (i === 0 ? source.chunk(i) : assert.fail('killed')) };
    await assert.rejects(collectActivations(killed, folder), /killed/);
    const written: number[] = [];
    await collectActivations(source, folder, (i) => written.push(i));
    assert.deepEqual(written, [1]);
    using stream = await storedActivations(folder, { site: 'blocks.1.attn.hook_z', batchRows: 4, rng: rngOf(1) });
    assert.equal(
      stream.rowCount,
      SEQUENCES.reduce((sum, { length }) => sum + length, 0),
    );
  });
});

test('an autoencoder that loses nothing recovers all of the loss at every hook point, one that gives zeros nothing', async () => {
  for (const point of hookPoints(CONFIG)) {
    const { width } = modelPlace(CONFIG, point);
    const lossless = await lossRecovered(MODEL, point, mirror(width, 1), SEQUENCES, BATCH);
    assert.ok(
      Math.abs(lossless.recovered - 1) < 1e-4 && lossless.zeroed !== lossless.clean,
      `${point}: ${lossless.recovered}`,
    );
    const zeros = await lossRecovered(MODEL, point, mirror(width, 0), SEQUENCES, BATCH);
    assert.ok(Math.abs(zeros.recovered) < 1e-4 && zeros.spliced === zeros.zeroed, `${point}: ${zeros.recovered}`);
  }
});

test('hook points that a model does not have, or that are of unlike widths, are refused by name', async () => {
  const asked = (...sites: string[]) =>
    modelActivations(MODEL, { sites, sequences: SEQUENCES, ...BATCH, model: 'tiny' });
  await assert.rejects(
    asked('blocks.0.hook_mlp_in'),
    /"blocks.0.hook_mlp_in": expected blocks.L. \(L from 0 to 1\) and one of hook_resid_pre, attn.hook_z, .*did you mean "blocks.0.hook_mlp_out"/,
  );
  await assert.rejects(asked('blocks.2.hook_resid_pre'), /L from 0 to 1/);
  await assert.rejects(asked('blocks.01.hook_resid_pre'), /L from 0 to 1/);
  await assert.rejects(
    asked('blocks.0.attn.hook_z', 'blocks.0.mlp.hook_post'),
    /sites of one width, found "blocks.0.attn.hook_z" of 8 numbers and "blocks.0.mlp.hook_post" of 12; collect them as two sources/,
  );
  await assert.rejects(
    lossRecovered(MODEL, 'blocks.0.mlp.hook_post', mirror(8, 1), SEQUENCES, BATCH),
    /rows of 12 numbers, as "blocks.0.mlp.hook_post" has them, found one of 8/,
  );
  for (const residual of ['parallel', 'parallelOneNorm'] as const) {
    assert.throws(
      () => modelPlace({ ...CONFIG, residual }, 'blocks.1.hook_resid_mid'),
      /"blocks.1.hook_resid_mid": .*attention and MLP read the same stream, and there is none between them/,
    );
  }
  const experts = { count: 4, perToken: 2, dHidden: 6, isNormed: true, denseLayers: [0] };
  assert.throws(
    () => modelPlace({ ...CONFIG, experts }, 'blocks.1.mlp.hook_post'),
    /"blocks.1.mlp.hook_post": .*experts, each with a last matrix of its own. Take hook_mlp_out/,
  );
  assert.equal(modelPlace({ ...CONFIG, experts }, 'blocks.0.mlp.hook_post').width, 12);
  assert.ok(!hookPoints({ ...CONFIG, experts }).includes('blocks.1.mlp.hook_post'));
});

test('a SAELens folder keeps the hook point, and says so where its heads are apart there', async () => {
  await inFolder(async (folder) => {
    for (const [point, reshaped] of [
      ['blocks.1.hook_mlp_out', 'none'],
      ['blocks.0.attn.hook_z', 'hook_z'],
    ] as const) {
      await writeSaeLens(folder, mirror(8, 1), { hook_name: point });
      const { sae, hookName = '' } = await readSaeLens(folder);
      assert.equal(hookName, point);
      const written: unknown = JSON.parse(await readFile(join(folder, 'cfg.json'), 'utf8'));
      assert.ok(typeof written === 'object' && written !== null && 'reshape_activations' in written);
      assert.equal(written.reshape_activations, reshaped);
      const { recovered } = await lossRecovered(MODEL, hookName, sae, SEQUENCES, BATCH);
      assert.ok(Math.abs(recovered - 1) < 1e-4);
    }
    await writeSaeLens(folder, mirror(8, 1));
    assert.equal('hookName' in (await readSaeLens(folder)), false);
  });
});

/** The activations of both rows of the reference, one source for every width. */
async function allActivations(model: StreamModel): Promise<ReadonlyMap<string, Float32Array>> {
  const sequences = FAMILY_MODELS.tokens.map((row) => Int32Array.from(row, (token) => token % model.config.vocabulary));
  const all = new Map<string, Float32Array>();
  const byWidth = Map.groupBy(hookPoints(model.config), (name) => modelPlace(model.config, name).width);
  for (const sites of byWidth.values()) {
    await using source = await modelActivations(model, {
      sites,
      sequences,
      rows: 2,
      length: LENGTH,
      model: 'reference',
    });
    for (const [site, rows] of await source.chunk(0)) all.set(site, rows);
  }
  return all;
}

/** The norm, and the sums of x_i cos((i + 1) (k + 1) phi), as in family-models.py. */
function projected(values: Float32Array): readonly number[] {
  const sums = [1, 2].map((k) => values.reduce((sum, x, i) => sum + x * Math.cos((i + 1) * k * FAMILY_MODELS.phi), 0));
  return [Math.hypot(...values), ...sums];
}

/** x = relu(x) - relu(-x), times a gain. */
function mirror(width: number, gain: number): Sae {
  const config = wholeSaeConfig({ dIn: width, dSae: 2 * width, activation: { kind: 'relu', l1: 0 }, centre: 'none' });
  const rows = Float32Array.from({ length: 2 * width * width }, (_, i) => {
    const [feature, d] = [Math.floor(i / width), i % width];
    return feature % width === d ? (feature < width ? 1 : -1) : 0;
  });
  const weights = new Map([
    ['wEnc', rows],
    ['wDec', rows.map((value) => value * gain)],
    ['bEnc', new Float32Array(2 * width)],
    ['bDec', new Float32Array(width)],
  ]);
  return { config, weights };
}

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'assay-hook-points-'));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
