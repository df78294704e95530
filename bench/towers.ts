/**
 * Two towers against PyTorch and transformers, interleaved: npm run bench -- towers [--rounds N] [--seconds S] [--only small] [--compile]
 * A contrastive step of a small pair and of a ViT-B/32-shaped one, and images a second of scoring. Each measurement is a process of its own
 * (bench/towers-step.ts, bench/peers/towers.py); a ratio is peer over ours within a round, so that drift of the machine
 * cancels. Python with torch, torchvision and transformers: PYTHON=..., else python3; without them, ours alone.
 */
import { parseArgs } from 'node:util';

import { hasPackages, measure, median, PYTHON, summary, text } from './side-by-side.ts';

interface Case {
  readonly subject: string;
  readonly aim: string;
  readonly memoryAim: string;
}

const CASES: readonly Case[] = [
  { subject: 'small', aim: '1.5x', memoryAim: '0.6' },
  { subject: 'vit-b-32', aim: '1.1x', memoryAim: '-' },
  { subject: 'score', aim: '-', memoryAim: '-' },
];

interface Measured {
  readonly secondsPerStep: number;
  readonly images: number;
  readonly peakRssMiB: number;
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '8' },
    threads: { type: 'string', default: '1' },
    only: { type: 'string', multiple: true },
    compile: { type: 'boolean', default: false },
  },
});
const hasPeer = hasPackages('torch, torchvision, transformers');
if (!hasPeer) console.log(`${PYTHON} lacks torch, torchvision or transformers: measuring Assay alone.`);

const rows = [];
for (const { subject, aim, memoryAim } of CASES) {
  if (values.only !== undefined && !values.only.includes(subject)) continue;
  const rounds = Array.from({ length: Number(values.rounds) }, () => round(subject));
  const ours = median(rounds.map(({ mine }) => mine.secondsPerStep));
  const images = rounds[0]?.mine.images ?? Number.NaN;
  const peers = rounds.flatMap(({ mine, peer }) => (peer === undefined ? [] : [{ mine, peer }]));
  const row = {
    subject,
    threads: Number(values.threads),
    millisecondsPerStep: Number((1000 * ours).toPrecision(3)),
    imagesPerSecond: Number((images / ours).toPrecision(3)),
    peakRssMiB: median(rounds.map(({ mine }) => mine.peakRssMiB)),
    speedRatio: summary(peers.map(({ mine, peer }) => peer.secondsPerStep / mine.secondsPerStep)),
    memoryRatio: summary(peers.map(({ mine, peer }) => mine.peakRssMiB / peer.peakRssMiB)),
    rounds: rounds.length,
  };
  rows.push(row);
  console.log(
    `${subject}: ${row.imagesPerSecond} images/s, ${row.millisecondsPerStep} ms a step of ${images}, ${row.peakRssMiB} MiB; ` +
      `PyTorch takes ${text(row.speedRatio)} times as long (aim ${aim}), Assay needs ${text(row.memoryRatio)} of its memory (aim ${memoryAim})`,
  );
}
console.log(JSON.stringify({ bench: 'towers', peer: hasPeer, compiled: values.compile, rows }));

function round(subject: string): { mine: Measured; peer: Measured | undefined } {
  const settings = [subject, '--threads', values.threads, '--seconds', values.seconds];
  const mine = measure(process.execPath, [`${import.meta.dirname}/towers-step.ts`, ...settings]) as Measured;
  if (!hasPeer) return { mine, peer: undefined };
  const compiled = values.compile ? ['--compile'] : [];
  return {
    mine,
    peer: measure(PYTHON, [`${import.meta.dirname}/peers/towers.py`, ...settings, ...compiled]) as Measured,
  };
}
