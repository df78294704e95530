/** A model's activations on disk, and an autoencoder in the place of what it reconstructs. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { modelActivations, streamModel } from '#learning/activations/model-activations.ts';
import {
  collectActivations,
  storedActivations,
  type ActivationSource,
} from '#learning/activations/stored-activations.ts';
import { gpt2Config } from '#learning/models/config.ts';
import { transformerSites } from '#learning/models/modules.ts';
import { initialWeights } from '#learning/models/parameters.ts';
import { wholeSaeConfig } from '#learning/sae/sae-config.ts';
import type { Sae } from '#learning/sae/sae-trainer.ts';
import { lossRecovered } from '#measures/sae/loss-recovered.ts';

const CONFIG = gpt2Config({ vocabulary: 20, dModel: 8, nLayers: 2, nHeads: 2, length: 6, initialStd: 0.5 });
const WEIGHTS = initialWeights(CONFIG, rngOf(0, 'model'));
const MODEL = streamModel(CONFIG, WEIGHTS);
const SITE = 'transformer.h.0.out';
const tokens = rngOf(0, 'tokens');
const SEQUENCES = Array.from({ length: 11 }, (_, i) =>
  Int32Array.from({ length: 2 + (i % 5) }, () => tokens.below(20)),
);
const ROW_COUNT = SEQUENCES.reduce((total, { length }) => total + length, 0);
const SOURCE = { sites: [SITE, 'transformer.h.1.out'], sequences: SEQUENCES, length: 6, rows: 4, model: 'tiny' };
/** float32 rounding of a small model's sums in another order. */
const TOLERANCE = 1e-4;

test('every position of every sequence gives one row, padding none, whatever else is in the batch', async () => {
  await using all = await modelActivations(MODEL, SOURCE);
  await using alone = await modelActivations(MODEL, { ...SOURCE, rows: 1, skipPositions: 1 });
  const rows = (await all.chunk(1)).get(SITE) ?? assert.fail();
  assert.equal(rows.length, 8 * SEQUENCES.slice(4, 8).reduce((total, { length }) => total + length, 0));
  const own = (await alone.chunk(5)).get(SITE)?.slice() ?? assert.fail();
  const start = 8 * ((SEQUENCES[4]?.length ?? 0) + 1);
  const within = rows.slice(start, start + own.length);
  assert.ok(own.length > 0);
  within.forEach((value, i) => assert.ok(Math.abs(value - (own[i] ?? Number.NaN)) < TOLERANCE));
});

test('a collection that was killed goes on to the same bytes, and computes only what is missing', async () => {
  await inFolder(async (folder) => {
    await using source = await modelActivations(MODEL, SOURCE);
    const [whole, killed] = [join(folder, 'whole'), join(folder, 'killed')];
    await collectActivations(source, whole);
    const dying: ActivationSource = {
      ...source,
      chunk: async (i) => (i < 2 ? source.chunk(i) : assert.fail('killed')),
    };
    await assert.rejects(collectActivations(dying, killed), /killed/);
    const written: number[] = [];
    await collectActivations(source, killed, (i) => written.push(i));
    assert.deepEqual(written, [2]);
    for (const site of SOURCE.sites) {
      for (const chunk of ['00000.f32', '00001.f32', '00002.f32']) {
        const [a, b] = await Promise.all([whole, killed].map((one) => readFile(join(one, site, chunk))));
        assert.ok(a !== undefined && b !== undefined && a.equals(b) && a.length > 0);
      }
    }
    const other = await modelActivations(MODEL, { ...SOURCE, model: 'another' });
    await assert.rejects(collectActivations(other, whole), /expected rows of the source .*, found those of another/);
  });
});

test('a pass has every row once, passes differ, and a step is the same whenever it is asked for', async () => {
  await inFolder(async (folder) => {
    await using source = await modelActivations(MODEL, SOURCE);
    await collectActivations(source, folder);
    const order = { site: SITE, batchRows: ROW_COUNT, rng: rngOf(3) };
    using stream = await storedActivations(folder, order);
    assert.equal(stream.rowCount, ROW_COUNT);
    const [first, second] = [keys(await stream.rows(0)), keys(await stream.rows(1))];
    const chunks: string[][] = [];
    for (const i of [0, 1, 2]) chunks.push(keys((await source.chunk(i)).get(SITE) ?? assert.fail()));
    assert.deepEqual(first.toSorted(), chunks.flat().toSorted());
    assert.deepEqual(second.toSorted(), first.toSorted());
    assert.notDeepEqual(second, first);
    using again = await storedActivations(folder, order);
    assert.deepEqual(keys(await again.rows(1)), second);
    assert.deepEqual(keys(await stream.rows(0)), first);
    using part = await storedActivations(folder, { ...order, chunks: [2, 3], batchRows: 1 });
    assert.equal(part.rowCount, (chunks[2] ?? []).length);
  });
});

test('what is not there, or not whole, is said', async () => {
  await inFolder(async (folder) => {
    const order = { site: SITE, batchRows: 2, rng: rngOf(3) };
    await assert.rejects(storedActivations(folder, order), /expected collected activations, found none/);
    await using source = await modelActivations(MODEL, SOURCE);
    await collectActivations(source, folder);
    await assert.rejects(storedActivations(folder, { ...order, site: 'transformer.h.0.in' }), /did you mean/);
    await assert.rejects(storedActivations(folder, { ...order, chunks: [1, 4] }), /chunks within 0 to 3/);
    await writeFile(join(folder, SITE, '00001.f32'), new Uint8Array(33));
    await assert.rejects(
      storedActivations(folder, order),
      /00001.f32: expected whole rows of 8 numbers, found 33 bytes/,
    );
  });
  await assert.rejects(
    modelActivations(MODEL, { ...SOURCE, length: 3 }),
    /sequences of 1 to 3 tokens below 20, found sequence 2 of 4/,
  );
  await assert.rejects(modelActivations(MODEL, { ...SOURCE, sites: ['nowhere'] }), /Site "nowhere"/);
  const lacking = streamModel(CONFIG, new Map([...WEIGHTS].slice(1)));
  await assert.rejects(modelActivations(lacking, SOURCE), /expected a tensor "transformer.wte.weight", found none/);
});

