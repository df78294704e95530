import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { MapRecord } from '#analysis/records/claim-record.ts';
import { colourAt, inkOn } from '#report/charts/colour-scale.ts';
import { contourSegments } from '#report/charts/contours.ts';
import { claimsFixture } from '#report/claims-fixture.ts';
import { renderReport } from '#report/report.ts';

const input = claimsFixture();
const { html } = renderReport(input);
const maps = input.analysis.maps ?? assert.fail();

function mapOf(page: string, index: number): string {
  return page.split(`<figure id="map-${index}"`)[1]?.split('</figure>')[0] ?? assert.fail(`no map ${index}`);
}

function pageOf(map: MapRecord): string {
  return renderReport({ ...input, analysis: { ...input.analysis, maps: [map] } }).html;
}

test('a map has a cell a place, a number in each that has one, and hatched ones for the rest', () => {
  for (const [index, map] of maps.entries()) {
    const figure = mapOf(html, index);
    const places = map.x.values.length * map.y.values.length;
    const known = map.cells.filter(({ mean }) => mean !== null).length;
    assert.equal([...figure.matchAll(/class="cell( empty)?"/g)].length, places);
    assert.equal([...figure.matchAll(/class="hatch"/g)].length, places - known);
    const lines = index === 2 ? 2 : 1;
    assert.equal([...figure.matchAll(/class="cell-number"/g)].length, lines * known);
  }
  assert.match(mapOf(html, 0), /Hatched: no number \(2 of 48 cells\)/);
});

test('a difference is coloured around zero, equally far to both sides; a mean from its lowest to its highest', () => {
  assert.match(mapOf(html, 0), />−0\.2<.*>−0\.1<.*>0<.*>\+0\.1<.*>\+0\.2<.*difference \(fraction\)/s);
  assert.match(mapOf(html, 1), />0<.*>0\.2<.*>0\.8<.*>1<.*mean \(fraction\)/s);
});

test('a theory is drawn as contours where both factors are ordered, and stands in the cells where they are not', () => {
  assert.ok([...mapOf(html, 1).matchAll(/class="over"/g)].length >= 3);
  assert.match(mapOf(html, 1), /Lines: where the theory has the values written on them/);
  assert.doesNotMatch(mapOf(html, 2), /class="over"/);
  assert.match(mapOf(html, 2), /In brackets: the theory’s value/);
  assert.doesNotMatch(mapOf(html, 0), /theory/);
});

test('values too long for their column are lettered and spelled out, never cut', () => {
  assert.match(mapOf(html, 2), /Encoder: A convolutional network; B vision transformer; C linear\./);
});

test('where cells are too narrow for numbers they have none, and a pointer still finds them', () => {
  const [first] = maps;
  assert.ok(first);
  const values = Array.from({ length: 30 }, (_, index) => index);
  const cells = values.map((x) => ({ x, y: 0, units: 8, mean: -x / 30, ci95: null, theory: null }));
  const figure = mapOf(pageOf({ ...first, x: { factor: 'm', values }, y: { factor: 'k', values: [0] }, cells }), 0);
  assert.doesNotMatch(figure, /class="cell-number"/);
  assert.match(figure, /<title>m 29, k 0: −0\.967, 8 blocks<\/title>/);
});

test('a map without any number, or with one alone, is left out, and one of equal numbers is drawn', () => {
  const [first] = maps;
  assert.ok(first);
  for (const kept of [0, 1]) {
    const few = first.cells.map((cell, i) => ({ ...cell, mean: i < kept ? 1 : null, ci95: null }));
    assert.ok(!pageOf({ ...first, cells: few }).includes('id="maps"'));
  }
  const equal = first.cells.map((cell) => ({ ...cell, mean: 0, ci95: null }));
  assert.doesNotMatch(mapOf(pageOf({ ...first, cells: equal }), 0), /NaN|undefined/);
});

/** OKLab lightness of `#rrggbb` by its definition for greys and by its first row otherwise. */
function lightnessOf(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return 0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s;
}

/** Eight bits a channel move the lightness of a colour by less than this. */
const ROUNDING = 0.004;

test('colour scales are even: equal steps of the number are equal steps of lightness, the diverging one symmetric', () => {
  const at = (kind: 'sequential' | 'diverging', share: number): number => lightnessOf(colourAt(kind, share));
  const whole = at('sequential', 0) - at('sequential', 1);
  for (const share of [0.1, 0.25, 0.5, 0.9]) {
    assert.ok(Math.abs(at('sequential', 0) - at('sequential', share) - share * whole) < ROUNDING);
  }
  assert.ok(whole > 0.5, 'from pale to dark');
  for (const share of [0, 0.2, 0.4]) {
    assert.ok(Math.abs(at('diverging', share) - at('diverging', 1 - share)) < ROUNDING, `${share}`);
  }
  assert.notEqual(colourAt('diverging', 0), colourAt('diverging', 1));
  assert.equal(colourAt('sequential', -1), colourAt('sequential', 0));
});

test('numbers in cells are black on pale and white on dark, with contrast 4.5 or more on every colour', () => {
  for (const kind of ['sequential', 'diverging'] as const) {
    for (let share = 0; share <= 1; share += 0.05) {
      const colour = colourAt(kind, share);
      const luminance = relativeLuminance(colour);
      const contrast = inkOn(colour) === '#000' ? (luminance + 0.05) / 0.05 : 1.05 / (luminance + 0.05);
      assert.ok(contrast >= 4.5, `${kind} ${share}: ${contrast}`);
    }
  }
});

function relativeLuminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Crossings are found by one division of doubles. */
const EXACT = 1e-12;

test('contours of a plane are straight lines where the plane has their value, and none outside the grid', () => {
  const plane = (x: number, y: number): number => 2 * x + 3 * y;
  const segments = contourSegments(5, 4, plane, 7.5);
  assert.ok(segments.length >= 4);
  for (const [x, y] of segments.flat()) assert.ok(Math.abs(plane(x, y) - 7.5) < EXACT);
  assert.deepEqual(contourSegments(5, 4, plane, 100), []);
});

test('a contour is closed around a peak, leaves out squares with a missing corner, and splits a saddle in two', () => {
  const peak = (x: number, y: number): number => (x === 2 && y === 2 ? 1 : 0);
  const around = contourSegments(5, 5, peak, 0.5);
  assert.equal(around.length, 4);
  const ends = new Map<string, number>();
  for (const point of around.flat()) ends.set(String(point), (ends.get(String(point)) ?? 0) + 1);
  assert.ok(
    [...ends.values()].every((count) => count === 2),
    'closed',
  );
  assert.equal(contourSegments(5, 5, (x, y) => (x === 1 && y === 1 ? null : peak(x, y)), 0.5).length, 3);
  const saddle = contourSegments(2, 2, (x, y) => (x === y ? 1 : 0), 0.6);
  assert.equal(saddle.length, 2);
  for (const [from, to] of saddle) {
    // Each piece cuts off one high corner: below the middle's level both are islands.
    assert.ok(Math.hypot(from[0] - to[0], from[1] - to[1]) < 0.6 * Math.SQRT2);
  }
});
