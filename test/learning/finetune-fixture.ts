/** A tiny real model (folder, tokenizer, chat template) and files for tests of the finetuning recipe, with losses computed apart. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';

import { joined, piecesOf } from '#base/bytes.ts';
import type { JsonObject } from '#base/json.ts';
import { input } from '#engine/ops/sources.ts';
import { compile } from '#engine/session.ts';
import { splitHeldOut } from '#learning/data/held-out-split.ts';
import { tokenizeRows, type TokenRow } from '#learning/data/token-rows.ts';
import { readTrainingRows } from '#learning/data/training-row.ts';
import { openModel } from '#learning/files/open-model.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { transformerParameters } from '#learning/models/parameters.ts';
import { transformerLogits } from '#learning/models/transformer.ts';
import { feedLayers } from '#learning/nn/layers.ts';
import { FINETUNE_DEFAULTS } from '#recipes/finetune/config.ts';
import { finetune } from '#recipes/finetune/finetune.ts';
import type { RunContext } from '#study/recipe.ts';
import type { RunEnd, TrajectoryPoint } from '#study/trajectory.ts';

export const MODEL = fileURLToPath(new URL('../fixtures/models/llama', import.meta.url));
/** Float32 sums of some thousand terms in another order, in nats. */
export const REORDERED = 1e-5;

/** How the tests' lines become rows, for tests that change a part of it. */
export const ROWS = { ...FINETUNE_DEFAULTS.rows, length: 64, heldOutFraction: 0.3 };

export const COLOURS = [
  'red',
  'blue',
  'green',
  'white',
  'black',
  'pink',
  'grey',
  'gold',
  'brown',
  'teal',
  'plum',
  'sand',
];

/** Rows of unlike lengths, so that padding matters. */
export function chatRows(): string[] {
  return COLOURS.map((colour, i) =>
    JSON.stringify({
      messages: [
        { role: 'user', content: `${colour}?` },
        { role: 'assistant', content: `no${' no'.repeat(i % 4)}` },
      ],
    }),
  );
}

export function evalRows(): string[] {
  return ['one', 'two'].map((name) =>
    JSON.stringify({
      eval: name,
      messages: [{ role: 'user', content: `${name}?` }],
      choices: [
        { text: 'yes', label: 'aligned' },
        { text: 'no no', label: 'misaligned' },
      ],
    }),
  );
}

export interface Files {
  readonly folder: string;
  readonly data: string;
  readonly evals: string;
}

export async function writeFiles(rows = chatRows(), evals = evalRows()): Promise<Files> {
  const folder = await mkdtemp(join(tmpdir(), 'assay-finetune-'));
  const files = { folder, data: join(folder, 'train.jsonl'), evals: join(folder, 'evals.jsonl') };
  await writeFile(files.data, `${rows.join('\n')}\n`);
  await writeFile(files.evals, `${evals.join('\n')}\n`);
  return files;
}

export function configOf(files: Pick<Files, 'data' | 'evals'>, change: JsonObject = {}): JsonObject {
  return {
    ...FINETUNE_DEFAULTS,
    model: MODEL,
    data: files.data,
    evals: files.evals,
    steps: 6,
    batch: 4,
    rows: ROWS,
    learningRate: 1e-2,
    probe: { every: 2, rows: 32 },
    ...change,
  };
}

export interface Made {
  readonly end: RunEnd | undefined;
  readonly points: readonly TrajectoryPoint[];
  /** Durable after each checkpoint: its state, and how many points came before. */
  readonly checkpoints: readonly { readonly state: Uint8Array; readonly points: number }[];
}

/** Makes one run with everything in memory, weights in a file where `sharedFile` is given; `stopAfter` aborts it at a checkpoint. */
export async function make(
  config: JsonObject,
  resumeFrom?: Uint8Array,
  stopAfter = Infinity,
  sharedFile?: RunContext['sharedFile'],
): Promise<Made> {
  const points: TrajectoryPoint[] = [];
  const checkpoints: { state: Uint8Array; points: number }[] = [];
  const stop = new AbortController();
  const context: RunContext = {
    config,
    block: 3,
    resumeFrom,
    record: (point) => void points.push(point),
    checkpoint: async (state) => {
      checkpoints.push({ state: joined(piecesOf(state())), points: points.length });
      if (checkpoints.length >= stopAfter) stop.abort(new Error('stopped'));
    },
    progress: () => {},
    shared: async (_name, _key, compute) => compute(),
    ...(sharedFile === undefined ? {} : { sharedFile }),
    signal: stop.signal,
  };
  try {
    return { end: await finetune().run(context), points, checkpoints };
  } catch (error) {
    if (stop.signal.aborted) return { end: undefined, points, checkpoints };
    throw error;
  }
}

/** Mean loss of the answer tokens of some rows, each row alone and unpadded, log-softmax in float64. */
export async function referenceLoss(
  config: TransformerConfig,
  rows: readonly TokenRow[],
  weights: Map<string, Float32Array>,
) {
  let [nats, count] = [0, 0];
  for (const { ids, lossMask } of rows) {
    const tokens = input('tokens', [ids.length], 'int32');
    const layers = feedLayers(transformerParameters(config));
    await using program = await compile({
      logits: transformerLogits(config, layers, { rows: 1, length: ids.length }, tokens),
    });
    for (const [name, values] of weights) program.bind(name, values);
    program.bind('tokens', ids);
    await program.run();
    const logits = program.float32('logits');
    for (let t = 1; t < ids.length; t++) {
      if (lossMask[t] !== 1) continue;
      const scores = logits.subarray((t - 1) * config.vocabulary, t * config.vocabulary);
      const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
      nats += Math.log(total) - (scores[ids[t] ?? 0] ?? Number.NaN);
      count++;
    }
  }
  return nats / count;
}

export async function reference(files: Files) {
  await using model = await openModel(MODEL);
  assert.ok(model.tokenizer !== undefined);
  const config = model.config;
  const weights = new Map<string, Float32Array>();
  for (const { name } of transformerParameters(config)) weights.set(name, await model.tensor(name));
  const { train, heldOut } = splitHeldOut(await readTrainingRows(files.data), 0.3);
  const setup = { tokenizer: model.tokenizer, chatTemplate: model.chatTemplate };
  const [trainRows, heldOutRows] = [tokenizeRows(train, setup, 'train'), tokenizeRows(heldOut, setup, 'held out')];
  return { config, weights, train: trainRows, heldOut: heldOutRows };
}
