import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { analyse } from '#analysis/analyse.ts';
import type { Frame } from '#analysis/frame.ts';
import { readCsv } from '#analysis/import/csv.ts';
import { readParquet } from '#analysis/import/parquet.ts';
import { renderReport } from '#report/report.ts';
import { escapeText } from '#report/markup.ts';
import { asTitle } from '#report/wording.ts';
import type { ReportFile, ReportInput } from '#report/report-input.ts';
import { FIXTURE_STUDY, fixtureRuns, reportFixture } from '#report/report-fixture.ts';

const MAX_HTML_BYTES = 1_500_000;
/** 8 arms x 13 blocks x 2 rates: a little over 200 runs, each with 400 probes. */
const LARGE = { blocks: 13, rates: 2, points: 400 };

const input = reportFixture();
const { html, files } = renderReport(input);

function countOf(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].length;
}

function figureOf(text: string, id: string): string {
  return text.split(`<figure id="${id}"`)[1]?.split('</figure>')[0] ?? assert.fail(`no figure ${id}`);
}

/** A page without its style sheet and script. */
function shownOf(text: string): string {
  return text.replaceAll(/<(style|script)>.*?<\/\1>/gs, '');
}

test('the first picture is two panels with one path a run in each', () => {
  const panels = figureOf(html, 'behaviour-0').split('<svg class="chart').slice(1);
  assert.equal(panels.length, 2);
  const drawable = input.frame.runs.length;
  for (const panel of panels) assert.equal(countOf(panel, /class="run"/g), drawable);
  const yTicks = panels.map((panel) => [...panel.matchAll(/text-anchor="end">([\d.]+)</g)].map((match) => match[1]));
  assert.deepEqual(yTicks[0], yTicks[1], 'the same y axis');
});

test('the legend of a picture has no arm that it does not draw, and the others keep their styles', () => {
  const { frame } = input;
  const runs = frame.runs.map((run) =>
    run.arm === 'lora-4' ? { ...run, points: run.points.map(({ step }) => ({ step, axes: {}, outcomes: {} })) } : run,
  );
  const legend = (text: string): string => figureOf(text, 'behaviour-0').split('</ul>')[0] ?? '';
  const [all, some] = [legend(html), legend(renderReport({ ...input, frame: { runs } }).html)];
  assert.ok(all.includes('LoRA rank 4') && !some.includes('LoRA rank 4'));
  assert.equal(some, all.replace(/<li [^>]*>(?:(?!<\/li>).)*LoRA rank 4<\/li>/s, ''));
});

