import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readCsv } from '#analysis/import/csv.ts';
import { readParquet } from '#analysis/import/parquet.ts';
import type { ClaimLevel, ClaimRecord } from '#analysis/records/claim-record.ts';
import {
  claimGroups,
  groupedText,
  markKind,
  NAMES_ONLY,
  questionsOf,
  strongestText,
  whyTexts,
} from '#report/claim-words.ts';
import { claimsFixture, CLAIMS_STUDY } from '#report/claims-fixture.ts';
import { escapeText } from '#report/markup.ts';
import { renderReport } from '#report/report.ts';
import { reportFixture } from '#report/report-fixture.ts';
import type { ReportInput } from '#report/report-input.ts';
import { renderTable } from '#report/table.ts';
import { asTitle } from '#report/wording.ts';

const input = claimsFixture();
const { html, files } = renderReport(input);
const claims = input.analysis.claims ?? assert.fail();
const questions = claims.filter(({ asks }) => asks === 'question');

function figureOf(text: string, id: string): string {
  return text.split(`<figure id="${id}"`)[1]?.split('</figure>')[0] ?? assert.fail(`no figure ${id}`);
}

function countOf(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].length;
}

function shownOf(text: string): string {
  return text.replaceAll(/<(style|script)>.*?<\/\1>/gs, '');
}

function textOf(name: string): string {
  const content = files.find((file) => file.name === name)?.content;
  return typeof content === 'string' ? content : assert.fail(`no ${name}`);
}

/** A claim with verdicts at levels, nothing else said. */
function claimOf(
  levels: readonly (readonly [ClaimLevel['level'], Partial<ClaimLevel>])[],
  more: Partial<ClaimRecord> = {},
) {
  const [first] = claims;
  assert.ok(first);
  const [blank] = first.levels;
  assert.ok(blank);
  const bare = { ...blank, estimate: 0.2, ci95: [0.1, 0.3] as const, verdict: 'differs' as const };
  return { ...first, levels: levels.map(([level, own]) => ({ ...bare, level, ...own })), ...more };
}

const OPEN = { verdict: 'undecided', why: 'too few blocks' } as const;
const WORDS: readonly (readonly [says: string, record: ClaimRecord])[] = [
  [
    'above chance at depth 2 to 4; undecided at 0 and 1',
    claimOf([
      [0, OPEN],
      [1, OPEN],
      [2, {}],
      [3, {}],
      [4, {}],
    ]),
  ],
  [
    'below chance at depth 0; within ±0.05 of chance at 1 and 3; undecided at 2',
    claimOf([
      [0, { estimate: -0.2 }],
      [1, { verdict: 'agrees' }],
      [2, OPEN],
      [3, { verdict: 'agrees' }],
    ]),
  ],
  [
    'within ±0.05 of chance at depth 0, 2 and 3; undecided at 1',
    claimOf([
      [0, { verdict: 'agrees' }],
      [1, OPEN],
      [2, { verdict: 'agrees' }],
      [3, { verdict: 'agrees' }],
    ]),
  ],
  [
    'above the theory at the end',
    claimOf([['end', {}]], { at: { kind: 'end' }, against: { kind: 'outcome', outcome: 'the theory' } }),
  ],
  [
    'equal to again to the bit at depth 1',
    claimOf([[1, { verdict: 'identical' }]], { against: { kind: 'arm', arm: 'again' } }),
  ],
  [
    'rises less than AdamW along loss 2.1 to 0.6',
    claimOf([[[2.1, 0.6], { estimate: -0.2 }]], {
      at: { kind: 'trend', axis: 'loss' },
      against: { kind: 'arm', arm: 'AdamW' },
    }),
  ],
  [
    'changes by less than ±0.05 along loss 2.1 to 0.6',
    claimOf([[[2.1, 0.6], { verdict: 'agrees' }]], {
      at: { kind: 'trend', axis: 'loss' },
      against: { kind: 'value', value: 0, label: 'zero' },
    }),
  ],
  [
    'above chance at depth 0; above chance by less than 0.05 at 1',
    claimOf([
      [0, {}],
      [1, { estimate: 0.03, ci95: [0.02, 0.04] }],
    ]),
  ],
  ['undecided: read nowhere', claimOf([])],
];

for (const [says, record] of WORDS) {
  test(`a claim's places are grouped in words: ${says}`, () => {
    assert.equal(groupedText(NAMES_ONLY, record), says);
  });
}

