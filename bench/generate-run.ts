/**
 * Seconds of a prefill and of decoding one token more, by slices (`slices.ts`).
 *   echo | node bench/generate-run.ts --rows N --prompt T [--new N] [--threads N] [--model FOLDER]
 * SmolLM2-135M's shapes with random weights, or a model's folder or GGUF file. Each slice generates the same prompts
 * twice, once 1 token long and once `new`: the first is the prefill, the difference the decoding of the others.
 */
import { parseArgs } from 'node:util';

import { rngOf } from '#base/rng.ts';
import { openModel } from '#learning/files/open-model.ts';
import { applyMethod } from '#learning/method.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { initialWeights, transformerParameters } from '#learning/models/parameters.ts';
import { readersOf } from '#learning/readers.ts';
import type { Memory } from '#learning/weights.ts';

import { SMOLLM2_135M } from './real-shapes.ts';
import { answerSlices } from './slices.ts';
import { peakAnonymousMiB, processorSeconds } from './step-costs.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1' },
    prompt: { type: 'string', default: '256' },
    new: { type: 'string', default: '16' },
    threads: { type: 'string', default: '2' },
    model: { type: 'string', default: '' },
  },
});
const [rows, promptLength, newTokens] = [Number(values.rows), Number(values.prompt), Number(values.new)];

const { config, weights } = await subject();
// As `scoring/said/local-model.ts` reads a model: weights are fed as they lie in memory, and nothing is trained.
const model = applyMethod({ kind: 'full' }, config);
const readers = readersOf({ config, model, frozen: undefined, threads: Number(values.threads) }, (program) => {
  for (const [name, memory] of weights) program.bindIfKnown(name, memory);
  return program;
});
const generator = readers.generator({ rows, contextLength: 2048 });
const rng = rngOf(0, 'prompts');
const prompts = Array.from({ length: rows }, (_, i) => ({
  name: `${i}`,
  tokens: Int32Array.from({ length: promptLength }, () => rng.below(config.vocabulary)),
}));

type Pair = readonly [seconds: number, processor: number];

/** Seconds and processor time of one generation. */
async function taken(maxTokens: number): Promise<Pair> {
  const [started, used] = [performance.now(), processorSeconds()];
  await generator.generate(prompts, {
    maxTokens,
    temperature: 0,
    topP: 1,
    samples: 1,
    stopTokens: new Set(),
    rng: rngOf(0),
  });
  return [(performance.now() - started) / 1000, processorSeconds() - used];
}

await taken(1);
await taken(newTokens);
await answerSlices(async () => {
  const [short, long] = [await taken(1), await taken(newTokens)];
  const perToken = (of: 0 | 1): number => (long[of] - short[of]) / (newTokens - 1);
  return {
    prefill: { secondsPerStep: short[0], processorSecondsPerStep: short[1] },
    decode: { secondsPerStep: perToken(0), processorSecondsPerStep: perToken(1) },
    peakAnonymousMiB: peakAnonymousMiB(),
  };
});

async function subject(): Promise<{ readonly config: TransformerConfig; readonly weights: Memory }> {
  if (values.model === '') return { config: SMOLLM2_135M, weights: initialWeights(SMOLLM2_135M, rngOf(0)) };
  await using files = await openModel(values.model);
  const read = new Map<string, Float32Array>();
  const found = files.config;
  for (const { name } of transformerParameters(found)) read.set(name, await files.tensor(name));
  return { config: found, weights: read };
}
