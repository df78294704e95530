import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { claimsFixture } from '#report/claims-fixture.ts';
import { renderReport } from '#report/report.ts';
import { keepText } from '#store/folder.ts';
import type { PlanMember } from '#store/records.ts';
import { episodeLines, EPISODES_FILE } from '#study/episode.ts';

import { shownTexts } from './shown-texts.ts';

const ROOT = mkdtempSync(join(tmpdir(), 'assay-texts-'));
const ARMS = [{ name: 'tower' }, { name: 'untrained' }, { name: 'shuffled' }];

after(() => rmSync(ROOT, { recursive: true }));

function member(arm: string, block: number, more: Partial<PlanMember> = {}): PlanMember {
  return { arm, block, phase: 'confirmatory', learningRate: 0.1, measureId: `${arm}${block}`.padEnd(64, '0'), ...more };
}

function replyLine(line: number, reply: string, more: object = {}): string {
  const said = {
    eval: 'open',
    line,
    sample: 0,
    prompt: `Question ${line}`,
    reply,
    end: 'stop',
    scores: { correct: 1 },
  };
  return `${JSON.stringify({ ...said, missing: {}, ...more })}\n`;
}

function rowLine(text: string): string {
  return `${JSON.stringify([
    { text: 'Q:', learned: false },
    { text, learned: true },
  ])}\n`;
}

const MEMBERS = [
  member('tower', 1),
  member('tower', 0),
  member('untrained', 0),
  member('shuffled', 0, { phase: 'pilot' }),
];
for (const run of MEMBERS) {
  const name = `${run.arm} of block ${run.block}`;
  keepText(ROOT, run, 'replies-step-000040.jsonl', replyLine(1, `early ${name}`));
  keepText(
    ROOT,
    run,
    'replies-step-000120.jsonl',
    `${replyLine(1, `late ${name}`)}${replyLine(1, 'second sample', { sample: 1 })}torn\n${replyLine(2, '<b>x</b>', {
      end: 'length',
      scores: {},
      missing: { kind: 'the judge was silent' },
    })}${replyLine(3, 'third')}`,
  );
  keepText(ROOT, run, 'training-rows.jsonl', rowLine(run.arm === 'untrained' ? ' other' : ' same'));
}
keepText(ROOT, member('tower', 0), 'replies-step-000000.jsonl', replyLine(1, 'the base said'));

test('replies are those of the lowest confirmatory block of each arm at its last moment, after those of the base', () => {
  const { replies } = shownTexts(ROOT, ARMS, MEMBERS);
  assert.deepEqual(
    replies?.map(({ question }) => question),
    ['Question 1', 'Question 2'],
    'two questions an evaluation',
  );
  assert.deepEqual(
    replies[0]?.replies.map(({ arm, block, step, text, scores }) => [arm, block, step, text, scores]),
    [
      ['tower', 0, 0, 'the base said', 'correct 1'],
      ['tower', 0, 120, 'late tower of block 0', 'correct 1'],
      ['untrained', 0, 120, 'late untrained of block 0', 'correct 1'],
    ],
  );
  assert.equal(replies[1]?.replies[0]?.scores, 'no kind: the judge was silent, cut at its greatest length');
});

test('arms that were given the same rows are shown them once, and what is learned is told from what is read', () => {
  const alike = shownTexts(ROOT, [{ name: 'tower' }], [member('tower', 0), member('tower', 1)]).given;
  assert.deepEqual(alike, [
    {
      arms: ['tower'],
      rows: [
        [
          { text: 'Q:', isLearned: false },
          { text: ' same', isLearned: true },
        ],
      ],
    },
  ]);
  assert.deepEqual(
    shownTexts(ROOT, ARMS, MEMBERS).given?.map(({ arms }) => arms),
    [['tower'], ['untrained']],
  );
});

