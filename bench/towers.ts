/**
 * Two towers against PyTorch and transformers at their best, interleaved: npm run bench -- towers [--rounds N] [--seconds S] [--only small]
 * A contrastive step of a small pair and of a ViT-B/32-shaped one, and images a second of scoring. Each measurement is a process of its own
 * (bench/towers-step.ts, bench/peers/towers.py). Python with torch, torchvision and transformers: PYTHON=..., else python3; without them, ours alone.
 */
import { parseArgs } from 'node:util';

import { compare, type Costs, measureRounds, median, peerWays, sentence } from './side-by-side.ts';

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
const ways = peerWays('torch, torchvision, transformers');

const rows = [];
for (const { subject, aim } of CASES) {
  if (values.only !== undefined && !values.only.includes(subject)) continue;
  const settings = [subject, '--threads', values.threads, '--seconds', values.seconds];
  const rounds = measureRounds<Measured>(Number(values.rounds), ['towers-step.ts', ...settings], ways, [
    'peers/towers.py',
    ...settings,
  ]);
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
console.log(JSON.stringify({ bench: 'towers', peer: ways.length > 0, rows }));
