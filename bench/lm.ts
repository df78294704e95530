/**
 * Training speed and memory against PyTorch at its best, interleaved: npm run bench -- lm [--rounds N] [--seconds S] [--model NAME ...]
 * Each measurement is a process of its own (bench/lm-step.ts, bench/peers/speed.py). Finetuning of the persona base computes what rows
 * share once, and so may the peer, in two ways of its own; both ask the same questions, and their first steps have to agree.
 * Without torch (`python3 -c 'import torch'`, or PYTHON=...) ours alone.
 */
import { parseArgs } from 'node:util';

import type { FirstSteps } from './persona-step.ts';
import { compare, type Costs, measureRounds, median, peerWays, type Round, sentence } from './side-by-side.ts';

interface Case {
  readonly model: string;
  readonly threads: number;
  /** Tokens a step. */
  readonly tokens: number;
  readonly aim: string;
  /** How the peer is asked, where it has more ways than eager and compiled. */
  readonly ways?: 'sharing' | 'ending';
}

const CASES: readonly Case[] = [
  { model: 'gpt256', threads: 2, tokens: 16 * 128, aim: '1.15x' },
  { model: 'smollm-lora', threads: 2, tokens: 2 * 256, aim: '1.2x' },
  { model: 'persona-pretrain', threads: 2, tokens: 64 * 24, aim: '1.2x', ways: 'ending' },
  { model: 'persona-finetune', threads: 1, tokens: 16 * 4, aim: '1.8x', ways: 'sharing' },
  { model: 'persona-lora', threads: 1, tokens: 16 * 4, aim: '2.7x', ways: 'sharing' },
  { model: 'persona-muon', threads: 1, tokens: 16 * 4, aim: '1.5x', ways: 'sharing' },
];

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '8' },
    model: { type: 'string', multiple: true },
  },
});
const PACKAGES = 'torch, safetensors';
const peers = {
  plain: peerWays(PACKAGES),
  /** With and without what rows share. */
  sharing: peerWays(PACKAGES, {
    'rows, eager': [],
    'rows, compiled': ['--compile'],
    'prefix once, compiled': ['--compile', '--shared', 'prefix'],
    'trees, eager': ['--shared', 'trees'],
    'trees, compiled': ['--compile', '--shared', 'trees'],
  }),
  /** With and without the last block for answers alone. */
  ending: peerWays(PACKAGES, {
    eager: [],
    compiled: ['--compile'],
    'last block at answers, eager': ['--ends'],
    'last block at answers, compiled': ['--compile', '--ends'],
  }),
};
/** Between two ways of the same step in float32, of the number itself. */
const AGREEMENT = 1e-5;

const rows = [];
for (const one of CASES.filter(({ model }) => values.model === undefined || values.model.includes(model))) {
  const settings = ['--threads', String(one.threads), '--seconds', values.seconds];
  const rounds = measureRounds<Costs & Partial<FirstSteps>>(
    Number(values.rounds),
    ['lm-step.ts', one.model, ...settings],
    peers[one.ways ?? 'plain'],
    ['peers/speed.py', '--model', one.model, ...settings],
  );
  rounds.forEach(expectAgreement);
  const ours = median(rounds.map(({ mine }) => mine.secondsPerStep));
  const row = {
    model: one.model,
    threads: one.threads,
    tokensPerSecond: Math.round(one.tokens / ours),
    millisecondsPerStep: Number((1000 * ours).toPrecision(3)),
    peakAnonymousMiB: median(rounds.map(({ mine }) => mine.peakAnonymousMiB)),
    ratios: compare(rounds),
    /** Ratios of processor time to each way of the peer. */
    byWay: byWay(rounds),
    rounds: rounds.length,
  };
  rows.push(row);
  console.log(
    `${row.model} (${row.threads} threads): ${row.tokensPerSecond} tokens/s, ${row.millisecondsPerStep} ms/step, ${row.peakAnonymousMiB} MiB; ` +
      sentence('PyTorch', row.ratios, one.aim),
  );
}
console.log(JSON.stringify({ bench: 'lm', torch: peers.plain.length > 0, rows }));

function byWay(rounds: readonly Round<Costs>[]): Record<string, number> {
  const names = [...new Set(rounds.flatMap(({ peers: own }) => [...own.keys()]))];
  const ratio = (name: string): number =>
    median(
      rounds.flatMap(({ mine, peers: own }) => {
        const found = own.get(name);
        return found === undefined ? [] : [found.processorSecondsPerStep / mine.processorSecondsPerStep];
      }),
    );
  return Object.fromEntries(names.map((name) => [name, Number(ratio(name).toFixed(2))]));
}

/** @throws Error where a peer's first steps are not ours. */
function expectAgreement({ mine, peers: own }: Round<Partial<FirstSteps>>): void {
  for (const [way, peer] of own) {
    for (const what of ['losses', 'gradientNorms'] as const) {
      for (const [step, found] of (peer[what] ?? []).entries()) {
        const expected = mine[what]?.[step] ?? Number.NaN;
        if (Math.abs(found - expected) <= AGREEMENT * Math.abs(expected)) continue;
        throw new Error(`${way}: ${what} of step ${step}: expected ${expected}, found ${found}`);
      }
    }
  }
}
