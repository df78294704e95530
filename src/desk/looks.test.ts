import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import type { Analysis } from '#analysis/records/analysis-record.ts';
import { alphaOfLook } from '#analysis/verdict/alpha-spending.ts';
import { importStudy } from '#runner/import-study.ts';
import { openSqliteStore } from '#store/sqlite.ts';
import { planStudy, type StudyPlan } from '#study/plan.ts';

import type { Collected } from './collected.ts';
import { looksAt, recordLook } from './looks.ts';

const ROOT = mkdtempSync(join(tmpdir(), 'assay-looks-'));
const TOY = new URL('../../test/e2e/toy/study.ts', import.meta.url).href;

after(() => rmSync(ROOT, { recursive: true }));

async function planOf(blocks: number, steps?: number): Promise<StudyPlan> {
  const settings = steps === undefined ? [] : [{ path: 'steps', value: steps, from: '--set' }];
  return planStudy(await importStudy(TOY), { profile: 'quick', blocks, settings });
}

function runsOf(blocks: number): Collected {
  const runs = Array.from({ length: blocks }, (_, block) => ({
    arm: 'a',
    block,
    status: 'finished' as const,
    points: [],
  }));
  return { frame: { runs }, configs: [], troubled: [], settled: [], pilotRates: [], provenance: [] };
}

test('more seeds after an answer are a further look with what alpha is left; other settings are another study', async () => {
  await using store = await openSqliteStore(join(ROOT, 'store'));
  for (const [blocks, expected] of [
    [8, 0.035],
    [8, 0.035],
    [12, 0.005],
  ] as const) {
    const plan = await planOf(blocks);
    const previous = await looksAt(store, plan);
    const look = alphaOfLook(blocks, previous);
    assert.ok(look.kind === 'alpha' && Math.abs(look.alpha - expected) < 1e-12, `${blocks} blocks`);
    const seen: Pick<Analysis, 'look' | 'verdicts'> = { look: { blocks, alpha: look.alpha, previous }, verdicts: [] };
    await recordLook(store, { plan, planId: plan.planId }, runsOf(blocks), seen);
  }
  const numbers = (count: number): number[] => Array.from({ length: count }, (_, block) => block);
  assert.deepEqual(
    (await looksAt(store, await planOf(16))).map(({ blocks, seen }) => [blocks, seen]),
    [
      [8, numbers(8)],
      [12, numbers(12)],
    ],
  );
  assert.deepEqual(await looksAt(store, await planOf(16, 99)), []);
});
