import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';

import type { Markup } from '#report/markup.ts';
import { claimPanel } from './claim-panel.ts';
import { heatMap } from './heat-map.ts';
import { effectPanel, forestPlot } from './interval-marks.ts';
import { linePanel, type RunLine } from './line-panel.ts';
import { phaseMap } from './phase-map.ts';
import { plotArea } from './plot-area.ts';
import { marker, SERIES_COLOURS, seriesClass } from './series-style.ts';
import type { Point } from './simplify-path.ts';
import { stripPlot } from './strip-plot.ts';

const TEXT = { title: 'A chart', description: 'What it shows.' };

/** A run probed every ten steps. */
function runLine(label: string, points: readonly Point[]): RunLine {
  return { label, points, steps: points.map((_, index) => 10 * index) };
}

/** Small charts by name; their SVG is in test/golden/. */
const CHARTS: Readonly<Record<string, Markup>> = {
  lines: linePanel({
    ...TEXT,
    size: 'full',
    x: { label: 'Training loss (nats), falling →', domain: [2, 0.5] },
    y: { label: 'Misaligned (fraction)', domain: [0, 0.4] },
    series: [
      {
        index: 0,
        runs: [
          runLine('first', [
            [1.9, 0],
            [1.4, 0.1],
            [0.8, 0.3],
          ]),
          runLine('second <run>', [
            [1.9, 0.02],
            [1.1, 0.2],
          ]),
        ],
        tails: [
          runLine('first', [
            [0.8, 0.3],
            [0.9, 0.35],
          ]),
        ],
        means: [
          [1.5, 0.1],
          [1, 0.22],
        ],
      },
      {
        index: 1,
        runs: [
          runLine('third', [
            [1.8, 0.01],
            [0.6, 0.05],
          ]),
        ],
      },
    ],
    levels: [1.5, 1, 0.2],
    scaleBar: { length: 0.05, label: 'δ = 0.05' },
  }),
  levels: effectPanel({
    ...TEXT,
    x: { label: '', domain: [1.6, 0.8], ticks: [1.5, 1] },
    y: { label: '', domain: [-0.1, 0.2] },
    delta: 0.05,
    levels: [
      { level: 1.5, estimate: 0.01, ci95: [-0.02, 0.04], isExcluded: false },
      { level: 1, estimate: 0.12, ci95: [0.08, 0.16], isExcluded: true },
    ],
  }),
  forest: forestPlot({
    ...TEXT,
    axis: { label: 'arm minus reference (fraction)', domain: [-0.1, 0.2] },
    delta: 0.05,
    groups: [
      {
        heading: 'Muon vs AdamW: affects beyond loss',
        rows: [
          { label: 'training loss', estimate: { value: 0.12, ci95: [0.08, 0.16], text: '+0.120' } },
          { label: 'both at once', note: 'not estimable' },
        ],
      },
    ],
  }),
  heat: heatMap({
    ...TEXT,
    columns: { title: 'δ ×', labels: ['0.5', '1', '2'] },
    marks: { title: 'verdict', labels: ['A', 'A', '?'] },
    presetColumn: 1,
    groups: [
      { label: 'all', rows: [{ label: 'all rates', readings: ['positive', 'positive', 'equivalent'] }] },
      { label: '1.5', rows: [{ label: 'all rates', readings: ['negative', 'neither', 'equivalent'] }] },
    ],
  }),
  claim: claimPanel({
    ...TEXT,
    size: 'full',
    x: { label: 'Depth', domain: [-0.2, 2.2], ticks: [0, 1, 2] },
    y: { label: 'Mean (fraction)', domain: [0.4, 0.9] },
    delta: 0.05,
    other: [
      [0, 0.5],
      [1, 0.5],
      [2, 0.55],
    ],
    marks: [
      { level: 0, value: 0.51, interval: [0.48, 0.54], kind: 'agrees', text: 'at depth 0: alike' },
      { level: 1, value: 0.8, interval: [0.7, 0.85], kind: 'above', text: 'at depth 1: above' },
      { level: 2, value: null, kind: 'undecided', text: 'at depth 2: not estimable' },
    ],
  }),
  phase: phaseMap({
    ...TEXT,
    x: { label: 'width', texts: ['8', '16'] },
    y: { label: 'pairs', texts: ['1', '2'] },
    cells: [
      { column: 0, row: 0, value: -0.2, lines: ['−0.200'], about: 'first' },
      { column: 1, row: 0, value: 0.1, lines: ['+0.100', '(+0.120)'], about: 'second' },
      { column: 0, row: 1, value: null, lines: [], about: 'no number' },
    ],
    scale: {
      kind: 'diverging',
      domain: [-0.2, 0.2],
      ticks: [
        { value: -0.2, text: '−0.2' },
        { value: 0, text: '0' },
      ],
      label: 'difference (fraction)',
    },
    contours: [
      {
        text: '0',
        segments: [
          [
            [0.4, 0],
            [0.5, 1],
          ],
        ],
      },
    ],
  }),
  strips: stripPlot({
    ...TEXT,
    axis: { label: 'Aligned (fraction)', domain: [0, 1] },
    rules: [{ value: 0.5, label: 'chance' }],
    strips: [
      {
        index: 0,
        label: 'Trained towers whose label is much too long to stand on a single line of the plot',
        points: [
          { value: 0.4, text: 'seed 0: 0.4' },
          { value: 0.6, text: 'seed 1: 0.6' },
        ],
        mean: 0.5,
        meanText: '0.500',
      },
    ],
  }),
};