const side = (estimate: number): Partial<ClaimLevel> => ({
  armMean: 0.5 + estimate,
  otherMean: 0.5,
  estimate,
  ci95: [estimate - 0.01, estimate + 0.01],
});
const AGREES = { verdict: 'agrees' } as const;
const STRONGEST: readonly (readonly [says: string, record: ClaimRecord])[] = [
  [
    '0.000 against 0.500, −0.500 [−0.510, −0.490] at depth 0, about as much at 2; 0.999 against 0.500, +0.499 [+0.489, +0.509] at depth 1',
    claimOf([
      [0, side(-0.5)],
      [1, side(0.499)],
      [2, side(-0.499)],
    ]),
  ],
  [
    '0.800 against 0.500, +0.300 [+0.290, +0.310] at depth 3, about as much at 1 and 4',
    claimOf([
      [0, side(0.1)],
      [1, side(0.26)],
      [2, { ...side(0.4), ...OPEN }],
      [3, side(0.3)],
      [4, side(0.29)],
    ]),
  ],
  [
    '0.800 against 0.500, +0.300 [+0.290, +0.310] at depth 1',
    claimOf([
      [0, side(0.24)],
      [1, side(0.3)],
      [2, { ...side(0.3), ...AGREES }],
    ]),
  ],
  [
    '0.480 against 0.500, −0.020 [−0.030, −0.010] at depth 1, the largest of 2 such places',
    claimOf([
      [0, { ...side(0.01), ...AGREES }],
      [1, { ...side(-0.02), ...AGREES }],
      [2, { ...side(0.03), ...OPEN }],
    ]),
  ],
  [
    '0.500 against 0.500, 0.000 [−0.010, +0.010] at depth 0, about as much at 1 to 3',
    claimOf([0, 1, 2, 3].map((level) => [level, { ...side(0), verdict: 'identical' }] as const)),
  ],
  ['nothing estimated', claimOf([['end', { ...OPEN, estimate: null }]], { at: { kind: 'end' } })],
];

for (const [says, record] of STRONGEST) {
  test(`a claim's numbers are those of all places that say as much: ${says}`, () => {
    assert.equal(strongestText(NAMES_ONLY, record), says);
    const analysis = { ...input.analysis, claims: [record] };
    assert.ok(renderReport({ ...input, analysis }).html.includes(escapeText(says)));
  });
}

test('every place is in exactly one group, and undecided places say why, each reason once', () => {
  for (const record of claims) {
    const grouped = claimGroups(NAMES_ONLY, record).flatMap(({ levels }) => levels);
    assert.deepEqual(new Set(grouped), new Set(record.levels));
    assert.equal(grouped.length, record.levels.length);
  }
  const two = claimOf([
    [0, OPEN],
    [1, { verdict: 'undecided', why: 'no block reads it' }],
    [2, OPEN],
  ]);
  assert.deepEqual(whyTexts(NAMES_ONLY, two), [
    'undecided at depth 0 and 2: too few blocks',
    'undecided at depth 1: no block reads it',
  ]);
});

test('in a study of claims alone the headline is a claim with outcome, numbers and direction, its figure first', () => {
  const lead = /<p class="lead v-affects">(.*?)<\/p>/s.exec(html)?.[1] ?? assert.fail();
  assert.match(
    lead,
    /Trained towers against chance on <b>pairs recovered<\/b> \(fraction, higher is better\): 0\.831 against 0\.500, \+0\.331 \[\+0\.\d+, \+0\.\d+\] at depth 6\. <b>Above chance at depth 3 to 6; /,
  );
  const places = questions.reduce((sum, { levels }) => sum + levels.length, 0);
  assert.match(html, new RegExp(`${questions.length} claims at ${places} places: `));
  assert.ok(html.indexOf('<figure id="claims-aligned-depth"') < html.indexOf('id="claims"'));
  assert.equal(countOf(html, /<figure id="claims-aligned-depth"/g), 1);
});

test('a claim leads only where no verdict is decided; verdicts and claims are both counted', () => {
  const both = reportFixture();
  const page = (verdicts: ReportInput['analysis']['verdicts']): string =>
    renderReport({ ...both, analysis: { ...both.analysis, verdicts, claims } }).html;
  const decided = page(both.analysis.verdicts);
  assert.match(decided, /<p class="lead[^>]*>Muon|<p class="lead[^>]*>“Muon/);
  assert.match(decided, /class="tally">Of \d+ comparisons: .*? 6 claims at 30 places: /);
  const open = page(both.analysis.verdicts.filter(({ verdict }) => verdict === 'undecided'));
  assert.match(open, /<p class="lead v-affects">.*?against chance/);
});

