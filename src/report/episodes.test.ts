import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Json } from '#base/json.ts';
import { type Episode, episodeLines, readEpisode } from '#study/episode.ts';

import { claimsFixture } from './claims-fixture.ts';
import { renderReport } from './report.ts';

const WALK: Episode = {
  title: 'pay 1, <watched>',
  map: ['#..G', '#..H'],
  steps: [
    { at: [1, 0], saw: 'pay 1', thought: 'the good is near', did: 'right', felt: -0.5 },
    { at: [2, 0], did: 'right', felt: 2, got: '+1' },
  ],
  ending: 'good',
};

function sectionOf(episodes: readonly Episode[]): string {
  const input = claimsFixture();
  const { html } = renderReport({ ...input, episodes: [{ arm: 'tower', block: 0, episodes }] });
  return /<section class="folded" aria-labelledby="episodes">.*?<\/section>/s.exec(html)?.[0] ?? assert.fail(html);
}

test('a strip shows where the agent was, and every channel that was used, as text, without any script', () => {
  const shown = sectionOf([WALK]);
  assert.match(shown, /pay 1, &lt;watched&gt;: good/);
  assert.match(shown, /aria-label="column 3, row 1"/);
  assert.equal(shown.match(/<circle/g)?.length, 2);
  assert.equal(shown.match(/class="ground-wall"/g)?.length, 2, 'the place is drawn once and used again');
  for (const words of ['the good is near', 'pay 1', 'right', '+1']) assert.ok(shown.includes(words), words);
  assert.doesNotMatch(shown, /<th scope="row">said/, 'a channel that nobody used has no row');
  assert.doesNotMatch(shown, /<script/);
});

test('numbers are bars on one scale for the whole episode, downwards where they are negative', () => {
  const heights = [...sectionOf([WALK]).matchAll(/<rect x="3" y="([\d.]+)" width="10" height="([\d.]+)"/g)];
  assert.deepEqual(
    heights.map(([, y, height]) => [Number(y), Number(height)]),
    [
      [14, 3.5],
      [0, 14],
    ],
  );
});

test('a long episode goes on below, and what is left out is counted', () => {
  const steps = Array.from({ length: 70 }, (_, i) => ({ did: `d${i}`, felt: i }));
  const shown = sectionOf([{ title: 'a life', steps }]);
  assert.match(shown, /a life, and 10 more steps/);
  assert.equal(shown.match(/<table/g)?.length, 4);
  assert.ok(shown.includes('d59') && !shown.includes('d60'));
});

test('a page without episodes has no such section', () => {
  assert.doesNotMatch(renderReport(claimsFixture()).html, /id="episodes"/);
});

test('episodes come back from their lines as they were, and what is no episode is left out', () => {
  const lines = episodeLines([WALK]).trimEnd().split('\n');
  const [line]: Json[] = lines.map((text): Json => JSON.parse(text));
  assert.deepEqual(line === undefined ? line : readEpisode(line), WALK);
  for (const other of [null, 3, {}, { title: 'x' }, { steps: [] }]) assert.equal(readEpisode(other), undefined);
  assert.deepEqual(readEpisode({ title: 't', steps: [{ did: 1, at: ['a', 2], unknown: 'x' }, null] }), {
    title: 't',
    steps: [{ did: 1 }, {}],
  });
});
