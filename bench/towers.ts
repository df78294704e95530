/**
 * Two towers against PyTorch and transformers at their best, interleaved: npm run bench -- towers [--rounds N] [--seconds S] [--only small]
 * A contrastive step of a small pair and of a ViT-B/32-shaped one, and images a second of scoring. Each measurement is a process of its own
 * (bench/towers-step.ts, bench/peers/towers.py). Python with torch, torchvision and transformers: PYTHON=..., else python3; without them, ours alone.
 */
import { parseArgs } from 'node:util';

import {
  compare,
  hasPackages,
  measure,
  measurePeers,
  median,
  PYTHON,
  type Costs,
  type Round,
  sentence,
  waysOf,
} from './side-by-side.ts';

interface Case {
  readonly subject: string;
  readonly aim: string;
}

const CASES: readonly Case[] = [
  { subject: 'small', aim: '1.5x' },
  { subject: 'vit-b-32', aim: '1.1x' },
  { subject: 'score', aim: '-' },
];

interface Measured extends Costs {
  readonly images: number;
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '8' },
    threads: { type: 'string', default: '1' },
    only: { type: 'string', multiple: true },
  },
});
const hasPeer = hasPackages('torch, torchvision, transformers');
const ways = hasPeer ? waysOf() : [];
if (!hasPeer) console.log(`${PYTHON} lacks torch, torchvision or transformers: measuring Assay alone.`);

const rows = [];
for (const { subject, aim } of CASES) {
  if (values.only !== undefined && !values.only.includes(subject)) continue;
  const rounds = Array.from({ length: Number(values.rounds) }, () => round(subject));
  const ours = median(rounds.map(({ mine }) => mine.secondsPerStep));
  const images = rounds[0]?.mine.images ?? Number.NaN;
  const row = {
    subject,
    threads: Number(values.threads),
    millisecondsPerStep: Number((1000 * ours).toPrecision(3)),
    imagesPerSecond: Number((images / ours).toPrecision(3)),
    peakAnonymousMiB: median(rounds.map(({ mine }) => mine.peakAnonymousMiB)),
    ratios: compare(rounds),
    rounds: rounds.length,
  };
  rows.push(row);
  console.log(
    `${subject}: ${row.imagesPerSecond} images/s, ${row.millisecondsPerStep} ms a step of ${images}, ${row.peakAnonymousMiB} MiB; ` +
      sentence('PyTorch', row.ratios, aim),
  );
}
console.log(JSON.stringify({ bench: 'towers', peer: hasPeer, rows }));

function round(subject: string): Round<Measured> {
  const settings = [subject, '--threads', values.threads, '--seconds', values.seconds];
  return {
    mine: measure(process.execPath, [`${import.meta.dirname}/towers-step.ts`, ...settings]) as Measured,
    peers: measurePeers(ways, `${import.meta.dirname}/peers/towers.py`, settings),
  };
}
