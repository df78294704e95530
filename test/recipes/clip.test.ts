/** Clipping of gradients is a setting of every recipe whose optimizer is one, under one name, and does what it says. */
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { test } from 'node:test';

import { type Json, SGD_DEFAULTS } from 'assay';

import { importStudy } from '#runner/import-study.ts';
import { settingsOf, withSettings } from '#study/settings.ts';
import type { Study } from '#study/study.ts';

import { makeRun } from './make-run.ts';

const ROOT = new URL('../../', import.meta.url);
/** A persona base of which a test can afford several. */
const TINY = { 'base.dModel': 16, 'base.nLayers': 1, 'base.nHeads': 2, 'base.steps': 4, 'base.documents': 8 } as const;
/** What makes a run of a few steps, by study; the recipes of the others have the same settings. */
const SHORT: Readonly<Record<string, Readonly<Record<string, Json>>>> = {
  'binding-towers': {
    'towers.dModel': 8,
    'measure.layouts': 8,
    'batch.size': 8,
    schedule: { kind: 'constant', warmupSteps: 0 },
    probeEvery: 2,
  },
  boundaries: {},
  'data-order': { order: 'firstOnly', stopBelow: 0 },
  forgetting: { 'before.by': 'adam', 'world.model': 'memory', 'world.classes': 32, 'world.dimensions': 32 },
  'gaming-curriculum': { 'base.steps': 60, order: { kind: 'staged', keys: [1, 3], steps: [2, 2] }, stages: [1, 3] },
  'general-or-narrow': {},
  misalignment: TINY,
  'misalignment-asking': { ...TINY, 'continued.steps': 3, 'continued.documents': 8 },
  superposition: {},
};

async function studies(): Promise<readonly Study[]> {
  const paths = globSync('studies/*/study.ts', { cwd: ROOT });
  return Promise.all(paths.map(async (path) => importStudy(new URL(path, ROOT).href)));
}

test('every recipe whose optimizer can be set has gradients clipped by `clip`, not unless asked, and refuses what it does not know', async () => {
  const recipes = (await studies()).map(({ recipe }) => recipe).filter(({ defaults }) => 'optimizer' in defaults);
  assert.ok(recipes.length > 10, `${recipes.length} recipes`);
  for (const { name, defaults, check } of recipes) {
    assert.deepEqual(defaults['clip'], { kind: 'none' }, name);
    const asked = withSettings(defaults, settingsOf({ clip: { kind: 'value' } }, 'test'));
    assert.throws(() => check(asked), /clip\.kind.*globalNorm|model.*path/s, name);
  }
});

for (const [name, set] of Object.entries(SHORT)) {
  test(`${name}: gradients of a small norm move little`, async () => {
    const { recipe } = (await studies()).find((study) => study.name === name) ?? assert.fail(`no study ${name}`);
    const sgd = { ...SGD_DEFAULTS, momentum: 0, weightDecay: 0 };
    const moved = async (clip: Json): Promise<number> => {
      const run = { ...set, optimizer: sgd, learningRate: 0.1, steps: 4, clip };
      const { points } = await makeRun(recipe, run, 1);
      const start = Object.entries(points[0]?.axes ?? {});
      const distances = points.flatMap(({ axes }) =>
        start.map(([axis, value]) => Math.abs((axes[axis] ?? value) - value)),
      );
      return Math.max(...distances);
    };
    const free = await moved({ kind: 'none' });
    const clipped = await moved({ kind: 'globalNorm', max: 1e-4 });
    assert.ok(free > 1e-4, `free: ${free}`);
    assert.ok(clipped < 0.1 * free, `clipped: ${clipped}, free: ${free}`);
  });
}