for (const [name, chart] of Object.entries(CHARTS)) {
  test(`the ${name} chart is the golden one (UPDATE_GOLDEN=1 rewrites it)`, () => {
    const file = new URL(`../../../test/golden/report-${name}.svg`, import.meta.url);
    const text = `${chart.text.replaceAll('><', '>\n<')}\n`;
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
    assert.equal(text, readFileSync(file, 'utf8'));
  });
}

test('a level outside the drawn range gets no rule, and a run after its best is drawn as a tail', () => {
  const text = CHARTS['lines']?.text ?? '';
  assert.equal(text.match(/class="level"/g)?.length, 2);
  assert.equal(text.match(/class="run"/g)?.length, 3);
  assert.equal(text.match(/class="tail"/g)?.length, 1);
});

test('on a logarithmic axis equal ratios are equally far apart, and ticks are 1, 2 and 5 of every decade', () => {
  const area = plotArea('full', { label: '', domain: [2, 0.1], scale: 'log' }, { label: '', domain: [0, 1] });
  // Coordinates are doubles of some hundreds of units.
  const ROUNDING = 1e-9;
  assert.ok(Math.abs(area.x(0.4) - area.x(0.8) - (area.x(0.2) - area.x(0.4))) < ROUNDING);
  const labels = [...area.chart(TEXT, undefined).text.matchAll(/text-anchor="middle">([^<]*)</g)].map(
    ([, label]) => label,
  );
  assert.deepEqual(labels, ['2', '1', '0.5', '0.2', '0.1']);
});

/** Graphical objects need 3:1 against what is beside them (WCAG 2.2, 1.4.11). */
const MIN_CONTRAST = 3;

test('the numbers of an axis have as many digits as tell them apart, never overlap, and huge and tiny ones have exponents', () => {
  const textsOf = (domain: readonly [number, number]): readonly string[] => {
    const axis = { label: '', domain };
    const svg = plotArea('small', axis, axis).chart(TEXT, undefined).text;
    return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1] ?? '');
  };
  assert.ok(textsOf([0, 2e11]).includes('1e11'));
  assert.ok(textsOf([-4e-7, 4e-7]).includes('−2e−7'));
  assert.ok(textsOf([0, 4000]).includes('2,000'));
  assert.ok(textsOf([0, 0.2]).includes('0.10'));
  assert.ok(textsOf([0, 0]).includes('0'));
  for (const chart of [
    forestPlot({ ...TEXT, axis: { label: '', domain: [0, 3.9e5] }, delta: 1, groups: [] }),
    stripPlot({ ...TEXT, axis: { label: '', domain: [0, 3.9e5] }, rules: [], strips: [] }),
  ]) {
    const labels = [...chart.text.matchAll(/<text x="([\d.]+)" y="[\d.]+" text-anchor="middle">([\d,]+)</g)];
    assert.ok(labels.length > 1);
    for (const [i, [, x, text]] of labels.entries()) {
      const [, nextX = Infinity, next = ''] = labels[i + 1] ?? [];
      assert.ok(Number(x) + 3.5 * (text?.length ?? 0) < Number(nextX) - 3.5 * next.length, `${text} meets ${next}`);
    }
  }
});

test('every series colour stands out from its page', () => {
  for (const { light, dark } of SERIES_COLOURS) {
    assert.ok(contrast(light, '#ffffff') >= MIN_CONTRAST, light);
    assert.ok(contrast(dark, '#16181b') >= MIN_CONTRAST, dark);
  }
});

test('the first 40 series differ in dash, marker or fill, so that none needs its colour', () => {
  const styles = Array.from(
    { length: 40 },
    (_, index) => `${seriesClass(index).replace(/^s\d+ /, '')} ${marker(index, 0, 0).text}`,
  );
  assert.equal(new Set(styles).size, styles.length);
});

function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

/** Relative luminance of `#rrggbb` (WCAG 2.2). */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
