/**
 * Speed of generation against transformers' `generate` at its best, by slices in turn: npm run bench -- generate [--rounds N]
 * [--threads N] [--model FOLDER] (bench/generate-run.ts, bench/peers/generate.py). Without transformers
 * (`python3 -c 'import transformers'`, or PYTHON=...) ours alone.
 */
import { parseArgs } from 'node:util';

import { compare, type Comparison, type Costs, median, peerWays, sentence } from './side-by-side.ts';
import { measureSlices } from './slices.ts';

type Part = 'prefill' | 'decode';
type Measured = Readonly<Record<Part, Omit<Costs, 'peakAnonymousMiB'>>> & Pick<Costs, 'peakAnonymousMiB'>;

const CASES = [
  { rows: 1, prompt: 256, new: 16 },
  { rows: 8, prompt: 64, new: 16 },
] as const;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '2' },
    model: { type: 'string', default: '' },
  },
});
/** Not compiled: the cache grows with every token, and torch.compile had not begun to measure after eight minutes on two cores. */
const ways = peerWays('transformers, torch', { eager: [] });

const rows = [];
for (const one of CASES) {
  const settings = Object.entries({ ...one, threads: values.threads, model: values.model });
  const args = settings.filter(([, value]) => value !== '').flatMap(([name, value]) => [`--${name}`, String(value)]);
  const peer = ['peers/generate.py', ...args] as const;
  const rounds = await measureSlices<Measured>(Number(values.rounds), ['generate-run.ts', ...args], ways, peer);
  const ratios = (part: Part): Comparison => {
    const costs = (measured: Measured): Costs => ({ ...measured[part], peakAnonymousMiB: measured.peakAnonymousMiB });
    return compare(
      rounds.map(({ mine, peers }) => ({
        mine: costs(mine),
        peers: new Map(Array.from(peers, ([name, measured]) => [name, costs(measured)])),
      })),
    );
  };
  const speed = (part: Part, tokens: number): number =>
    Number((tokens / median(rounds.map(({ mine }) => mine[part].secondsPerStep))).toPrecision(4));
  const row = {
    ...one,
    threads: Number(values.threads),
    prefillTokensPerSecond: speed('prefill', one.rows * one.prompt),
    decodeTokensPerSecond: speed('decode', one.rows),
    peakAnonymousMiB: Math.max(...rounds.map(({ mine }) => mine.peakAnonymousMiB)),
    prefillRatios: ratios('prefill'),
    decodeRatios: ratios('decode'),
    rounds: rounds.length,
  };
  console.log(
    `${one.rows} x ${one.prompt} tokens, ${row.peakAnonymousMiB} MiB: prefill ${row.prefillTokensPerSecond} tokens/s, ` +
      `${sentence('transformers', row.prefillRatios, '1.3x')};\n  decode ${row.decodeTokensPerSecond} tokens/s, ` +
      sentence('transformers', row.decodeRatios, '1.2x'),
  );
  rows.push(row);
}
console.log(
  JSON.stringify({ bench: 'generate', peer: ways.length > 0, model: values.model || 'SmolLM2-135M shapes', rows }),
);
