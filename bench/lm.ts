/**
 * Training speed and memory against PyTorch, interleaved: npm run bench -- lm [--rounds N] [--seconds S]
 * Each measurement is a process of its own (bench/lm-step.ts, bench/peers/speed.py); a ratio is peer over ours within a
 * round, so that drift of the machine cancels. Without torch (`python3 -c 'import torch'`, or PYTHON=...) ours alone.
 */
import { parseArgs } from 'node:util';

import { hasPackages, measure, median, PYTHON, summary, text } from './side-by-side.ts';

interface Case {
  readonly model: string;
  readonly threads: number;
  /** Tokens a step. */
  readonly tokens: number;
  readonly aim: string;
}

interface Measured {
  readonly secondsPerStep: number;
  readonly peakRssMiB: number;
}

const CASES: readonly Case[] = [
  { model: 'gpt256', threads: 2, tokens: 16 * 128, aim: '1.2x' },
  { model: 'smollm-lora', threads: 2, tokens: 2 * 256, aim: '1.5x' },
  { model: 'persona-pretrain', threads: 2, tokens: 64 * 24, aim: '1.5x' },
  { model: 'persona-finetune', threads: 1, tokens: 16 * 4, aim: '1.5x' },
  { model: 'persona-lora', threads: 1, tokens: 16 * 4, aim: '1.5x' },
  { model: 'persona-muon', threads: 1, tokens: 16 * 4, aim: '-' },
];

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '8' },
    model: { type: 'string', multiple: true },
  },
});
const hasTorch = hasPackages('torch');
if (!hasTorch) console.log(`${PYTHON} has no torch: measuring Assay alone.`);

const rows = [];
for (const one of CASES.filter(({ model }) => values.model === undefined || values.model.includes(model))) {
  const rounds = Array.from({ length: Number(values.rounds) }, () => round(one));
  const ours = median(rounds.map(({ mine }) => mine.secondsPerStep));
  const ratios = rounds.flatMap(({ mine, peer }) =>
    peer === undefined ? [] : [peer.secondsPerStep / mine.secondsPerStep],
  );
  const memory = rounds.flatMap(({ mine, peer }) => (peer === undefined ? [] : [mine.peakRssMiB / peer.peakRssMiB]));
  const row = {
    model: one.model,
    threads: one.threads,
    tokensPerSecond: Math.round(one.tokens / ours),
    millisecondsPerStep: Number((1000 * ours).toPrecision(3)),
    peakRssMiB: median(rounds.map(({ mine }) => mine.peakRssMiB)),
    speedRatio: summary(ratios),
    memoryRatio: summary(memory),
    rounds: rounds.length,
  };
  rows.push(row);
  console.log(
    `${row.model} (${row.threads} threads): ${row.tokensPerSecond} tokens/s, ${row.millisecondsPerStep} ms/step, ${row.peakRssMiB} MiB; ` +
      `PyTorch takes ${text(row.speedRatio)} times as long (aim ${one.aim}), Assay needs ${text(row.memoryRatio)} of its memory (aim 0.6)`,
  );
}
console.log(JSON.stringify({ bench: 'lm', torch: hasTorch, rows }));

function round({ model, threads }: Case): { mine: Measured; peer: Measured | undefined } {
  const settings = ['--threads', String(threads), '--seconds', values.seconds];
  const mine = measure(process.execPath, [`${import.meta.dirname}/lm-step.ts`, model, ...settings]) as Measured;
  const peer = hasTorch
    ? (measure(PYTHON, [`${import.meta.dirname}/peers/speed.py`, '--model', model, ...settings]) as Measured)
    : undefined;
  return { mine, peer };
}
