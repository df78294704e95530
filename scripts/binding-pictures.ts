/**
 * The pictures of the study binding-sae as one page:
 *
 *     assay export binding-sae --profile standard --out EXPORT
 *     node bench/binding.ts --only "learned from" > BENCH
 *     node scripts/binding-pictures.ts EXPORT BENCH > pictures.html
 *
 * Recovery over rows and noise, and pairs of learned dictionaries against permuted ones (from the lines of JSON of the bench, which may be several slices with --from).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { isJsonObject, type Json } from '#base/json.ts';
import { linePanel, type LineSeries } from '#report/charts/line-panel.ts';
import { stripPlot } from '#report/charts/strip-plot.ts';
import { markup } from '#report/markup.ts';
import { page } from '#report/page.ts';

const [exported, bench] = process.argv.slice(2);
if (exported === undefined || bench === undefined) throw new Error('Expected EXPORT and BENCH, as this file says.');

/** As in the study's arms: `free-ROWS-NOISE`, and `free` for the first. */
const MAIN = { rows: 20_000, noise: 0 };
const ROWS = {
  label: 'rows to train on',
  domain: [450, 22_000],
  scale: 'log',
  ticks: [500, 1000, 2000, 4000, 20_000],
} as const;
const PAIRS = 72;

const runs = runsOf(readFileSync(join(exported, 'trajectories.csv'), 'utf8'));
const noises = [...new Set(runs.map(({ noise }) => noise))].toSorted((a, b) => a - b);
const subjects = merged(
  readFileSync(bench, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .flatMap(subjectsOf),
);

const legend = noises.map(
  (noise, i) => markup`<span class="key-${i}">${['●', '■', '▲'][i] ?? '◆'} noise ${noise} </span>`,
);
const title = 'Pairs found again, over rows and noise';
console.log(
  page('binding-sae', [
    markup`<style>main{max-width:none}figure{display:inline-block;width:440px;margin:0 8px}.key-0{color:#0072b2}.key-1{color:#d55e00}.key-2{color:#00845f}</style>`,
    markup`<div id="recovery"><p>${legend}</p>${['found', 'right', 'pairs'].map(recoveryPanel)}</div>`,
    markup`<div id="pairs-null">${nullPlot()}</div>`,
  ]).text,
);

function recoveryPanel(outcome: string) {
  const isCount = outcome === 'pairs';
  const labels: Readonly<Record<string, string>> = {
    found: 'true features found (cosine .9 or more)',
    right: 'right pairs, of all there are',
    pairs: 'pairs predicted (grey: in permuted dictionaries)',
  };
  const series = noises.map((noise, index): LineSeries => seriesOf(outcome, noise, index));
  const nulls = isCount ? noises.map((noise): LineSeries => seriesOf('nullPairs', noise, 4)) : [];
  const chart = linePanel({
    title,
    description: labels[outcome] ?? outcome,
    size: 'full',
    x: ROWS,
    y: { label: labels[outcome] ?? outcome, domain: [0, isCount ? PAIRS : 1] },
    series: [...nulls, ...series],
  });
  return markup`<figure>${chart}</figure>`;
}

function seriesOf(outcome: string, noise: number, index: number): LineSeries {
  const own = runs.filter((run) => run.noise === noise && run.outcomes.has(outcome));
  const valueOf = (run: Run): number => run.outcomes.get(outcome) ?? Number.NaN;
  const blocks = [...new Set(own.map(({ block }) => block))];
  const lines = blocks.map((block) => {
    const inBlock = own.filter((run) => run.block === block).toSorted((a, b) => a.rows - b.rows);
    return { label: `block ${block}`, points: inBlock.map((run) => [run.rows, valueOf(run)] as const), steps: [] };
  });
  const rows = [...new Set(own.map((run) => run.rows))].toSorted((a, b) => a - b);
  const means = rows.map((count) => {
    const there = own.filter((run) => run.rows === count).map(valueOf);
    return [count, there.reduce((sum, value) => sum + value, 0) / there.length] as const;
  });
  return { index, runs: lines, means };
}

function nullPlot() {
  const strips = subjects.flatMap(({ name, found, permuted }, i) =>
    (
      [
        [name, found],
        [`${name}: permuted dictionaries`, permuted],
      ] as const
    ).map(([label, values], k) => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const points = values.map((value, at) => ({ value, text: `draw ${at}: ${value}` }));
      return { index: k === 0 ? i : 4, label: `${label} (${values.length})`, points, mean, meanText: mean.toFixed(1) };
    }),
  );
  const axis = { label: `pairs that M predicts without them, of ${PAIRS}`, domain: [0, PAIRS] } as const;
  return markup`<figure>${stripPlot({ title: 'Pairs in learned dictionaries', description: axis.label, axis, strips, rules: [] })}</figure>`;
}

interface Run {
  readonly block: string;
  readonly rows: number;
  readonly noise: number;
  readonly outcomes: ReadonlyMap<string, number>;
}

/** The runs of the grid of rows and noise, from the table that was exported. */
function runsOf(csv: string): readonly Run[] {
  const [head = '', ...lines] = csv.trim().split('\n');
  const names = head.split(',');
  return lines.flatMap((line) => {
    const cells = new Map(line.split(',').map((cell, i) => [names[i] ?? '', cell]));
    const [, rows = MAIN.rows, noise = MAIN.noise] = /^free(?:-(\d+)-([\d.]+))?$/u.exec(cells.get('arm') ?? '') ?? [];
    if (!/^free(?:-\d+-[\d.]+)?$/u.test(cells.get('arm') ?? '')) return [];
    const outcomes = new Map(
      Array.from(cells, ([name, cell]) => [name.replace('outcome.', ''), Number(cell)] as const).filter(
        ([name]) => cells.get(`outcome.${name}`) !== '',
      ),
    );
    return [{ block: cells.get('block') ?? '', rows: Number(rows), noise: Number(noise), outcomes }];
  });
}

interface Subject {
  readonly name: string;
  readonly found: readonly number[];
  readonly permuted: readonly number[];
}

function subjectsOf(line: string): readonly Subject[] {
  const read: unknown = JSON.parse(line);
  const results = isJsonObject(read) && Array.isArray(read['results']) ? read['results'] : [];
  return results.filter(isJsonObject).map(({ name, found, permuted }) => ({
    name: typeof name === 'string' ? name : '',
    found: numbersOf(found),
    permuted: numbersOf(permuted),
  }));
}

/** Slices of one subject as one. */
function merged(slices: readonly Subject[]): readonly Subject[] {
  return Array.from(
    Map.groupBy(slices, ({ name }) => name),
    ([name, own]) => ({
      name,
      found: own.flatMap(({ found }) => found),
      permuted: own.flatMap(({ permuted }) => permuted),
    }),
  );
}

function numbersOf(value: Json | undefined): readonly number[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'number') : [];
}
