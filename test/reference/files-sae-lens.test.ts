/** Folders of SAELens both ways: files-sae-lens.py wrote the fixtures, and loaded what is written here (its record holds the hashes). */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { readSaeLens } from '#learning/files/sae-lens/sae-lens-read.ts';
import { withoutThresholding, writeSaeLens } from '#learning/files/sae-lens/sae-lens-write.ts';
import { saeReader } from '#learning/sae/sae-reader.ts';
import { createSaeTrainer, type Sae } from '#learning/sae/sae-trainer.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import { rngOf } from '#base/rng.ts';

import expected from '../fixtures/sae-lens/expected.json' with { type: 'json' };
import record from './files-sae-lens.json' with { type: 'json' };
import { D_IN, D_SAE, ROWS, SAES, X } from './sae-lens-saes.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/sae-lens');
/** Sums of a few float32 products of order 1. */
const TOLERANCE = 2e-6;

for (const [name, { x, featureActs, reconstruction }] of Object.entries(expected)) {
  test(`${name}: what SAELens wrote computes here what it computes there`, async () => {
    const { sae } = await readSaeLens(join(FIXTURES, name));
    const found = await computed(sae, Float32Array.from(x));
    assertClose(found.featureActs, featureActs);
    assertClose(found.reconstruction, reconstruction);
  });
}

for (const [name, { apart, sha256 }] of Object.entries(record.folders)) {
  test(`${name}: what is written is, to the byte, what SAELens loaded with equal output`, async () => {
    assert.ok(Math.max(...Object.values(apart)) < TOLERANCE);
    await inFolder(async (folder) => {
      await writeSaeLens(folder, SAES[name] ?? assert.fail(name), { hook_name: 'model.layers.1.out' });
      const files = (await readdir(folder)).toSorted();
      const hashes = await Promise.all(files.map(async (file) => [file, await hashOf(join(folder, file))]));
      assert.deepEqual(Object.fromEntries(hashes), sha256);
    });
  });

  test(`${name}: what is written is read back to the same codes`, async () => {
    await inFolder(async (folder) => {
      const before = SAES[name] ?? assert.fail(name);
      await writeSaeLens(folder, before);
      const { sae, maps } = await readSaeLens(folder);
      const [found, was] = [await computed(sae, X), await computed(before, X)];
      assertClose(found.featureActs, was.featureActs);
      assertClose(found.reconstruction, was.reconstruction);
      const names = before.config.decoder.kind === 'slots' ? ['map2'] : [];
      assert.deepEqual([...maps.keys()], names);
      for (const map of names) assert.deepEqual(maps.get(map), before.weights.get(map));
    });
  });
}

test('a thresholding autoencoder is not written as what it is not', async () => {
  const sae = { dIn: D_IN, dSae: D_SAE, activation: { kind: 'topK', k: 3 } } as const;
  await using trainer = await createSaeTrainer({
    sae: { ...sae, encoder: { kind: 'thresholding', steps: 1 }, centre: 'none' },
    optimizer: ADAMW_DEFAULTS,
    batchRows: ROWS,
  });
  trainer.reset(new Map(), rngOf(0));
  await inFolder(async (folder) => {
    await assert.rejects(writeSaeLens(folder, trainer.sae()), /no thresholding encoder.*withoutThresholding/);
    await writeSaeLens(folder, withoutThresholding(trainer.sae()));
    const found = await computed((await readSaeLens(folder)).sae, X);
    assertClose(found.featureActs, (await computed(withoutThresholding(trainer.sae()), X)).featureActs);
  });
});

test('maps of an autoencoder that stood in a folder are gone when another one is written there', async () => {
  await inFolder(async (folder) => {
    const [name, restricted] =
      Object.entries(SAES).find(([, { config }]) => config.decoder.kind === 'slots') ?? assert.fail();
    const free = Object.values(SAES).find(({ config }) => config.decoder.kind === 'free') ?? assert.fail();
    await writeSaeLens(folder, restricted);
    assert.equal((await readSaeLens(folder)).maps.size, 1, name);
    await writeSaeLens(folder, free);
    assert.equal((await readSaeLens(folder)).maps.size, 0);
  });
});

test('what is not known of a folder is refused by name', async () => {
  const refusals: readonly (readonly [change: Readonly<Record<string, unknown>>, message: RegExp])[] = [
    [{ architecture: 'transcoder' }, /expected architecture to be one of standard, .*, found "?transcoder/],
    [{ architecture: 'matching_pursuit' }, /expected architecture to be one of/],
    [{ normalize_activations: 'layer_norm' }, /expected normalize_activations to be "none"/],
    [{ finetuning_scaling_factor: true }, /expected finetuning_scaling_factor to be false/],
    [{ surprise: 1 }, /unknown key surprise \(1\)/],
    [{ k: 0 }, /expected k to be a positive integer/],
    [{ d_in: 5 }, /expected W_enc of shape \[5, 8\], found \[4, 8\]/],
    [{ architecture: 'jumprelu', k: undefined }, /expected threshold of shape \[8\], found none/],
    [{ architecture: 'gated', k: undefined }, /found b_enc too/],
  ];
  for (const [change, message] of refusals) {
    await inFolder(async (folder) => {
      await cp(join(FIXTURES, 'topk'), folder, { recursive: true });
      const config: unknown = JSON.parse(await readFile(join(folder, 'cfg.json'), 'utf8'));
      assert.ok(typeof config === 'object');
      await writeFile(join(folder, 'cfg.json'), JSON.stringify({ ...config, ...change }));
      await assert.rejects(readSaeLens(folder), message);
    });
  }
});

async function computed(sae: Sae, x: Float32Array): Promise<{ featureActs: number[]; reconstruction: number[] }> {
  await using reader = await saeReader(sae, ROWS);
  const { featureActs, reconstruction } = await reader.read(x);
  return { featureActs: [...featureActs], reconstruction: [...reconstruction] };
}

function assertClose(found: readonly number[], wanted: readonly number[]): void {
  assert.equal(found.length, wanted.length);
  found.forEach((value, i) => assert.ok(Math.abs(value - (wanted[i] ?? Number.NaN)) < TOLERANCE, `${i}: ${value}`));
}

async function hashOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'assay-sae-lens-'));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
