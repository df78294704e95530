import assert from 'node:assert/strict';
import { test } from 'node:test';

import { analyse, type AnalysedStudy } from '#analysis/analyse.ts';
import type { Frame } from '#analysis/frame.ts';

const BLOCKS = 8;
const STUDY: AnalysedStudy = { scope: 'made-up arms', matchOn: [], outcomes: [], contrasts: [] };

/** One run a block of each arm, of one point; `scatter` has mean 0 over the blocks. */
function frameOf(arms: Record<string, (scatter: number) => Record<string, number>>): Frame {
  return {
    runs: Object.entries(arms).flatMap(([arm, outcomes]) =>
      Array.from({ length: BLOCKS }, (_, block) => ({
        arm,
        block,
        status: 'finished' as const,
        points: [{ step: 1, axes: {}, outcomes: outcomes(block % 2 === 0 ? 1 : -1) }],
      })),
    ),
  };
}

test('a map shows means and differences over two factors, and a theory beside them', () => {
  const arms = [2, 4].flatMap((rank) =>
    ['lora', 'full'].flatMap((method) =>
      [8, 16].map((width) => ({ name: `${method} ${rank} ${width}`, label: '', at: { rank, method, width } })),
    ),
  );
  const value = (arm: (typeof arms)[number]['at']): number =>
    arm.rank / 10 + (arm.method === 'lora' ? 0.05 * arm.width : 0);
  const frame = frameOf(
    Object.fromEntries(
      arms.map(({ name, at: place }) => [
        name,
        (scatter: number) => ({ binding: value(place) + scatter, theory: value(place) }),
      ]),
    ),
  );
  const map = {
    name: 'ranks',
    label: 'Ranks',
    x: 'rank',
    y: 'width',
    outcome: 'binding',
    at: { kind: 'end' },
    theory: 'theory',
    difference: { factor: 'method', from: 'full', to: 'lora' },
  } as const;
  const [record] = analyse({ ...STUDY, arms, maps: [map] }, frame).maps ?? [];
  assert.deepEqual([record?.x.values, record?.y.values, record?.cells.length], [[2, 4], [8, 16], 4]);
  for (const cell of record?.cells ?? []) {
    assert.equal(cell.units, BLOCKS);
    assert.ok(
      Math.abs((cell.mean ?? 0) - 0.05 * Number(cell.y)) < 1e-12 &&
        Math.abs((cell.theory ?? 0) - 0.05 * Number(cell.y)) < 1e-12,
    );
  }
  const only = { factor: 'method', value: 'lora' } as const;
  const { difference: _, ...plain } = map;
  const [onlyRecord] = analyse({ ...STUDY, arms, maps: [{ ...plain, only }] }, frame).maps ?? [];
  assert.equal(onlyRecord?.cells.length, 4);
  for (const cell of onlyRecord?.cells ?? []) {
    // The means of the arms of one method, where the plain map takes both.
    assert.ok(Math.abs((cell.mean ?? 0) - (Number(cell.x) / 10 + 0.05 * Number(cell.y))) < 1e-12);
  }
  const [plainRecord] = analyse({ ...STUDY, arms, maps: [plain] }, frame).maps ?? [];
  const cell = plainRecord?.cells.find(({ x, y }) => x === 2 && y === 8);
  // Two arms share the cell: their mean.
  assert.ok(Math.abs((cell?.mean ?? 0) - (0.2 + 0.2)) < 1e-12, `${cell?.mean}`);
});

test('cells stand in the order of the values of x, then of y, whatever the order of the arms', () => {
  const places = [
    [4, 'b'],
    [2, 'a'],
    [2, 'b'],
    [4, 'a'],
  ] as const;
  const arms = places.map(([rank, side]) => ({ name: `${rank}${side}`, label: '', at: { rank, side } }));
  const frame = frameOf(
    Object.fromEntries(arms.map(({ name }) => [name, (scatter: number) => ({ binding: scatter })])),
  );
  const map = { name: 'm', label: 'm', x: 'rank', y: 'side', outcome: 'binding', at: { kind: 'end' } } as const;
  const [record] = analyse({ ...STUDY, arms, maps: [map] }, frame).maps ?? [];
  assert.deepEqual(
    record?.cells.map(({ x, y }) => `${x}${y}`),
    ['2b', '2a', '4b', '4a'],
  );
});
