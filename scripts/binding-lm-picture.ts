/**
 * The picture of the study binding-lm as a page: what moves the model's answer, by depth.
 *
 *     node scripts/binding-lm-picture.ts TRAJECTORIES > picture.html
 *
 * TRAJECTORIES is the `trajectories.csv` beside the study's report.
 */
import { readFileSync } from 'node:fs';

import { linePanel, type LineSeries } from '#report/charts/line-panel.ts';
import { markup } from '#report/markup.ts';
import { page } from '#report/page.ts';

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('Expected TRAJECTORIES, as this file says.');

const PANELS = [
  {
    title: "Parts of the stream at two objects' values (or keys) are exchanged",
    label: "answer is the other object's value",
    outcomes: [
      ['swapOrderFirst', 'order, first asked'],
      ['swapOrderLast', 'order, second asked'],
      ['randomOrderFirst', 'as long, first asked'],
      ['randomOrderLast', 'as long, second asked'],
      ['swapKeyPlaceFirst', 'order and position at keys, first asked'],
    ],
  },
  {
    title: 'Whole streams change places, or come from another prompt',
    label: 'answer follows',
    outcomes: [
      ['exchangeFirst', 'values change places: the answer stays, first asked'],
      ['exchangeLast', 'second asked'],
      ['replaceValue', 'a value from another prompt'],
      ['replaceKey', 'a key from another prompt'],
    ],
  },
] as const;

const rows = readFileSync(path, 'utf8').trim().split('\n');
const names = (rows[0] ?? '').split(',');
const points = rows
  .slice(1)
  .map((row) => new Map(row.split(',').map((cell, i) => [names[i] ?? '', cell])))
  .filter((cells) => cells.get('arm') === 'model');
const depths = [...new Set(points.map((cells) => Number(cells.get('depth'))))].toSorted((a, b) => a - b);

console.log(
  page('binding-lm', [
    markup`<style>main{max-width:none}figure{display:inline-block;width:460px;margin:0 8px;vertical-align:top}.key-0{color:#0072b2}.key-1{color:#d55e00}.key-2{color:#00845f}.key-3{color:#a0528a}.key-4{color:#333}figure p{height:3.2em}</style>`,
    markup`<div id="moves">${PANELS.map(({ title, label, outcomes }) => {
      const legend = outcomes.map(
        ([, name], i) => markup`<span class="key-${i}">${['●', '■', '▲', '◆', '✚'][i] ?? '●'} ${name} </span> `,
      );
      const chart = linePanel({
        title,
        description: label,
        size: 'full',
        x: {
          label: 'depth, in sixths of the layers',
          domain: [(depths[0] ?? 0) - 0.2, (depths.at(-1) ?? 6) + 0.2],
          ticks: depths,
        },
        y: { label, domain: [0, 1] },
        series: outcomes.map(([outcome], index) => seriesOf(outcome, index)),
      });
      return markup`<figure><figcaption>${title}</figcaption><p>${legend}</p>${chart}</figure>`;
    })}</div>`,
  ]).text,
);

function seriesOf(outcome: string, index: number): LineSeries {
  const blocks = Map.groupBy(points, (cells) => cells.get('block') ?? '');
  const pointOf = (cells: ReadonlyMap<string, string>) =>
    [Number(cells.get('depth')), Number(cells.get(outcome))] as const;
  const means = depths.map((depth) => {
    const there = points.filter((cells) => Number(cells.get('depth')) === depth).map((cells) => pointOf(cells)[1]);
    return [depth, there.reduce((sum, value) => sum + value, 0) / there.length] as const;
  });
  const runs = [...blocks].map(([block, own]) => ({ label: `block ${block}`, points: own.map(pointOf), steps: [] }));
  return { index, runs, means };
}
