/** Every family's loss and gradients, and every kind of rope scaling, from files to numbers, against transformers. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import type { JsonObject } from '#base/json.ts';
import { rngOf } from '#base/rng.ts';
import { openModel } from '#learning/files/open-model.ts';
import { applyMethod, type Method } from '#learning/method.ts';
import { SGD_DEFAULTS } from '#learning/optim/sgd.ts';
import { createTrainer } from '#learning/train.ts';

import { assertLogits, lastLogits } from './last-logits.ts';

/** Of a gradient's norm: float32 through two layers against float64. */
const GRADIENT_TOLERANCE = 1e-4;
const LOSS_TOLERANCE = 1e-5;

interface Part {
  readonly loss: number;
  /** Norm and projections by parameter. */
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}

interface Reference {
  readonly tokens: readonly (readonly number[])[];
  readonly labels: readonly (readonly number[])[];
  readonly rank: number;
  readonly alpha: number;
  readonly phi: number;
  readonly families: Readonly<Record<string, { readonly full: Part; readonly lora: Part }>>;
  readonly ropes: Readonly<Record<string, { readonly parameters: JsonObject; readonly logits: readonly number[] }>>;
}

const REFERENCE = JSON.parse(
  readFileSync(new URL('../reference/model-gradients.json', import.meta.url), 'utf8'),
) as Reference;
const MODELS = fileURLToPath(new URL('../fixtures/models/', import.meta.url));
const LORA: Method = {
  kind: 'lora',
  rank: REFERENCE.rank,
  alpha: REFERENCE.alpha,
  scaling: 'alphaOverRank',
  modules: 'all',
};

for (const [family, { full, lora }] of Object.entries(REFERENCE.families)) {
  test(`${family}: loss and the gradient of every parameter are those of transformers`, async () => {
    await compareStep(join(MODELS, family), { kind: 'full' }, full);
  });

  test(`${family} with LoRA on every linear: loss and the adapter's gradients are those of transformers`, async () => {
    await compareStep(join(MODELS, family), LORA, lora);
  });
}

async function compareStep(path: string, method: Method, expected: Part): Promise<void> {
  await using files = await openModel(path);
  const { config } = files;
  const model = applyMethod(method, config);
  const weights = new Map<string, Float32Array>();
  for (const { name } of model.base) weights.set(name, await files.tensor(name));
  for (const { name, shape } of model.trained) {
    if (!weights.has(name)) weights.set(name, factor(name, (shape[0] ?? 0) * (shape[1] ?? 0)));
  }
  const [first = []] = REFERENCE.tokens;
  const labels = REFERENCE.labels.flat();
  const labelled = Int32Array.from(labels.flatMap((label, i) => (label < 0 ? [] : [i])));
  const batch = { rows: REFERENCE.tokens.length, length: first.length, labelled };
  await using trainer = await createTrainer({ model: config, method, optimizer: SGD_DEFAULTS, batch });
  trainer.reset(weights, rngOf(0));
  const loss = await trainer.forwardBackward({
    tokens: Int32Array.from(REFERENCE.tokens.flat()),
    labels: Int32Array.from(labels.filter((label) => label >= 0)),
    weights: new Float32Array(labelled.length).fill(1 / labelled.length),
  });
  assert.ok(Math.abs(loss - expected.loss) < LOSS_TOLERANCE, `${loss}, expected ${expected.loss}`);
  assert.equal(Object.keys(expected.gradients).length, model.trained.length);
  for (const { name } of model.trained) {
    const [norm = Number.NaN, ...sums] = expected.gradients[name] ?? [];
    const [ourNorm, ...ourSums] = projections(trainer.gradients.get(name) ?? new Float32Array(), sums.length);
    for (const [k, theirs] of [norm, ...sums].entries()) {
      const ours = [ourNorm, ...ourSums][k] ?? Number.NaN;
      assert.ok(Math.abs(ours - theirs) <= GRADIENT_TOLERANCE * norm, `${name}, ${k}: ${ours}, expected ${theirs}`);
    }
  }
}

/** A factor's values as in model-gradients.py. */
function factor(name: string, length: number): Float32Array {
  const isA = name.includes('lora_A');
  return Float32Array.from({ length }, (_, i) => 0.2 * (isA ? Math.sin(1.3 * (i + 1)) : Math.cos(0.7 * (i + 1))));
}

/** The norm, then sums over i of g_i cos((i + 1)(k + 1) phi). */
function projections(gradient: Float32Array, count: number): number[] {
  const sums = Array.from({ length: count }, (_, k) =>
    gradient.reduce((sum, g, i) => sum + g * Math.cos((i + 1) * (k + 1) * REFERENCE.phi), 0),
  );
  return [Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0)), ...sums];
}

for (const [kind, { parameters, logits: expected }] of Object.entries(REFERENCE.ropes)) {
  test(`rope scaling ${kind}, read from a folder's config, gives the logits of transformers`, async () => {
    const folder = join(await mkdtemp(join(tmpdir(), 'assay-rope-')), 'model');
    await cp(join(MODELS, 'llama'), folder, { recursive: true });
    const config: JsonObject = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
    await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, rope_parameters: parameters }));
    await using files = await openModel(folder);
    assertLogits(await lastLogits(files, REFERENCE.tokens[0] ?? []), expected);
  });
}
