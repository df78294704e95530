/**
 * Training a top-k autoencoder (d = 576, k = 32) against SAELens on PyTorch, interleaved:
 *   npm run bench -- sae [--rounds N] [--seconds S] [--rows 4096] [--times 8 --times 32] [--variants eager,sparse,compile]
 * Each measurement is a process of its own (bench/sae-step.ts, bench/peers/sae.py): one whole step over the same number of rows,
 * features of any length, which fired, clipping and Adam included. Against SAELens at its best, the fastest of its variants. Without sae_lens (PYTHON=...) ours alone.
 * Memory is told twice: the processes' peaks, and what each holds beyond having loaded its libraries.
 */
import { parseArgs } from 'node:util';

import { compare, type Costs, measureRounds, median, peerWays, sentence, summary, text } from './side-by-side.ts';

interface Measured extends Costs {
  /** When libraries were loaded and nothing was made. */
  readonly importAnonymousMiB: number;
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '10' },
    rows: { type: 'string', default: '4096' },
    times: { type: 'string', multiple: true, default: ['8', '32'] },
    variants: { type: 'string', default: 'eager,sparse,compile' },
  },
});
const ways = peerWays(
  'sae_lens',
  Object.fromEntries(values.variants.split(',').map((variant) => [variant, ['--variant', variant]])),
);

const rows = [];
for (const times of values.times) {
  const settings = ['--times', times, '--rows', values.rows, '--seconds', values.seconds];
  const rounds = measureRounds<Measured>(Number(values.rounds), ['sae-step.ts', ...settings], ways, [
    'peers/sae.py',
    ...settings,
  ]);
  const beyond = rounds.flatMap(({ mine, peers }) =>
    peers.size === 0 ? [] : [made(mine) / Math.min(...Array.from(peers.values(), made))],
  );
  const row = {
    dSae: Number(times) * 576,
    tokensPerSecond: Math.round(Number(values.rows) / median(rounds.map(({ mine }) => mine.secondsPerStep))),
    peakAnonymousMiB: median(rounds.map(({ mine }) => mine.peakAnonymousMiB)),
    ratios: compare(rounds),
    memoryMadeRatio: summary(beyond),
  };
  rows.push({ ...row, rounds: rounds.map(({ mine, peers }) => ({ mine, peers: Object.fromEntries(peers) })) });
  console.log(
    `dSae ${row.dSae}: ${row.tokensPerSecond} tokens/s, ${row.peakAnonymousMiB} MiB; ` +
      `${sentence('SAELens', row.ratios, '1.5x')}, ${text(row.memoryMadeRatio)} beyond libraries`,
  );
}
console.log(JSON.stringify({ bench: 'sae', batchRows: Number(values.rows), ways: ways.map(({ name }) => name), rows }));

function made({ peakAnonymousMiB, importAnonymousMiB }: Measured): number {
  return peakAnonymousMiB - importAnonymousMiB;
}
