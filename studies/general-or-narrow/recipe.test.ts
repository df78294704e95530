/** Runs at the gate: the exact nulls, what rank does, and which configs are refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Json } from '#base/json.ts';
import { MUON_DEFAULTS } from '#learning/optim/muon.ts';
import { settingsOf, withSettings } from '#study/settings.ts';
import { type Made, makeRun } from '../../test/recipes/make-run.ts';
import { finetuneGate } from './recipe.ts';

const recipe = finetuneGate();
const LORA_1 = { method: { kind: 'lora', rank: 1, alpha: 2 }, learningRate: 2.5e-3 } as const;

const make = async (set: Readonly<Record<string, Json>>, block = 3, resumeFrom?: Uint8Array): Promise<Made> =>
  makeRun(recipe, set, block, resumeFrom);

/** The outcome where the training loss first is below a level. */
function swappedAt({ points }: Made, level: number): number {
  const point = points.find(({ axes }) => (axes['train'] ?? Infinity) <= level);
  return point?.outcomes?.['swapped'] ?? assert.fail(`no outcome at ${level}`);
}

test('the same seed gives the same bits; another order of the data gives other ones', async () => {
  const [one, again, other] = [await make({}), await make({}), await make({ 'seeds.data': 1000 })];
  assert.deepEqual(one.points, again.points);
  assert.notDeepEqual(one.points, other.points);
});

test('the seed of the start moves an adapter, and nothing where nothing is drawn', async () => {
  const other = { 'seeds.init': 1000 };
  assert.deepEqual((await make(other)).points, (await make({})).points);
  assert.notDeepEqual((await make({ ...LORA_1, ...other })).points, (await make(LORA_1)).points);
});

test('the seed of the world shifts the world of a block, and nothing else', async () => {
  const shifted = await make({ 'seeds.world': 2 }, 3);
  assert.deepEqual(shifted.points, (await make({ 'seeds.init': -2, 'seeds.data': -2 }, 5)).points);
  assert.notDeepEqual(shifted.points, (await make({}, 3)).points);
});

for (const [name, set] of Object.entries({
  'AdamW, with swapped answers elsewhere': { elsewhereWeight: 2 },
  'LoRA, rank 1': LORA_1,
  'a truncated reading': { reading: { kind: 'truncated', rank: 4 } },
})) {
  test(`interrupt and resume is an exact null: ${name}`, async () => {
    const whole = await make({ ...set, steps: 20 });
    for (const index of [2, 15]) {
      const { state, recorded } = whole.checkpoints[index] ?? assert.fail('fewer checkpoints than probes');
      const rest = await make({ ...set, steps: 20 }, 3, state);
      assert.deepEqual([...whole.points.slice(0, recorded), ...rest.points], whole.points);
    }
  });
}

test('a reading changes what is measured, never what is trained', async () => {
  const [whole, read] = [
    await make({ steps: 20 }),
    await make({ steps: 20, reading: { kind: 'truncated', rank: 64 } }),
  ];
  for (const [i, { axes }] of whole.points.entries()) {
    const other = read.points[i]?.axes['train'] ?? Number.NaN;
    assert.ok(Math.abs((axes['train'] ?? 0) - other) < 1e-4, `probe ${i}: ${axes['train']} against ${other}`);
  }
});

test('at equal training loss rank 1 swaps more of the other keys than AdamW, and Muon fewer', async () => {
  const [full, lora, muon] = [
    await make({}),
    await make(LORA_1),
    await make({ optimizer: MUON_DEFAULTS, learningRate: 0.02 }),
  ];
  const [a, b, c] = [full, lora, muon].map((made) => swappedAt(made, 0.8));
  assert.ok((b ?? 0) > (a ?? 1) + 0.2 && (c ?? 1) < (a ?? 0) - 0.1, `full ${a}, rank 1 ${b}, Muon ${c}`);
});

test('swapped answers elsewhere raise what they train', async () => {
  const [full, spread] = [await make({}), await make({ elsewhereWeight: 0.4 })];
  assert.ok(swappedAt(spread, 0.8) > swappedAt(full, 0.8) + 0.05);
});

test('the persona direction alone is all that its method writes to', async () => {
  const { points } = await make({ method: { kind: 'persona' }, learningRate: 5e-3 });
  const outcomes = points.at(-1)?.outcomes ?? {};
  assert.ok((outcomes['personaShare'] ?? 0) > 0.999 && (outcomes['stableRank'] ?? 0) < 1.001, JSON.stringify(outcomes));
});

test('a config that makes no sense is refused by its path, before any training', () => {
  const refused = (set: Readonly<Record<string, Json>>, message: RegExp): void => {
    assert.throws(() => recipe.check(withSettings(recipe.defaults, settingsOf(set, 'test'))), message);
  };
  refused({ 'world.shared': 1 }, /world\.shared.*at most|world\.shared.*\[0, 0\.99\]/);
  refused({ method: { kind: 'lora', rank: 65, alpha: 2 } }, /method\.rank/);
  refused({ method: { kind: 'lora', rank: 1, alpha: 2 }, reading: { kind: 'truncated', rank: 1 } }, /reading\.kind/);
  refused({ elsewhereWeight: -1 }, /elsewhereWeight/);
});
