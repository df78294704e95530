/**
 * Tables over the arms of an exported study: node scripts/dose-response-tables.ts EXPORT_FOLDER [axis] [level]
 * Hyperparameters ranked by share of variance, and each arm's outcomes with the spectra of its update.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import {
  armMeans,
  atLevel,
  type ProbeRow,
  rankCorrelation,
  rankedByVariance,
} from '../studies/dose-response/describe.ts';
import { SERIES } from '../studies/dose-response/doses.ts';

const [folder, axis = 'train', levelText = '0.5'] = process.argv.slice(2);
if (folder === undefined) throw new Error('Expected the folder that "assay export dose-response --out FOLDER" wrote.');
const level = Number(levelText);
const rows = probesOf(readFileSync(join(folder, 'trajectories.csv'), 'utf8'));
const harmful = atLevel(rows, axis, level, 'harmful');

console.log(
  `at ${axis} loss ${level}\n| hyperparameter | sd over doses | share of variance | highest - lowest | blocks |\n|---|---|---|---|---|`,
);
for (const { series, sd, share, rise, blocks } of rankedByVariance(SERIES, harmful)) {
  console.log(`| ${series} | ${sd.toFixed(3)} | ${((share ?? 0) * 100).toFixed(0)}% | ${signed(rise)} | ${blocks} |`);
}

const spectra = ['stableRank', 'entropy', 'updateNorm'];
const arms = [...harmful.keys()];
const means = new Map(['harmful', ...spectra].map((name) => [name, armMeans(arms, atLevel(rows, axis, level, name))]));
const of = (name: string, arm: string): number => means.get(name)?.get(arm) ?? Number.NaN;
console.log(`\n| arm | P | ${spectra.join(' | ')} |\n|---|---|---|---|---|`);
for (const arm of arms.toSorted((a, b) => of('harmful', a) - of('harmful', b))) {
  const cells = ['harmful', ...spectra].map((name) => of(name, arm).toFixed(3));
  console.log(`| ${arm} | ${cells.join(' | ')} |`);
}
for (const name of spectra) {
  const pairs = arms
    .map((arm) => [of('harmful', arm), of(name, arm)] as const)
    .filter((pair) => pair.every(Number.isFinite));
  const found = rankCorrelation(
    pairs.map(([p]) => p),
    pairs.map(([, value]) => value),
  );
  console.log(`rank correlation of P with ${name} over ${pairs.length} arms: ${found?.toFixed(2) ?? 'none'}`);
}

/** The finished confirmatory runs of an export, without the text columns (which hold no commas). */
function probesOf(csv: string): ProbeRow[] {
  const [head = '', ...lines] = csv.trim().split('\n');
  const names = head.split(',');
  return lines.flatMap((line) => {
    const cells = new Map(line.split(',').map((cell, i): [string, string] => [names[i] ?? '', cell]));
    if (cells.get('phase') !== 'confirmatory' || cells.get('status') !== 'finished') return [];
    const numbers = (prefix: string): Record<string, number> =>
      Object.fromEntries(
        [...cells].flatMap(([name, cell]) =>
          name.startsWith(prefix) && cell !== '' ? [[name.slice(prefix.length), Number(cell)]] : [],
        ),
      );
    const [arm = '', block, step] = ['arm', 'block', 'step'].map((name) => cells.get(name));
    return [{ arm, block: Number(block), step: Number(step), axes: numbers('axis.'), outcomes: numbers('outcome.') }];
  });
}

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(3)}`;
}
