/**
 * Prefill and decode speed of one generation; one JSON line on stdout.
 *   node bench/generate-run.ts --rows N --prompt T [--new N] [--threads N] [--seconds S] [--model FOLDER]
 * SmolLM2-135M's shapes with random weights, or a model's folder or GGUF file. Each measurement generates the same prompts
 * twice, once 1 token long and once `new`: the first is the prefill, the difference the decoding of the others.
 */
import { parseArgs } from 'node:util';

import { rngOf } from '#base/rng.ts';
import { openModel } from '#learning/files/open-model.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { initialWeights, transformerParameters } from '#learning/models/parameters.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import type { Memory } from '#learning/weights.ts';
import { createTrainer } from '#learning/train.ts';

import { SMOLLM2_135M } from './real-shapes.ts';

const LEAST_ROUNDS = 3;

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1' },
    prompt: { type: 'string', default: '256' },
    new: { type: 'string', default: '64' },
    threads: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '20' },
    model: { type: 'string', default: '' },
  },
});
const [rows, promptLength, newTokens] = [Number(values.rows), Number(values.prompt), Number(values.new)];

const { config, weights } = await subject();
await using trainer = await createTrainer({
  model: config,
  // The frozen base is fed as it lies in memory, as under any LoRA run; an adapter of rank 1 on one module costs nothing.
  method: { kind: 'lora', rank: 1, alpha: 1, scaling: 'alphaOverRank', modules: ['q_proj'], layers: [0] },
  optimizer: ADAMW_DEFAULTS,
  batch: { rows: 1, length: 4 },
  threads: Number(values.threads),
});
trainer.reset(weights, rngOf(0));
const generator = trainer.generator({ rows, contextLength: 2048 });
const rng = rngOf(0, 'prompts');
const prompts = Array.from({ length: rows }, (_, i) => ({
  name: `${i}`,
  tokens: Int32Array.from({ length: promptLength }, () => rng.below(config.vocabulary)),
}));

async function seconds(maxTokens: number): Promise<number> {
  const started = performance.now();
  await generator.generate(prompts, {
    maxTokens,
    temperature: 0,
    topP: 1,
    samples: 1,
    stopTokens: new Set(),
    rng: rngOf(0),
  });
  return (performance.now() - started) / 1000;
}

await seconds(1);
await seconds(newTokens);
const [prefill, decode]: [number[], number[]] = [[], []];
const until = performance.now() + 1000 * Number(values.seconds);
while (prefill.length < LEAST_ROUNDS || performance.now() < until) {
  const short = await seconds(1);
  prefill.push((rows * promptLength) / short);
  decode.push((rows * (newTokens - 1)) / ((await seconds(newTokens)) - short));
}
console.log(
  JSON.stringify({
    rounds: prefill.length,
    prefillTokensPerSecond: median(prefill),
    decodeTokensPerSecond: median(decode),
    peakRssMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  }),
);

async function subject(): Promise<{ readonly config: TransformerConfig; readonly weights: Memory }> {
  if (values.model === '') return { config: SMOLLM2_135M, weights: initialWeights(SMOLLM2_135M, rngOf(0)) };
  await using files = await openModel(values.model);
  const read = new Map<string, Float32Array>();
  const found = files.config;
  for (const { name } of transformerParameters(found)) read.set(name, await files.tensor(name));
  return { config: found, weights: read };
}

function median(list: readonly number[]): number {
  return Number((list.toSorted((a, b) => a - b)[Math.floor((list.length - 1) / 2)] ?? Number.NaN).toPrecision(4));
}