test('chunks that lack a site, or hold what is no row of finite numbers, are not written', async () => {
  const [rows, broken] = [new Float32Array(16), new Float32Array(16).fill(Number.NaN, 3, 4)];
  const source = { dIn: 8, sites: ['a', 'b'], chunks: 1, identity: 'made up' };
  for (const [b, message] of [
    [undefined, /chunk 0, site "b": expected whole rows of 8 numbers, found none/],
    [rows.subarray(1), /site "b": expected whole rows of 8 numbers, found 15 numbers/],
    [broken, /site "b": expected finite numbers, found NaN at element 3/],
  ] as const) {
    await inFolder(async (folder) => {
      const chunk = async () => new Map([['a', rows], ...(b === undefined ? [] : [['b', b] as const])]);
      await assert.rejects(collectActivations({ ...source, chunk }, folder), message);
      await assert.rejects(storedActivations(folder, { site: 'a', batchRows: 2, rng: rngOf(0) }), /found none/);
    });
  }
});

test('sequences that are no tokens, and sizes that mean nothing, are refused', async () => {
  const [two, one] = [Int32Array.of(1, 2), Int32Array.of(1)];
  const long = new Int32Array(7);
  for (const [set, message] of [
    [{ sequences: [two, Int32Array.of(3, 20)] }, /tokens below 20, found token 20 in sequence 1/],
    [{ sequences: [Int32Array.of(-1)] }, /found token -1 in sequence 0/],
    [{ sites: [] }, /expected a site at least/],
    [{ skipPositions: 0.5 }, /skipPositions: expected a whole number/],
    [{ rows: 0 }, /rows: expected a whole number/],
  ] as const) {
    await assert.rejects(modelActivations(MODEL, { ...SOURCE, ...set }), message);
  }
  const batch = { rows: 4, length: 6 };
  for (const [sequences, message] of [
    [[], /lossRecovered: expected sequences of 2 to 6 tokens below 20, found none/],
    [[two, one], /found sequence 1 of 1/],
    // It would run into the next sequence's row.
    [[long, two], /found sequence 0 of 7/],
  ] as const) {
    await assert.rejects(lossRecovered(MODEL, SITE, mirror(1), sequences, batch), message);
  }
  const { config, weights } = mirror(1);
  const lacking = { config, weights: new Map([...weights].slice(1)) };
  await assert.rejects(lossRecovered(MODEL, SITE, lacking, SEQUENCES, batch), /with "sae wEnc", found it without/);
  await inFolder(async (folder) => {
    await using source = await modelActivations(MODEL, SOURCE);
    await assert.rejects(source.chunk(3), /chunk: expected a whole number from 0 to 2, found 3/);
    await collectActivations(source, folder);
    const order = { site: SITE, batchRows: 2, rng: rngOf(3) };
    await assert.rejects(storedActivations(folder, { ...order, batchRows: 0 }), /batchRows: expected a whole number/);
    await assert.rejects(storedActivations(folder, { ...order, chunks: [0, 1.5] }), /chunks within 0 to 3/);
    using stored = await storedActivations(folder, order);
    assert.throws(() => stored.rows(-1), /step: expected a whole number of at least 0/);
  });
});

test('an autoencoder that loses nothing recovers all of the loss, one that gives zeros nothing', async () => {
  const batch = { rows: 4, length: 6 };
  assert.ok(transformerSites(CONFIG).includes(SITE));
  const lossless = await lossRecovered(MODEL, SITE, mirror(1), SEQUENCES, batch);
  assert.ok(Math.abs(lossless.recovered - 1) < TOLERANCE, `${lossless.recovered}`);
  const zeros = await lossRecovered(MODEL, SITE, mirror(0), SEQUENCES, batch);
  assert.ok(Math.abs(zeros.recovered) < TOLERANCE);
  assert.ok(Math.abs(zeros.clean - lossless.clean) < TOLERANCE && zeros.zeroed !== zeros.clean);
  // Batches of another size weigh every prediction the same.
  const other = await lossRecovered(MODEL, SITE, mirror(1), SEQUENCES, { rows: 3, length: 6 });
  assert.ok(Math.abs(other.clean - lossless.clean) < TOLERANCE);
});

/** x = relu(x) - relu(-x), times a gain. */
function mirror(gain: number): Sae {
  const config = wholeSaeConfig({ dIn: 8, dSae: 16, activation: { kind: 'relu', l1: 0 }, centre: 'none' });
  const rows = Float32Array.from({ length: 16 * 8 }, (_, i) => {
    const [feature, d] = [Math.floor(i / 8), i % 8];
    return feature % 8 === d ? (feature < 8 ? 1 : -1) : 0;
  });
  return {
    config,
    weights: new Map([
      ['wEnc', rows],
      ['wDec', rows.map((value) => value * gain)],
      ['bEnc', new Float32Array(16)],
    ]),
  };
}

function keys(rows: Float32Array): string[] {
  return Array.from({ length: rows.length / 8 }, (_, i) => rows.slice(i * 8, (i + 1) * 8).join());
}

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'assay-activations-'));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
