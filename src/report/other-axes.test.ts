import assert from 'node:assert/strict';
import { test } from 'node:test';

import { analyse } from '#analysis/analyse.ts';
import { isControlled, plannedDesign, powerAt } from '#analysis/power/planned-power.ts';
import { rngOf } from '#base/rng.ts';

import { FIXTURE_STUDY, reportFixture } from './report-fixture.ts';
import { renderReport } from './report.ts';
import { renderTable } from './table.ts';

const SIZE = { blocks: 8, rates: 2, points: 20 };

test('axes that are no losses by role are analysed, reported and planned for like any others', () => {
  const input = reportFixture(SIZE);
  const study = {
    ...FIXTURE_STUDY,
    matchOn: FIXTURE_STUDY.matchOn.map((axis) => ({ ...axis, role: 'other' as const })),
  };
  const analysis = analyse(study, input.frame);
  // The same matchings under the axes' own names, without the two that are made of a training and a held-out loss.
  const estimates = (of: typeof analysis, name: string): unknown[] =>
    of.verdicts.map(({ matchings }) => {
      const found = matchings[name];
      return found?.kind === 'estimated' ? [found.estimate, found.ci95] : found?.kind;
    });
  for (const name of ['train', 'heldOut']) assert.deepEqual(estimates(analysis, name), estimates(input.analysis, name));
  assert.deepEqual(Object.keys(analysis.verdicts[0]?.matchings ?? {}), ['train', 'heldOut']);
  assert.ok(analysis.verdicts.some(({ verdict }) => verdict === 'affects'));
  const report = renderReport({ ...input, study, analysis });
  assert.ok(report.html.includes('Held-out loss'));
  assert.match(renderTable(analysis, { columns: 100, isColoured: false }), /matched on/);
  const design = plannedDesign(study, 'misaligned', 8, 1);
  assert.ok(design !== undefined && !design.hasJoint && isControlled(study, 'misaligned'));
  assert.ok(powerAt(design, 0.01, rngOf(0, 'test'), 20).affects > 0.5);
});
