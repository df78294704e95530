/**
 * What a training step of a top-k autoencoder costs at d = 576 (bench/step-costs.ts); one JSON line on stdout.
 *   node bench/sae-step.ts --times 8 [--rows 4096] [--threads 2] [--seconds 20]
 * The step is that of bench/peers/sae.py: forward, which features fired, backward, clipping, Adam; features of any length.
 */
import { parseArgs } from 'node:util';

import { rngOf } from '#base/rng.ts';
import { takeStep } from '#learning/divergence.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import { createSaeTrainer } from '#learning/sae/sae-trainer.ts';

import { anonymousMiB, stepCosts } from './step-costs.ts';

const [D_IN, K, LR, BATCHES, FEATURES] = [576, 32, 3e-4, 4, 2048];

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '8' },
    rows: { type: 'string', default: '4096' },
    threads: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '20' },
  },
});
const [times, batchRows, threads] = [Number(values.times), Number(values.rows), Number(values.threads)];
const importAnonymousMiB = anonymousMiB();
const rng = rngOf(0, 'rows');
const directions = Float32Array.from({ length: FEATURES * D_IN }, () => rng.normal() / Math.sqrt(D_IN));
const batches = Array.from({ length: BATCHES }, sums);

await using trainer = await createSaeTrainer({
  sae: {
    dIn: D_IN,
    dSae: times * D_IN,
    activation: { kind: 'topK', k: K },
    decoderNorm: 'free',
    deadFeatures: { kind: 'auxiliary', afterRows: 10_000_000, k: D_IN / 2, weight: 1 },
  },
  optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 },
  batchRows,
  threads,
});
trainer.reset(new Map(), rngOf(0, 'start'));

const losses: number[] = [];
const costs = await stepCosts(step, { seconds: Number(values.seconds), least: 3 });
console.log(JSON.stringify({ ...costs, importAnonymousMiB, losses: [losses[0], losses.at(-1)] }));

async function step(): Promise<void> {
  const broken = await takeStep(trainer, [batches[losses.length % BATCHES] ?? new Float32Array()], LR, 1);
  if (broken !== undefined) throw new Error(broken);
  losses.push(trainer.terms()['mse'] ?? Number.NaN);
}

/** Sums of 32 of 2048 directions. */
function sums(): Float32Array {
  const rows = new Float32Array(batchRows * D_IN);
  for (let row = 0; row < batchRows; row++) {
    for (let active = 0; active < K; active++) {
      const [feature, size] = [rng.below(FEATURES), 0.5 + rng.uniform()];
      for (let i = 0; i < D_IN; i++) {
        rows[row * D_IN + i] = (rows[row * D_IN + i] ?? 0) + size * (directions[feature * D_IN + i] ?? 0);
      }
    }
  }
  return rows;
}