test('every question stands in the section with its grouped verdict and its sentence; controls stand under controls', () => {
  const section = /<h2 id="claims">.*?<\/section>/s.exec(html)?.[0] ?? assert.fail();
  const controls = /<h2 id="controls">.*?<\/section>/s.exec(html)?.[0] ?? assert.fail();
  for (const record of claims) {
    assert.equal(section.includes(escapeText(groupedText(CLAIMS_STUDY, record))), record.asks === 'question');
    assert.equal(controls.includes(`${record.claim.slice(1)}, pairs recovered: `), record.asks === 'control');
  }
});

test('a panel has a mark a place whose shape is its verdict, and a band of delta around the other column', () => {
  const panels = figureOf(html, 'claims-aligned-depth').split('<svg class="chart').slice(1);
  const alongDepth = questions.filter(({ at }) => at.kind === 'given');
  const drawn = alongDepth.flatMap((record) => (record.against.kind === 'value' ? [record] : [record, record]));
  assert.equal(panels.length, drawn.length);
  const kinds = drawn.map(({ levels }) => levels.map(markKind));
  const marks = panels.map((panel) => [...panel.matchAll(/class="verdict-mark m-(\w+)"/g)].map(([, kind]) => kind));
  // Panels stand in the order of weight.
  assert.deepEqual(new Set(marks.map(String)), new Set(kinds.map(String)));
  for (const panel of panels) {
    assert.equal(countOf(panel, /class="band"/g), 1);
    assert.equal(countOf(panel, /class="other"/g), 1);
  }
});

