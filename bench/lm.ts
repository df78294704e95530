/**
 * Training speed and memory against PyTorch at its best, interleaved: npm run bench -- lm [--rounds N] [--seconds S] [--model NAME ...]
 * Each measurement is a process of its own (bench/lm-step.ts, bench/peers/speed.py).
 * Without torch (`python3 -c 'import torch'`, or PYTHON=...) ours alone.
 */
import { parseArgs } from 'node:util';

import { compare, type Costs, measureRounds, median, peerWays, sentence } from './side-by-side.ts';

interface Case {
  readonly model: string;
  readonly threads: number;
  /** Tokens a step. */
  readonly tokens: number;
  readonly aim: string;
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
const ways = peerWays('torch, safetensors');

const rows = [];
for (const one of CASES.filter(({ model }) => values.model === undefined || values.model.includes(model))) {
  const settings = ['--threads', String(one.threads), '--seconds', values.seconds];
  const rounds = measureRounds<Costs>(Number(values.rounds), ['lm-step.ts', one.model, ...settings], ways, [
    'peers/speed.py',
    '--model',
    one.model,
    ...settings,
  ]);
  const ours = median(rounds.map(({ mine }) => mine.secondsPerStep));
  const row = {
    model: one.model,
    threads: one.threads,
    tokensPerSecond: Math.round(one.tokens / ours),
    millisecondsPerStep: Number((1000 * ours).toPrecision(3)),
    peakAnonymousMiB: median(rounds.map(({ mine }) => mine.peakAnonymousMiB)),
    ratios: compare(rounds),
    rounds: rounds.length,
  };
  rows.push(row);
  console.log(
    `${row.model} (${row.threads} threads): ${row.tokensPerSecond} tokens/s, ${row.millisecondsPerStep} ms/step, ${row.peakAnonymousMiB} MiB; ` +
      sentence('PyTorch', row.ratios, one.aim),
  );
}
console.log(JSON.stringify({ bench: 'lm', torch: ways.length > 0, rows }));
