/**
 * Speed of generation against transformers' `generate` at its best, interleaved: npm run bench -- generate [--rounds N] [--seconds S]
 * [--threads N] [--model FOLDER]. Each measurement is a process of its own (bench/generate-run.ts,
 * bench/peers/generate.py). Without
 * transformers (`python3 -c 'import transformers'`, or PYTHON=...) ours alone.
 */
import { parseArgs } from 'node:util';

import { compare, type Comparison, type Costs, measureRounds, median, peerWays, sentence } from './side-by-side.ts';

type Part = 'prefill' | 'decode';
type Measured = Readonly<Record<Part, Omit<Costs, 'peakAnonymousMiB'>>> & Pick<Costs, 'peakAnonymousMiB'>;

const CASES = [
  { rows: 1, prompt: 256, new: 32 },
  { rows: 8, prompt: 64, new: 32 },
] as const;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '8' },
    threads: { type: 'string', default: '2' },
    model: { type: 'string', default: '' },
  },
});
/** Not compiled: the cache grows with every token, and torch.compile had not begun to measure after eight minutes on two cores. */
const ways = peerWays('transformers, torch', { eager: [] });

const rows = CASES.map((one) => {
  const settings = Object.entries({ ...one, seconds: values.seconds, threads: values.threads, model: values.model });
  const args = settings.filter(([, value]) => value !== '').flatMap(([name, value]) => [`--${name}`, String(value)]);
  const rounds = measureRounds<Measured>(Number(values.rounds), ['generate-run.ts', ...args], ways, [
    'peers/generate.py',
    ...args,
  ]);
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
    peakAnonymousMiB: median(rounds.map(({ mine }) => mine.peakAnonymousMiB)),
    prefillRatios: ratios('prefill'),
    decodeRatios: ratios('decode'),
    rounds: rounds.length,
  };
  console.log(
    `${one.rows} x ${one.prompt} tokens, ${row.peakAnonymousMiB} MiB: prefill ${row.prefillTokensPerSecond} tokens/s, ` +
      `${sentence('transformers', row.prefillRatios, '1.3x')};\n  decode ${row.decodeTokensPerSecond} tokens/s, ` +
      sentence('transformers', row.decodeRatios, '1.2x'),
  );
  return row;
});
console.log(
  JSON.stringify({ bench: 'generate', peer: ways.length > 0, model: values.model || 'SmolLM2-135M shapes', rows }),
);