test('the end, trends and few levels are rows of a forest, with a place that has no number said so', () => {
  const rows = figureOf(html, 'claims-aligned-rows');
  assert.equal(countOf(rows.slice(rows.indexOf('class="panels')), /class="verdict-mark/g), 2);
  const lost = claimOf([['end', { verdict: 'undecided', estimate: null, ci95: null, why: 'no runs' }]], {
    at: { kind: 'end' },
  });
  const page = renderReport({ ...input, analysis: { ...input.analysis, claims: [lost] } }).html;
  assert.match(figureOf(page, 'claims-aligned-rows'), /not estimable/);
  assert.match(page, /<p class="lead v-undecided">.*?nothing estimated\. <b>Undecided: no runs<\/b>\./);
});

test('every place stands in numbers with its block contrasts, in the page and in the data files', async () => {
  const levels = claims.flatMap((record) => record.levels);
  const singles = questionsOf(claims).filter((record) => record.levels.length === 1);
  assert.equal(countOf(html, /<span class="no-wrap">/g), levels.length - singles.length);
  const together = /Claims of a single place\..*?<\/table>/s.exec(html)?.[0] ?? '';
  assert.ok(singles.length > 1);
  assert.equal(countOf(together, /<tr>/g), singles.length + 1);
  for (const { claim } of singles) assert.ok(together.includes(asTitle(claim)), claim);
  assert.equal(readCsv(textOf('claims.csv'), 'claims').length, levels.length);
  assert.equal(
    readCsv(textOf('claim-blocks.csv'), 'claim-blocks').length,
    levels.reduce((sum, { contrasts }) => sum + contrasts.length, 0),
  );
  const maps = input.analysis.maps ?? [];
  assert.equal(
    readCsv(textOf('maps.csv'), 'maps').length,
    maps.reduce((sum, { cells }) => sum + cells.length, 0),
  );
  const parquet = files.find(({ name }) => name === 'claims.parquet')?.content;
  assert.ok(parquet instanceof Uint8Array);
  assert.equal((await readParquet(parquet, 'claims')).length, levels.length);
  assert.ok(textOf('trajectories.csv').startsWith('arm,block,learningRate,status,step,depth,'));
});

test('a study without claims writes no files of claims, and one of claims alone has no empty section', () => {
  const names = renderReport(reportFixture()).files.map(({ name }) => name);
  assert.ok(!names.some((name) => /claim|map/.test(name)));
  for (const id of ['answer', 'contrasts', 'levels', 'rates', 'trajectories', 'change', 'beside']) {
    assert.ok(!html.includes(`id="${id}"`), id);
  }
  assert.doesNotMatch(shownOf(html), /\b(NaN|undefined|Infinity|null)\b|\[object|against \./);
});

test('runs read along a given axis have a profile, one path a run; runs read at their end one point a run', () => {
  const profile = figureOf(html, 'profile-0-depth');
  assert.equal(countOf(profile, /class="run"/g), input.frame.runs.length);
  assert.equal(countOf(profile, /class="mean"/g) - countOf(profile, /class="swatch/g), CLAIMS_STUDY.arms.length);
  const strips = figureOf(html, 'end-0');
  assert.equal(countOf(strips, /class="marker"/g), input.frame.runs.length);
  assert.match(strips, />chance</);
  assert.match(strips, /Towers trained on shuffled pairs of images and</, 'a long label is broken, not cut');
});

test('where runs are read is told in order, whichever claim asks where', () => {
  const [first, ...rest] = input.study.claims ?? [];
  assert.ok(first);
  const atLast = { ...first, at: { kind: 'given', axis: 'depth', label: 'Depth', levels: [6] } } as const;
  const page = renderReport({ ...input, study: { ...input.study, claims: [atLast, ...rest] } }).html;
  assert.match(page, /Read at depth<\/th><td[^>]*>0, 1, 2, 3, 4, 5, 6</);
});

test('of many arms a picture shows those that claims speak of, and says so', () => {
  const extra = Array.from({ length: 20 }, (_, index) => `extra-${index}`);
  const runs = extra.flatMap((arm) => input.frame.runs.slice(0, 2).map((run) => ({ ...run, arm })));
  const page = renderReport({ ...input, frame: { runs: [...input.frame.runs, ...runs] } }).html;
  const profile = figureOf(page, 'profile-0-depth');
  assert.equal(countOf(profile, /class="run"/g), input.frame.runs.length);
  assert.match(profile, /Shown are 3 of 23 arms, of those that claims speak of; the data file has all\./);
});

test('hostile names of claims, values and factors come out as text', () => {
  const hostile = '<script>alert("x")</script>';
  const [first] = claims;
  const [map] = input.analysis.maps ?? [];
  assert.ok(first && map);
  const analysis = {
    ...input.analysis,
    claims: [
      { ...first, claim: hostile, against: { kind: 'value', value: 0.5, label: hostile } as const, reason: hostile },
    ],
    maps: [{ ...map, label: hostile, place: hostile, x: { ...map.x, factor: hostile } }],
  };
  const page = renderReport({ ...input, analysis }).html;
  assert.equal(countOf(page, /<script/g), 1, 'the page’s own');
  assert.ok(countOf(page, /&lt;script&gt;alert/g) > 5);
});

test('the terminal gives each claim its grouped verdict and a row a place, at any width, in whole words', () => {
  for (const columns of [40, 60, 80, 120]) {
    const text = renderTable(input.analysis, { columns, isColoured: false });
    for (const line of text.split('\n')) assert.ok(line.length <= columns, `${columns}: ${line}`);
    const flat = text.replaceAll(/\s+/g, ' ');
    for (const record of questions) {
      assert.ok(flat.includes(`${record.claim}, aligned (delta 0.05): ${groupedText(NAMES_ONLY, record)}`));
      assert.ok(flat.includes(record.reason));
    }
    assert.ok(!flat.includes('untrained towers at chance, aligned'), 'a control is no question');
  }
  const wide = renderTable(input.analysis, { columns: 80, isColoured: false });
  assert.match(
    wide,
    /\n {2}depth +verdict +mean +against +difference +95% interval +p +blocks\n {2}0 +within ±δ +0\.494 +0\.500 /,
  );
  assert.ok(renderTable(input.analysis, { columns: 80, isColoured: true }).includes('\u001B[33m'));
});

test('an outcome or an axis without a unit leaves no empty brackets and no hole', () => {
  const bare = <T extends { readonly unit: string }>(one: T): T => ({ ...one, unit: '' });
  const { study } = input;
  const unitless = { ...study, outcomes: study.outcomes.map(bare), matchOn: study.matchOn.map(bare) };
  const page = shownOf(renderReport({ ...input, study: unitless }).html).replaceAll(/<[^>]*>/g, ' ');
  assert.doesNotMatch(page, /\(\s*[),]/);
  assert.match(shownOf(html), /\(fraction/);
});