test('which way an outcome is good stands beside the numbers and under the picture, where the study says so', () => {
  assert.match(figureOf(html, 'behaviour-0'), /<\/b> Higher is worse\. Each thin line/);
  assert.match(html, /Numbers: misaligned answers \(fraction, higher is worse\)/);
  assert.doesNotMatch(html, /Refusals \(fraction, higher/);
});

test('every arm has a trajectory panel on every axis, one path a run in all of them together', () => {
  for (const index of FIXTURE_STUDY.matchOn.keys()) {
    const text = figureOf(html, `trajectories-${index}`);
    assert.equal(countOf(text, /class="chart small"/g), FIXTURE_STUDY.arms.length);
    assert.equal(countOf(text, /class="run"/g), input.frame.runs.length);
  }
});

/** A file's text; nothing where it is binary. */
function textOf(file: ReportFile | undefined): string {
  return typeof file?.content === 'string' ? file.content : '';
}

test('no number in a page or data file is NaN, undefined or infinite', () => {
  for (const text of [html, ...files.map(textOf)]) {
    assert.doesNotMatch(shownOf(text), /\b(NaN|undefined|Infinity|null)\b|\[object/);
  }
});

test('a page loads nothing, runs nothing but its own script, and its only links are to the data files beside it', () => {
  assert.doesNotMatch(
    html,
    /https?:|<script [^>]|<link rel="stylesheet|@import|url\(|\bon\w+=|\bfetch\b|XMLHttpRequest/,
  );
  const scripts = [...html.matchAll(/<script>(.*?)<\/script>/gs)].map((match) => match[1] ?? '');
  assert.equal(scripts.length, 1);
  const hash = createHash('sha256')
    .update(scripts[0] ?? '')
    .digest('base64');
  assert.ok(html.includes(`default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-${hash}'`));
  const links = new Set([...html.matchAll(/<a [^>]*href="([^"]*)"/g)].map((match) => match[1]));
  assert.deepEqual(links, new Set(files.map((file) => file.name)));
});

test('every verdict stands in the answer with its sentence, and every matching in the table', () => {
  const answer = /<h2 id="answer">.*?<\/section>/s.exec(html)?.[0] ?? '';
  for (const { reason, why } of input.analysis.verdicts) {
    const sentence = escapeText(asTitle(reason.replace(`On ${FIXTURE_STUDY.scope}: `, '')));
    assert.ok(html.includes(sentence), sentence);
    if (why !== undefined) assert.ok(answer.includes(escapeText(asTitle(why))), why);
  }
  const kinds = new Set(input.analysis.verdicts.map(({ verdict }) => verdict));
  assert.deepEqual(kinds, new Set(['explainedBy', 'undecided', 'affects']), 'the fixture shows several kinds');
  const matchings = input.analysis.verdicts.reduce((sum, { matchings: all }) => sum + Object.keys(all).length, 0);
  assert.equal(countOf(html, /<td class="matching">/g), matchings);
});

test('a failed control puts a banner before the answer, and passed ones do not', () => {
  assert.doesNotMatch(html, /class="banner"/);
  const analysis = {
    ...input.analysis,
    controls: [{ name: 'interrupt and resume', passed: false, detail: 'misaligned at step 25 is 0.1 against 0.2' }],
  };
  const page = renderReport({ ...input, analysis }).html;
  assert.ok(page.indexOf('class="banner"') > 0 && page.indexOf('class="banner"') < page.indexOf('id="answer"'));
  assert.match(page, /A control failed.*interrupt and resume.*is 0\.1 against 0\.2/s);
});

test('failed and diverged runs and voided blocks are listed and counted', () => {
  assert.match(html, /Confirmatory runs that diverged: 1 of 128\. Planned runs that failed or did not end: 1\./);
  assert.match(html, /worker killed three times/);
  assert.match(html, /<td>diverged<\/td><td>not recorded<\/td>/);
  assert.match(html, /voided for a pair and an outcome|Blocks voided for a pair/);
});

const HOSTILE = `<script>alert('x')</script>&"']]>\u0007`;

test('hostile names, questions and reasons come out as text', () => {
  const rename = (name: string): string => (name === 'muon' ? HOSTILE : name);
  const study = {
    ...FIXTURE_STUDY,
    name: HOSTILE,
    question: HOSTILE,
    scope: HOSTILE,
    arms: FIXTURE_STUDY.arms.map(({ name, label }) => ({
      name: rename(name),
      label: name === 'muon' ? HOSTILE : label,
    })),
    outcomes: FIXTURE_STUDY.outcomes.map((outcome) => ({ ...outcome, label: HOSTILE, unit: HOSTILE })),
    matchOn: FIXTURE_STUDY.matchOn.map((axis) => ({ ...axis, label: HOSTILE, unit: HOSTILE })),
    contrasts: FIXTURE_STUDY.contrasts.map((contrast) => ({ ...contrast, arm: rename(contrast.arm) })),
  };
  const frame = { runs: input.frame.runs.map((run) => ({ ...run, arm: rename(run.arm) })) };
  const page = renderReport({
    ...input,
    study,
    frame,
    analysis: analyse(study, frame),
    command: HOSTILE,
    provenance: [{ name: HOSTILE, value: HOSTILE }],
    troubledRuns: [{ kind: 'failed', phase: 'pilot', arm: HOSTILE, block: 0, reason: HOSTILE }],
  }).html;
  assert.ok(countOf(page, /&lt;script&gt;alert/g) > 10);
  assert.equal(countOf(page, /<script/g), 1, 'the page’s own');
  assert.doesNotMatch(page, /alert\('/);
  assert.ok(!page.includes('\u0007'));
});

const EMPTY: readonly (readonly [what: string, frame: Frame])[] = [
  ['no runs at all', { runs: [] }],
  ['runs without a single probe', { runs: input.frame.runs.map((run) => ({ ...run, points: [] })) }],
  ['two blocks', { runs: input.frame.runs.filter((run) => run.block < 2) }],
  ['one probe a run', { runs: input.frame.runs.map((run) => ({ ...run, points: run.points.slice(0, 1) })) }],
  ['no arm in common with the contrasts', { runs: input.frame.runs.filter((run) => run.arm === 'muon') }],
];

for (const [what, frame] of EMPTY) {
  test(`a study with ${what} still gives a whole page`, () => {
    const bare: ReportInput = {
      study: FIXTURE_STUDY,
      frame,
      analysis: analyse(FIXTURE_STUDY, frame),
      troubledRuns: [],
      heldEqual: [],
      provenance: [],
      command: 'assay audit runs.csv',
    };
    const page = renderReport(bare).html;
    assert.match(page, /<\/html>\s*$/);
    assert.doesNotMatch(shownOf(page), /\b(NaN|undefined|Infinity)\b/);
  });
}

test('the same input gives the same bytes', () => {
  assert.deepEqual(renderReport(input), { html, files });
});

test('a page of 208 runs with 400 probes each stays below 1.5 MB', () => {
  const large = renderReport({ ...input, frame: { runs: fixtureRuns(LARGE) } }).html;
  assert.ok(Buffer.byteLength(large) < MAX_HTML_BYTES, `${Buffer.byteLength(large)} bytes`);
});

test('verdicts, contrasts, levels and controls are tables, and Parquet holds what CSV holds', async () => {
  for (const name of ['verdicts', 'contrasts', 'levels', 'controls']) {
    const csv = readCsv(textOf(files.find((file) => file.name === `${name}.csv`)), name);
    const bytes = files.find((file) => file.name === `${name}.parquet`)?.content;
    assert.ok(bytes instanceof Uint8Array && csv.length > 0);
    const rows = await readParquet(bytes, name);
    const shown = (value: unknown): string =>
      typeof value === 'string' || typeof value === 'number' ? String(value) : '';
    const cells = rows.map((row) => Object.entries(row.cells).map(([key, value]) => [key, shown(value)]));
    assert.deepEqual(
      cells,
      csv.map((row) => Object.entries(row.cells)),
    );
  }
  assert.equal(
    textOf(files.find(({ name }) => name === 'verdicts.csv')).split('\n').length - 2,
    input.analysis.verdicts.length,
  );
});

test('what is doubtful stands in the answer, before any picture; nothing stands there without doubts', () => {
  const doubted = renderReport({ ...input, doubts: ['a level was <chosen> late'] }).html;
  const answer = /<h2 id="answer">.*?<\/section>/s.exec(doubted)?.[0] ?? '';
  assert.match(answer, /A doubt about these runs.*<li>a level was &lt;chosen&gt; late<\/li>/s);
  assert.doesNotMatch(html, /class="doubts"/);
});

test('a control that could not be looked at is told from one that failed', () => {
  const [first] = input.analysis.controls;
  assert.ok(first);
  const controls = [{ name: 'lost', passed: false, unsettled: true as const, detail: 'no runs' }];
  const lost = renderReport({ ...input, analysis: { ...input.analysis, controls } }).html;
  assert.match(lost, /A control could not be looked at: nothing below is a verdict/);
  assert.doesNotMatch(lost, /gave a wrong answer/);
  assert.match(lost, /\? not settled/);
});

test('data files hold every run, contrast, level and heat map cell', () => {
  const lines = (name: string): number => textOf(files.find((file) => file.name === name)).split('\n').length - 2;
  assert.equal(
    lines('trajectories.csv'),
    input.frame.runs.reduce((sum, run) => sum + run.points.length, 0),
  );
  const cells = input.analysis.descriptions.reduce((sum, { heatMap }) => {
    return sum + (heatMap?.cells.length ?? 0) * (heatMap?.deltas.length ?? 0);
  }, 0);
  assert.ok(cells > 0);
  assert.equal(lines('what-would-change.csv'), cells);
});

test('what would change a verdict says that it is of this look alone where an earlier look decided', () => {
  const alone = 'All of it is of this look alone, also where an earlier look decided.';
  assert.ok(!html.includes(alone));
  const { analysis } = input;
  const verdicts = analysis.verdicts.map((one) => ({ ...one, decidedAt: { look: 1, blocks: 6, alpha: 0.035 } }));
  assert.ok(renderReport({ ...input, analysis: { ...analysis, verdicts } }).html.includes(alone));
});
