/**
 * Real models against transformers and PEFT at their best: npm run bench -- real [--model PATH | --shape NAME] [--check] ...
 * Loading, a LoRA step (rank 8, every linear) and a full step: seconds and memory, each in a process of its own,
 * ours and the peer's in turn. Without --model, weights are random in a real model's shapes. --only load, lora-64, lora-256, full-64,
 * or on rows of a chat as `finetune` lays them out lora-chat, full-chat. --check instead compares logits and perplexity on the same
 * weights, and fails where they differ. Python with torch, transformers and peft: PYTHON=..., else python3.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { openModel } from '#learning/files/open-model.ts';

import { CHAT } from './real-shapes.ts';
import { compare, type Costs, measure, measurePeers, median, peerWays, type Round, sentence } from './side-by-side.ts';

/** Of the largest logit: float32 through some thirty layers, sums in another order. */
const LOGIT_TOLERANCE = 1e-4;
/** Nats per token. */
const LOSS_TOLERANCE = 1e-5;
const TEXT =
  'The rain had stopped before dawn, and by the time the market opened the stones were dry. She counted 17 crates of ' +
  'apples, wrote the number down, and asked what the rest would cost. "Four dollars a crate," he said, "if you take ' +
  'them all today." def total(n): return 4 * n';

interface Case {
  /** What --only calls it. */
  readonly id: string;
  readonly name: string;
  readonly task: 'lora' | 'full';
  readonly rows: number;
  readonly length: number;
  readonly aim: string;
  /** Whether rows are those of a chat, in place of `rows` and `length`; the peer pads them, or shares their beginning too. */
  readonly isChat?: boolean;
}

const CHAT_TOKENS = CHAT.lengths.reduce((sum, length) => sum + length, 0);

const CASES: readonly Case[] = [
  { id: 'lora-64', name: 'LoRA r=8, B=8 T=64', task: 'lora', rows: 8, length: 64, aim: '1.5x' },
  { id: 'lora-256', name: 'LoRA r=8, B=2 T=256', task: 'lora', rows: 2, length: 256, aim: '1.5x' },
  { id: 'full-64', name: 'full, B=8 T=64', task: 'full', rows: 8, length: 64, aim: '1.2x' },
  {
    id: 'lora-chat',
    name: 'LoRA r=8, chat rows',
    task: 'lora',
    rows: 1,
    length: CHAT_TOKENS,
    aim: '1.9x',
    isChat: true,
  },
  { id: 'full-chat', name: 'full, chat rows', task: 'full', rows: 1, length: CHAT_TOKENS, aim: '1.6x', isChat: true },
];

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    shape: { type: 'string', default: 'smollm2-135m' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '10' },
    threads: { type: 'string', default: '1' },
    only: { type: 'string', multiple: true },
    check: { type: 'boolean', default: false },
  },
});
const ways = peerWays('torch, transformers, peft');
const chatWays = peerWays('torch, transformers, peft', {
  'padded, eager': ['--chat', 'padded'],
  'padded, compiled': ['--chat', 'padded', '--compile'],
  'beginning once, eager': ['--chat', 'once'],
  'beginning once, compiled': ['--chat', 'once', '--compile'],
});
/** Reading a file and one forward pass: nothing to compile. */
const loadingWays = ways.slice(0, 1);
const folder = mkdtempSync(join(tmpdir(), 'assay-bench-'));
const file = join(folder, 'weights');
const which = values.model === undefined ? ['--shape', values.shape] : ['--model', values.model];

try {
  if (values.check) await check();
  else measureAll();
} finally {
  rmSync(folder, { recursive: true });
}

function measureAll(): void {
  const isWanted = (id: string): boolean => values.only === undefined || values.only.includes(id);
  if (isWanted('load')) {
    report(
      'load',
      rounds(() => ({ mine: ours('weights', []), peers: theirs(loadingWays, 'weights', []) })),
      '-',
    );
  } else ours('weights', []);
  for (const { id, name, task, rows, length, aim, isChat = false } of CASES) {
    if (!isWanted(id)) continue;
    const settings = ['--rows', String(rows), '--length', String(length), '--seconds', values.seconds];
    const chat = isChat ? ['--chat'] : [];
    report(
      name,
      rounds(() => ({
        mine: ours(task, [...settings, ...chat]),
        peers: theirs(isChat ? chatWays : ways, task, settings),
      })),
      aim,
      rows * length,
    );
  }
}