test('episodes are the first of the lowest confirmatory block of each arm that kept any', () => {
  const kept = Array.from({ length: 6 }, (_, i) => ({ title: `episode ${i}`, steps: [{ did: 'left' }] }));
  const own = member('walker', 3);
  keepText(ROOT, own, EPISODES_FILE, `${episodeLines(kept)}torn\n`);
  assert.deepEqual(shownTexts(ROOT, [{ name: 'walker' }], [own, ...MEMBERS]).episodes, [
    { arm: 'walker', block: 3, learningRate: 0.1, episodes: kept.slice(0, 4) },
  ]);
  assert.equal(shownTexts(ROOT, ARMS, MEMBERS).episodes, undefined);
});

test('tables that a run kept stand on the page as text, and those of another shape are left out', () => {
  const own = member('tables', 2);
  const table = { title: 'Features', columns: ['feature', 'partner'], rows: [['0', '<i>7</i>']] };
  keepText(ROOT, own, 'table-features.json', JSON.stringify(table));
  keepText(ROOT, own, 'table-short.json', JSON.stringify({ ...table, rows: [['0']] }));
  keepText(ROOT, own, 'table-torn.json', '{');
  const { tables = [] } = shownTexts(ROOT, [{ name: 'tables' }], [own, ...MEMBERS]);
  assert.deepEqual(tables, [{ arm: 'tables', block: 2, ...table }]);
  const { html } = renderReport({ ...claimsFixture(), tables });
  assert.match(html, /id="tables".*Features: .*&lt;i&gt;7&lt;\/i&gt;/s);
  assert.doesNotMatch(renderReport(claimsFixture()).html, /id="tables"/);
});

test('a store whose texts were taken away has nothing to show', () => {
  assert.deepEqual(shownTexts(join(ROOT, 'elsewhere'), ARMS, MEMBERS), {});
});

test('the page shows texts as text, folded, long ones cut with how much is missing', () => {
  const { replies = [], given = [] } = shownTexts(ROOT, ARMS, MEMBERS);
  const [first] = replies;
  assert.ok(first);
  const long = { ...first, question: 'x'.repeat(900) };
  const { html } = renderReport({ ...claimsFixture(), replies: [long, ...replies], given });
  const said = /<section class="folded" aria-labelledby="said">.*?<\/section>/s.exec(html)?.[0] ?? assert.fail();
  assert.match(said, /&lt;b&gt;x&lt;\/b&gt;/);
  assert.match(said, /The base model, before any step<\/b> <span class="evidence">correct 1/);
  assert.match(said, /… \(100 more characters\)/);
  assert.match(html, /<h3>Trained towers<\/h3><p class="said">Q:<mark> same<\/mark><\/p>/);
  assert.doesNotMatch(renderReport(claimsFixture()).html, /id="(said|given)"/);
});

test('pairs of pictures are shown with their captions and cosines, one run an arm, and what is no picture is left out', () => {
  const root = mkdtempSync(join(tmpdir(), 'assay-pairs-'));
  after(() => rmSync(root, { recursive: true }));
  const png = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10, 0]).toString('base64');
  const pair = {
    pictures: [png, png],
    captions: ['a <b> cube', 'swap'],
    cosines: [
      [0.25, 0.125],
      [0.5, 0.75],
    ],
  };
  const lines = [
    pair,
    { ...pair, pictures: [png, '"><script>'] },
    { ...pair, cosines: [[1, 2], [3]] },
    { ...pair, captions: ['one'] },
  ];
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  for (const block of [0, 1]) keepText(root, member('tower', block), 'scene-pairs.jsonl', text);
  const { pairs = [] } = shownTexts(root, ARMS, [member('tower', 0), member('tower', 1)]);
  assert.deepEqual(pairs, [{ arm: 'tower', pairs: [pair] }]);
  const { html } = renderReport({ ...claimsFixture(), pairs });
  assert.match(html, /0\.2500 a &lt;b&gt; cube/);
  assert.match(html, new RegExp(`<img alt="a &lt;b&gt; cube" src="data:image/png;base64,${png}">`));
  // The nearer caption of each picture stands in bold: right for both.
  assert.match(html, /<b>0\.2500 a &lt;b&gt; cube<\/b>/);
  assert.match(html, /<b>0\.7500 swap<\/b>/);
  assert.doesNotMatch(renderReport(claimsFixture()).html, /side by side/);
});
