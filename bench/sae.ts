/**
 * Training a top-k autoencoder (d = 576, k = 32) against SAELens on PyTorch, interleaved:
 *   npm run bench -- sae [--rounds N] [--seconds S] [--rows 4096] [--times 8 --times 32] [--variants eager,sparse,compile]
 * Each measurement is a process of its own (bench/sae-step.ts, bench/peers/sae.py): one whole step over the same number of rows,
 * features of any length, which fired, clipping and Adam included. Within a round the peer is the fastest of its variants, so the
 * ratio is against SAELens at its best. Without sae_lens (PYTHON=...) ours alone.
 * Memory is told twice: the processes' peaks, and what each holds beyond having loaded its libraries.
 */
import { parseArgs } from 'node:util';

import { hasPackages, measure, median, PYTHON, summary, text } from './side-by-side.ts';

interface Measured {
  readonly secondsPerStep: number;
  readonly peakRssMiB: number;
  /** Peak when libraries were loaded and nothing was made. */
  readonly importRssMiB: number;
}

interface Round {
  readonly mine: Measured;
  readonly peers: ReadonlyMap<string, Measured>;
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
const variants = hasPackages('sae_lens') ? values.variants.split(',') : [];
if (variants.length === 0) console.log(`${PYTHON} has no sae_lens: measuring Assay alone.`);

const rows = [];
for (const times of values.times) {
  const rounds = Array.from({ length: Number(values.rounds) }, () => round(times));
  const ratios =
    variants.length === 0 ? [] : rounds.map(({ mine, peers }) => fastest(peers).secondsPerStep / mine.secondsPerStep);
  const memory = variants.length === 0 ? [] : rounds.map(({ mine, peers }) => mine.peakRssMiB / least(peers, peak));
  const beyond = variants.length === 0 ? [] : rounds.map(({ mine, peers }) => made(mine) / least(peers, made));
  const row = {
    dSae: Number(times) * 576,
    tokensPerSecond: Math.round(Number(values.rows) / median(rounds.map(({ mine }) => mine.secondsPerStep))),
    peakRssMiB: median(rounds.map(({ mine }) => mine.peakRssMiB)),
    fastestPeers: variants.length === 0 ? [] : rounds.map(({ peers }) => nameOfFastest(peers)),
    speedRatio: summary(ratios),
    memoryRatio: summary(memory),
    memoryMadeRatio: summary(beyond),
    rounds,
  };
  rows.push({ ...row, rounds: rounds.map(({ mine, peers }) => ({ mine, peers: Object.fromEntries(peers) })) });
  console.log(
    `dSae ${row.dSae}: ${row.tokensPerSecond} tokens/s, ${row.peakRssMiB} MiB; SAELens takes ${text(row.speedRatio)} times as long (aim 1.5x), ` +
      `Assay needs ${text(row.memoryRatio)} of its memory (aim 0.6), ${text(row.memoryMadeRatio)} beyond libraries`,
  );
}
console.log(JSON.stringify({ bench: 'sae', batchRows: Number(values.rows), variants, rows }));

function round(times: string): Round {
  const settings = ['--times', times, '--rows', values.rows, '--seconds', values.seconds];
  const mine = measure(process.execPath, [`${import.meta.dirname}/sae-step.ts`, ...settings]) as Measured;
  const peers = variants.map((variant): [string, Measured] => [
    variant,
    measure(PYTHON, [`${import.meta.dirname}/peers/sae.py`, ...settings, '--variant', variant]) as Measured,
  ]);
  return { mine, peers: new Map(peers) };
}

function fastest(peers: ReadonlyMap<string, Measured>): Measured {
  const [first] = [...peers.values()].toSorted((a, b) => a.secondsPerStep - b.secondsPerStep);
  if (first === undefined) throw new Error('expected a peer');
  return first;
}

function nameOfFastest(peers: ReadonlyMap<string, Measured>): string {
  return [...peers].find(([, one]) => one === fastest(peers))?.[0] ?? '';
}

/** The least memory among variants, whichever is the fastest. */
function least(peers: ReadonlyMap<string, Measured>, of: (one: Measured) => number): number {
  return Math.min(...Array.from(peers.values(), of));
}

function peak({ peakRssMiB }: Measured): number {
  return peakRssMiB;
}

function made({ peakRssMiB, importRssMiB }: Measured): number {
  return peakRssMiB - importRssMiB;
}
