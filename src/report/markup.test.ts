import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { csvText } from '#report/csv.ts';
import { dataDomain } from '#report/data-domain.ts';
import { coordinate, escapeText, markup } from '#report/markup.ts';
import { type Point, simplifyPath } from '#report/charts/simplify-path.ts';

/** The simplification may move a line by what a reader cannot see, in chart units. */
const SIMPLIFY_TOLERANCE = 0.3 + 1e-9;

test('text put into markup is escaped once; markup put into markup is not escaped again', () => {
  const inner = markup`<b>${'a < b & "c"'}</b>`;
  assert.equal(
    markup`<p title="${"it's"}">${inner}</p>`.text,
    '<p title="it&#39;s"><b>a &lt; b &amp; &quot;c&quot;</b></p>',
  );
});

test('no escaped text can open a tag or close an attribute', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !/[<>"']/.test(escapeText(text))));
});

test('a coordinate that is not finite is refused', () => {
  assert.equal(coordinate(1 / 3), '0.33');
  for (const value of [Number.NaN, Infinity]) assert.throws(() => coordinate(value), RangeError);
});

test('CSV cells with commas, quotes or line ends are quoted; unknown numbers are empty, never 0', () => {
  assert.equal(
    csvText(
      ['a', 'b'],
      [
        ['x,"y"\n', Number.NaN],
        [undefined, 0],
      ],
    ),
    'a,b\n"x,""y""\n",\n,0\n',
  );
});

const numbers = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1 });

test('a domain holds all finite data, is never empty, and is as wide as asked for', () => {
  fc.assert(
    fc.property(numbers, fc.double({ min: 1e-3, max: 1e3, noNaN: true }), fc.boolean(), (values, minSpan, isNice) => {
      const [low, high] = dataDomain([...values, Number.NaN], { minSpan, isNice });
      assert.ok(low < high && high - low >= minSpan - 1e-9 * Math.max(minSpan, Math.abs(low), Math.abs(high)));
      for (const value of values) assert.ok(value >= low - 1e-9 && value <= high + 1e-9);
    }),
  );
  assert.deepEqual(dataDomain([]), [0, 1]);
});

test('a simplified path keeps its ends and stays within the tolerance of every dropped point', () => {
  const path = fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 300 })), {
    minLength: 1,
    maxLength: 60,
  });
  fc.assert(
    fc.property(path, (points) => {
      const simple = simplifyPath(points, 1000);
      assert.deepEqual(simple[0], points[0]);
      assert.deepEqual(simple.at(-1), points.at(-1));
      for (const point of points) assert.ok(distanceToPath(point, simple) <= SIMPLIFY_TOLERANCE);
    }),
  );
});

function distanceToPath([x, y]: Point, path: readonly Point[]): number {
  const [only] = path;
  if (path.length === 1 && only) return Math.hypot(x - only[0], y - only[1]);
  return Math.min(
    ...path.slice(1).map(([x1, y1], index) => {
      const [x0, y0] = path[index] ?? [x1, y1];
      const squared = (x1 - x0) ** 2 + (y1 - y0) ** 2;
      const share =
        squared === 0 ? 0 : Math.min(1, Math.max(0, ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / squared));
      return Math.hypot(x - x0 - share * (x1 - x0), y - y0 - share * (y1 - y0));
    }),
  );
}

test('simplifying reads a path n log n times, even a sawtooth of which each point stands out', () => {
  const readsOf = (length: number, maxPoints: number): number => {
    let reads = 0;
    const sawtooth = Array.from({ length }, (_, i): Point => [i / 10, i % 2 === 0 ? 0 : 300]);
    const counted = new Proxy(sawtooth, {
      get: (path, name, receiver) => {
        reads++;
        return Reflect.get(path, name, receiver) as unknown;
      },
    });
    assert.ok(simplifyPath(counted, maxPoints).length <= maxPoints);
    return reads;
  };
  for (const maxPoints of [20, 400]) {
    const [short, long] = [readsOf(1000, maxPoints), readsOf(4000, maxPoints)];
    assert.ok(long < 6 * short, `${short} reads of 1,000 points, ${long} of 4,000`);
  }
});