function rounds(one: () => Round<Costs>): readonly Round<Costs>[] {
  return Array.from({ length: Number(values.rounds) }, one);
}

function ours(task: string, settings: readonly string[]): Costs {
  const script = `${import.meta.dirname}/real-step.ts`;
  const given = [script, task, ...which, '--file', file, '--threads', values.threads, ...settings];
  return measure(process.execPath, given) as Costs;
}

function theirs(tried: typeof ways, task: string, settings: readonly string[]): ReadonlyMap<string, Costs> {
  const script = `${import.meta.dirname}/peers/real.py`;
  return measurePeers(tried, script, [task, ...which, '--threads', values.threads, ...settings]);
}

function report(name: string, measured: readonly Round<Costs>[], aim: string, tokens?: number): void {
  const seconds = median(measured.map(({ mine }) => mine.secondsPerStep));
  const speed = tokens === undefined ? `${seconds.toPrecision(3)} s` : `${(tokens / seconds).toFixed(0)} tokens/s`;
  const peak = median(measured.map(({ mine }) => mine.peakAnonymousMiB));
  console.log(`${name}: ${speed}, ${peak} MiB; ${sentence('the peer', compare(measured), aim)}`);
  console.log(
    JSON.stringify({
      bench: 'real',
      model: values.model ?? values.shape,
      threads: values.threads,
      name,
      rounds: measured.map(({ mine, peers }) => ({ mine, peers: Object.fromEntries(peers) })),
    }),
  );
}

async function check(): Promise<void> {
  if (values.model === undefined || ways.length === 0)
    throw new Error('--check needs --model PATH, and Python with transformers.');
  const tokens = join(folder, 'tokens.json');
  await using model = await openModel(values.model);
  const ids =
    model.tokenizer?.encode(TEXT, 'plain') ??
    Array.from({ length: 64 }, (_, i) => (i * 7919) % model.config.vocabulary);
  writeFileSync(tokens, JSON.stringify(ids));
  ours('weights', []);
  ours('logits', ['--tokens', tokens]);
  theirs(loadingWays, 'logits', ['--tokens', tokens]);
  const [found, expected] = ['logits', 'peer'].map((suffix) => floats(`${tokens}.${suffix}`));
  if (found === undefined || found.length !== expected?.length) throw new Error('the two have other numbers of logits');
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - (found[i] ?? Number.NaN))), 0);
  const [ourLoss, theirLoss] = [lossOf(found, ids), lossOf(expected, ids)];
  const difference = Math.abs(ourLoss - theirLoss);
  console.log(
    `${ids.length} tokens, ${found.length} logits: they differ by at most ${worst.toPrecision(2)} of ${largest.toPrecision(4)}`,
  );
  console.log(
    `perplexity ${Math.exp(ourLoss).toFixed(4)} and ${Math.exp(theirLoss).toFixed(4)}: ${difference.toPrecision(2)} nats a token apart`,
  );
  const isSame = worst <= LOGIT_TOLERANCE * largest && difference <= LOSS_TOLERANCE;
  console.log(JSON.stringify({ bench: 'real', check: isSame, tokens: ids.length, worst, largest, ourLoss, theirLoss }));
  if (!isSame) process.exitCode = 1;
}

function floats(path: string): Float32Array {
  return new Float32Array(Uint8Array.from(readFileSync(path)).buffer);
}

/** Mean -log p of each token after the first, in float64. */
function lossOf(logits: Float32Array, ids: readonly number[]): number {
  const vocabulary = logits.length / ids.length;
  const losses = ids.slice(1).map((id, t) => {
    const row = logits.subarray(t * vocabulary, (t + 1) * vocabulary);
    const largest = row.reduce((most, value) => Math.max(most, value), -Infinity);
    const total = row.reduce((sum, value) => sum + Math.exp(value - largest), 0);
    return largest + Math.log(total) - (row[id] ?? Number.NaN);
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}
