/**
 * Which pixels a shape has, and how bright each is. Invariant: inside a family all shapes have the same number of pixels of each
 * brightness at a size, so that exchanging two objects' colours changes no sum over the image. Shapes of cells also have the
 * same at every place inside a patch, wherever they lie, if the cell is a multiple of the patch: then no mean over patches changes.
 */
import type { Family, Light } from './scene-world.ts';

/** Pixels of a shape in its box of 3 x 3 cells: where they are (x + y * box), and their brightness in (0, 1]. */
export interface ShapePixels {
  readonly box: number;
  readonly at: Uint32Array;
  readonly gains: Float64Array;
}

/** Five of nine cells each, row by row, in the order of `SHAPES.cells`. */
const CELLS: readonly string[] = [
  '.#.###.#.',
  '#.#.#.#.#',
  '###.#..#.',
  '#..#..###',
  '#.####...',
  '##..#..##',
  '#..##..##',
  '##.##.#..',
];

/** Pixels of a figure or solid, as a share of the square of a cell: what a star in a box of 3 x 3 can hold. */
const FIGURE_AREA = 2.4;
/** Brightness falls from 1 to this. */
const DARKEST = 0.5;

type Field = (x: number, y: number) => number;

/**
 * The pixels of a shape.
 * @param shape Its index in `SHAPES[family]`.
 * @param cell Side of a cell in pixels, at the object's size.
 */
export function shapePixels(family: Family, shape: number, cell: number, light: Light): ShapePixels {
  return family === 'cells' ? cellPixels(CELLS[shape] ?? '', cell, light) : fieldPixels(family, shape, cell, light);
}

function cellPixels(pattern: string, cell: number, light: Light): ShapePixels {
  const box = 3 * cell;
  const cells = Array.from(pattern).flatMap((mark, i) => (mark === '#' ? [{ x: i % 3, y: Math.floor(i / 3) }] : []));
  const shades = shadesOf(cells.map(({ x, y }) => depth(light)(x - 1, y - 1)));
  const at = new Uint32Array(cells.length * cell * cell);
  const gains = new Float64Array(at.length);
  let next = 0;
  for (const [i, { x, y }] of cells.entries()) {
    for (let dy = 0; dy < cell; dy++) {
      for (let dx = 0; dx < cell; dx++) {
        at[next] = x * cell + dx + (y * cell + dy) * box;
        gains[next++] = light === 'none' ? 1 : (shades[i] ?? 1);
      }
    }
  }
  return { box, at, gains };
}

/** The pixels where the shape's field is smallest, as many as every shape of the family has. */
function fieldPixels(family: 'figures' | 'solids', shape: number, cell: number, light: Light): ShapePixels {
  const box = 3 * cell;
  const field = (family === 'figures' ? FIGURES : SOLIDS.map(({ outline }) => outline))[shape] ?? CIRCLE;
  const centre = (i: number): number => (i + 0.5) / cell - 1.5;
  const values = Float64Array.from({ length: box * box }, (_, i) =>
    field(centre(i % box), centre(Math.floor(i / box))),
  );
  const order = [...values.keys()].sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0) || a - b);
  const at = Uint32Array.from(order.slice(0, Math.round(FIGURE_AREA * cell * cell))).sort();
  if (light === 'none') return { box, at, gains: new Float64Array(at.length).fill(1) };
  const side = light === 'right' ? -1 : 1;
  const shade: Field = family === 'figures' ? depth(light) : (x, y) => SOLIDS[shape]?.shade(side * x, y) ?? 0;
  return { box, at, gains: shadesOf([...at].map((i) => shade(centre(i % box), centre(Math.floor(i / box))))) };
}

/** Brightness by rank alone, from 1 for the smallest key to `DARKEST`; so every list of one length has the same brightnesses. */
function shadesOf(keys: readonly number[]): Float64Array {
  const order = [...keys.keys()].sort((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0) || a - b);
  const shades = new Float64Array(keys.length);
  for (const [rank, i] of order.entries()) shades[i] = 1 - ((1 - DARKEST) * rank) / (keys.length - 1);
  return shades;
}

/** How far from the light a point is. */
function depth(light: Light): Field {
  if (light === 'left') return (x) => x;
  if (light === 'right') return (x) => -x;
  return light === 'bottom' ? (_, y) => -y : (_, y) => y;
}

const CIRCLE: Field = (x, y) => Math.hypot(x, y);

/** The largest of the distances along normals that stand at angles: a regular polygon. */
const polygon = (degrees: readonly number[]): Field => {
  const normals = degrees.map((angle) => (angle * Math.PI) / 180).map((angle) => [Math.cos(angle), Math.sin(angle)]);
  return (x, y) => Math.max(...normals.map(([nx = 0, ny = 0]) => nx * x + ny * y));
};

/** A five-pointed star, a point up: the line from a point to the next dent, folded into one tenth of the circle. */
const STAR: Field = (x, y) => {
  const tenth = Math.PI / 5;
  const turned = Math.atan2(x, -y) + 2 * Math.PI;
  const folded = Math.abs(((turned + tenth) % (2 * tenth)) - tenth);
  // A pentagram's edge from the point at angle 0 has its normal at 72 degrees.
  return Math.hypot(x, y) * Math.cos(2 * tenth - folded);
};

/** In the order of `SHAPES.figures`; x to the right, y down, in cells from the middle of the box. */
const FIGURES: readonly Field[] = [
  CIRCLE,
  (x, y) => Math.max(Math.abs(x), Math.abs(y)),
  (x, y) => polygon([90, 210, 330])(x, y - 0.3),
  STAR,
  (x, y) => Math.abs(x) + Math.abs(y),
  (x, y) => Math.abs(Math.hypot(x, y) - 0.95),
  (x, y) => Math.min(Math.max(3 * Math.abs(x), Math.abs(y)), Math.max(Math.abs(x), 3 * Math.abs(y))),
  (x, y) => (Math.hypot(x - 0.65, y) < 0.85 ? 100 + Math.hypot(x, y) : Math.hypot(x + 0.2, y)),
];

const HEXAGON = polygon([0, 60, 120, 180, 240, 300]);

/** In the order of `SHAPES.solids`: the outline, and how much a point lies in the dark, with light from the upper left. */
const SOLIDS: readonly { readonly outline: Field; readonly shade: Field }[] = [
  {
    outline: HEXAGON,
    // Top, left and right face, each a third of a hexagon; the edge between left and right is where both differ most.
    shade: (x, y) => {
      const isTop = y < -Math.abs(x) / Math.sqrt(3);
      if (isTop) return y / 100;
      return x < 0 ? 1 - x / 100 : 2 - x / 100;
    },
  },
  { outline: CIRCLE, shade: (x, y) => Math.hypot(x + 0.35, y + 0.35) },
  {
    outline: (x, y) => {
      const body = Math.max(Math.abs(x) * 1.9 - (y + 1.15) * 0.9, y - 0.7, -y - 1.3);
      return Math.min(body + 0.9, Math.hypot(x, (y - 0.75) * 3));
    },
    shade: (x, y) => x / Math.max(0.15, y + 1.3),
  },
  {
    outline: (x, y) => {
      const lids = Math.min(Math.hypot(x, (y + 0.8) * 3), Math.hypot(x, (y - 0.8) * 3));
      return Math.min(lids, Math.max(Math.abs(x), Math.abs(y) <= 0.8 ? 0 : 100));
    },
    shade: (x, y) => (Math.hypot(x, (y + 0.8) * 3) < 0.78 ? -10 + x / 100 : x),
  },
];
