/**
 * One measurement on a real model, in a process of its own so that peaks do not mix; one JSON line on stdout.
 *   node bench/real-step.ts weights|lora|full|logits --file FILE [--shape NAME | --model PATH] [--rows B --length T]
 * weights: reads the model (or draws one of the shape) into FILE, as the first worker of a study does.
 * lora, full: what a training step on FILE costs, the frozen part of it mapped; one warm-up step. With --chat on chat rows
 * (bench/real-shapes.ts) as `finetune` lays them out, without it on full rows whose tokens are all learned.
 * logits: the logits of fixed tokens at every position, for bench/real.ts --check.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { rngOf } from '#base/rng.ts';
import { input } from '#engine/ops/sources.ts';
import { compile } from '#engine/session.ts';
import { sizeOf } from '#engine/tensor.ts';
import { openModel } from '#learning/files/open-model.ts';
import { fileWeights, frozenInputs, writeWeights } from '#learning/files/tensors/weights-file.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { transformerParameters } from '#learning/models/parameters.ts';
import { transformerLogits } from '#learning/models/transformer.ts';
import { feedLayers } from '#learning/nn/layers.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import { type Batch, createTrainer, type RowsBatch } from '#learning/train.ts';
import { type PlainRow, rowsBatch } from '#learning/data/prefixed-rows.ts';
import { rowsLayouts } from '#learning/data/rows-layouts.ts';

import { CHAT, learnedFrom, SHAPES } from './real-shapes.ts';
import type { Costs } from './side-by-side.ts';
import { peakAnonymousMiB, processorSeconds, stepCosts } from './step-costs.ts';

const LR = 1e-4;
const LORA = { kind: 'lora', rank: 8, alpha: 16, scaling: 'alphaOverRank', modules: 'all' } as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    file: { type: 'string', default: '' },
    shape: { type: 'string', default: 'smollm2-135m' },
    model: { type: 'string' },
    rows: { type: 'string', default: '8' },
    length: { type: 'string', default: '64' },
    threads: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '20' },
    tokens: { type: 'string', default: '' },
    chat: { type: 'boolean', default: false },
  },
});
const started = performance.now();
const [task] = positionals;
const config = await configOf();
const specs = transformerParameters(config);
if (task === 'weights') await weights();
else if (task === 'lora' || task === 'full') await steps(task);
else if (task === 'logits') await logits();
else throw new Error(`Expected weights, lora, full or logits, found "${task}".`);

async function configOf(): Promise<TransformerConfig> {
  if (values.model !== undefined) {
    await using files = await openModel(values.model);
    return files.config;
  }
  const shape = SHAPES[values.shape];
  if (shape === undefined) throw new Error(`Expected a shape of ${Object.keys(SHAPES).join(', ')}.`);
  return shape;
}

async function weights(): Promise<void> {
  if (values.model === undefined) await writeWeights(values.file, specs, async (name) => drawn(name));
  else {
    await using files = await openModel(values.model);
    await writeWeights(values.file, specs, (name) => files.tensor(name));
  }
  say(once());
}

/** Uniform numbers of a fixed size, which are quicker to draw than normal ones; norms are 1. */
function drawn(name: string): Float32Array {
  const spec = specs.find((one) => one.name === name);
  const drawnValues = new Float32Array(sizeOf(spec?.shape ?? []));
  if (spec?.role === 'vector') return drawnValues.fill(name.endsWith('.bias') ? 0 : 1);
  let state = 1;
  for (let i = 0; i < drawnValues.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    drawnValues[i] = (state / 2 ** 31) * 0.03;
  }
  return drawnValues;
}

async function steps(kind: 'lora' | 'full'): Promise<void> {
  const batch = values.chat ? chatBatch() : fullBatch();
  await using trainer = await createTrainer({
    model: config,
    method: kind === 'lora' ? LORA : { kind },
    optimizer: ADAMW_DEFAULTS,
    batch: 'layout' in batch ? batch.layout : { rows: Number(values.rows), length: Number(values.length) },
    threads: Number(values.threads),
    frozen: frozenInputs(values.file, specs),
  });
  trainer.reset(fileWeights(values.file, specs), rngOf(0, 'adapter'));
  const ready = (performance.now() - started) / 1000;
  const step = async (): Promise<void> => {
    await trainer.forwardBackward(batch);
    trainer.optimStep(LR);
  };
  say({ ...(await stepCosts(step, { seconds: Number(values.seconds), warmUp: 1, least: 3 })), ready });
}

/** Rows that are full, every token of which is learned. */
function fullBatch(): Batch {
  const rng = rngOf(0, 'tokens');
  const count = Number(values.rows) * Number(values.length);
  return {
    tokens: Int32Array.from({ length: count }, () => rng.below(config.vocabulary)),
    labels: Int32Array.from({ length: count }, () => rng.below(config.vocabulary)),
    weights: new Float32Array(count).fill(1 / count),
  };
}

function chatBatch(): RowsBatch {
  const rng = rngOf(0, 'tokens');
  const opening = Array.from({ length: CHAT.prefix }, () => rng.below(config.vocabulary));
  const rows = CHAT.lengths.map((length): PlainRow => {
    const own = Array.from({ length: length - CHAT.prefix }, () => rng.below(config.vocabulary));
    const lossMask = Uint8Array.from({ length }, (_, t) => Number(t >= learnedFrom(length)));
    return { ids: Int32Array.of(...opening, ...own), lossMask };
  });
  const { usual } = rowsLayouts(config, rows, rows.length);
  return rowsBatch(rows, usual, 1 / usual.labels);
}

async function logits(): Promise<void> {
  const row: number[] = JSON.parse(readFileSync(values.tokens, 'utf8'));
  const shape = { rows: 1, length: row.length };
  const tokens = input('tokens', [row.length], 'int32');
  const graph = { logits: transformerLogits(config, feedLayers(specs), shape, tokens) };
  await using program = await compile(graph, { frozen: frozenInputs(values.file, specs) });
  program.int32('tokens').set(row);
  await program.run();
  const found = program.float32('logits');
  writeFileSync(`${values.tokens}.logits`, new Uint8Array(found.buffer, found.byteOffset, found.byteLength));
  say(once());
}

/** What this process has done, as a step of its own. */
function once(): Costs {
  return {
    secondsPerStep: (performance.now() - started) / 1000,
    processorSecondsPerStep: processorSeconds(),
    peakAnonymousMiB: peakAnonymousMiB(),
  };
}

function say(costs: Costs & { readonly ready?: number }): void {
  console.log(JSON.stringify({ task, ...costs }));
}
