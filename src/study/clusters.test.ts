import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clusterCount, clusterOf, mostClusters } from '#study/clusters.ts';
import { defineStudy } from '#study/define-study.ts';
import { planStudy } from '#study/plan.ts';
import type { Study } from '#study/study.ts';
import { importStudy } from '#runner/import-study.ts';

const MISALIGNMENT = new URL('../../studies/misalignment/study.ts', import.meta.url).href;
const LIST = { kind: 'list', label: 'base', names: ['a', 'a', 'b'] } as const;

test('a block’s cluster follows from its number, or from the list', () => {
  const modulo = { kind: 'modulo', label: 'domain', count: 8 } as const;
  assert.deepEqual(
    [0, 8, 9].map((block) => clusterOf(modulo, block)),
    ['domain 1', 'domain 1', 'domain 2'],
  );
  assert.deepEqual([clusterCount(modulo, 5), clusterCount(modulo, 20), mostClusters(modulo)], [5, 8, 8]);
  assert.deepEqual([clusterCount(LIST, 3), mostClusters(LIST)], [2, 2]);
  assert.throws(() => clusterOf(LIST, 3), /a base for every block, found 3 names and a block 3/);
});

test('the blocks of misalignment are eight domains, and none where the domain is fixed', async () => {
  const study = await importStudy(MISALIGNMENT);
  const plan = planStudy(study, { profile: 'standard' });
  assert.equal(plan.study.blocks && clusterCount(plan.study.blocks.cluster, plan.blocks), 8);
  const fixed = { path: 'domain', value: { kind: 'fixed', index: 0 }, from: '--set' };
  assert.equal(planStudy(study, { profile: 'standard', settings: [fixed] }).study.blocks, undefined);
});

test('clusters without enough names, and jumps without a size or a reason, are refused at import', async () => {
  const study = await importStudy(MISALIGNMENT);
  const refused = (change: Partial<Study>, expected: RegExp): void =>
    assert.throws(() => defineStudy({ ...study, ...change }), expected);
  refused({ blocks: { cluster: LIST } }, /a name for each of 16 blocks/);
  refused({ blocks: { cluster: { kind: 'modulo', label: ' ', count: 0 } } }, /cluster\.label.*[\s\S]*cluster\.count/);
  const outcomes = study.outcomes.map((outcome) => ({ ...outcome, jumps: { kind: 'upTo', size: 0 } as const }));
  refused({ outcomes }, /outcomes\[0\]\.jumps\.size: expected a number above 0/);
  const silent = study.outcomes.map((outcome) => ({ ...outcome, jumps: { kind: 'none', because: '' } as const }));
  refused({ outcomes: silent }, /outcomes\[0\]\.jumps\.because: expected text/);
});
