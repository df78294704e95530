/**
 * What a world of scenes is made of: a canvas, objects that have a colour, a shape, a place and a size, light, background, and how
 * captions speak of them. Everything is plain data; which pairs of colour and shape are held out follows from it.
 */
import { AssayError } from '#base/errors.ts';

/**
 * `cells`: flat shapes of five square cells, for which nulls are exact in the patch grid; `figures`: flat, with round and slanted
 * edges; `solids`: shaded bodies. Inside a family all shapes have the same number of pixels, and of each brightness.
 */
export const FAMILIES = ['cells', 'figures', 'solids'] as const;
export type Family = (typeof FAMILIES)[number];

/** Where light comes from; `none` is flat colour. Solids need light from a side. */
export const LIGHTS = ['none', 'left', 'right', 'top', 'bottom'] as const;
export type Light = (typeof LIGHTS)[number];

export const BACKGROUNDS = ['black', 'grey', 'white'] as const;
export type Background = (typeof BACKGROUNDS)[number];

/**
 * `placeless`: "red cube and blue sphere" in random order, which says nothing of places; `ordered`: the same, from left to right;
 * `leftOf`: "red cube left of blue sphere"; `sides`: that, or "blue sphere right of red cube".
 */
export const GRAMMARS = ['placeless', 'ordered', 'leftOf', 'sides'] as const;
export type Grammar = (typeof GRAMMARS)[number];

/**
 * Which pairs of colour and shape are held out. `latin`: one shape a colour, so that a scene of held-out pairs has a swap of seen
 * pairs (what is familiar then speaks for the wrong caption). `blocks`: two colours x two shapes, so that the right and the
 * swapped caption are both unseen. `seed` says which.
 */
export interface HeldOut {
  readonly kind: (typeof HELD_KINDS)[number];
  readonly seed: number;
}

export const HELD_KINDS = ['none', 'latin', 'blocks'] as const;

export interface CaptionRules {
  readonly grammar: Grammar;
  /** "a red cube" instead of "red cube". */
  readonly articles: boolean;
  /** The share of colours that captions leave out, and of shapes, which become "thing". */
  readonly colourlessFraction: number;
  readonly shapelessFraction: number;
  /** The share of colours and shapes that go by another word. */
  readonly synonymFraction: number;
}

export interface SceneWorld {
  /** Of the canvas, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Side of a cell in pixels, at size 1: a shape lies in a box of 3 x 3 cells. */
  readonly cell: number;
  /** Side of a patch in pixels. */
  readonly patch: number;
  readonly family: Family;
  /** How many colours and shapes there are: the first of each list. */
  readonly colours: number;
  readonly shapes: number;
  /** Objects of a scene, each in a column of its own, no two of one colour or shape. */
  readonly objects: number;
  /** Sizes drawn from, as multiples of the cell; `own`: each object has its own, and captions name it. */
  readonly sizes: { readonly multiples: readonly number[]; readonly own: boolean };
  readonly lights: readonly Light[];
  readonly backgrounds: readonly Background[];
  readonly held: HeldOut;
  readonly captions: CaptionRules;
}

/** 28 x 20 pixels, patches and cells of 4: small enough to train on, with exact nulls. */
export const SMALL_WORLD = {
  width: 28,
  height: 20,
  cell: 4,
  patch: 4,
  family: 'cells',
  colours: 6,
  shapes: 4,
  objects: 2,
  sizes: { multiples: [1], own: false },
  lights: ['none'],
  backgrounds: ['black'],
  held: { kind: 'none', seed: 0 },
  captions: {
    grammar: 'placeless',
    articles: false,
    colourlessFraction: 0,
    shapelessFraction: 0,
    synonymFraction: 0,
  },
} as const satisfies SceneWorld;

/** 224 x 224 pixels, shaded bodies on three backgrounds, captions with articles: what published checkpoints are asked about. */
export const PICTURE_WORLD: SceneWorld = {
  ...SMALL_WORLD,
  width: 224,
  height: 224,
  cell: 32,
  patch: 32,
  family: 'solids',
  colours: 8,
  lights: ['left', 'right'],
  backgrounds: ['black', 'grey', 'white'],
  captions: { ...SMALL_WORLD.captions, articles: true },
};

/** The colours in their order, each with its pixel and its other words. */
export const COLOURS: readonly { readonly words: readonly string[]; readonly rgb: readonly number[] }[] = [
  { words: ['red', 'crimson', 'scarlet'], rgb: [220, 30, 30] },
  { words: ['blue', 'azure', 'navy'], rgb: [40, 70, 230] },
  { words: ['green', 'emerald', 'jade'], rgb: [30, 160, 50] },
  { words: ['yellow', 'golden', 'lemon'], rgb: [240, 220, 40] },
  { words: ['purple', 'violet', 'mauve'], rgb: [140, 40, 170] },
  { words: ['orange', 'tangerine', 'amber'], rgb: [245, 140, 20] },
  { words: ['cyan', 'turquoise', 'aqua'], rgb: [40, 210, 220] },
  { words: ['pink', 'rose', 'salmon'], rgb: [250, 130, 180] },
];

/** The shapes of each family in their order, each with its other words; none begins with a vowel, so that its article is "a". */
export const SHAPES: Readonly<Record<Family, readonly (readonly string[])[]>> = {
  cells: [
    ['cross', 'plus'],
    ['saltire', 'lattice'],
    ['tee', 'hammer'],
    ['corner', 'bend'],
    ['cup', 'bowl'],
    ['zed', 'bolt'],
    ['stair', 'ladder'],
    ['flag', 'banner'],
  ],
  figures: [
    ['circle', 'disc'],
    ['square', 'box'],
    ['triangle', 'wedge'],
    ['star', 'pentagram'],
    ['diamond', 'rhombus'],
    ['ring', 'hoop'],
    ['cross', 'plus'],
    ['crescent', 'moon'],
  ],
  solids: [
    ['cube', 'box'],
    ['sphere', 'ball'],
    ['cone', 'spike'],
    ['cylinder', 'drum'],
  ],
};

/** Names of sizes where objects have their own: the smaller and the larger multiple. */
export const SIZE_WORDS = ['small', 'large'] as const;

const BACKGROUND_LEVELS: Readonly<Record<Background, number>> = { black: 0, grey: 128, white: 255 };

/** The grey level of a background, 0 to 255. */
export function backgroundLevel(background: Background): number {
  return BACKGROUND_LEVELS[background];
}

/**
 * @returns The world, if scenes of it can be drawn.
 * @throws AssayError saying which setting, what was expected and what was found.
 */
export function checkedSceneWorld(world: SceneWorld): SceneWorld {
  const { width, height, cell, patch, family, objects, sizes, held, captions } = world;
  for (const [name, value] of Object.entries({ width, height, cell, patch })) whole(name, value, 1, 4096);
  whole('colours', world.colours, 2, COLOURS.length);
  whole('shapes', world.shapes, 2, SHAPES[family].length, ` (the shapes of "${family}")`);
  whole('objects', objects, 2, Math.min(world.colours, world.shapes), ' (no two objects share a colour or a shape)');
  if (width % patch !== 0 || height % patch !== 0) refuse('patch', `a divisor of ${width} and ${height}`, `${patch}`);
  if (sizes.multiples.length === 0) refuse('sizes.multiples', 'at least one size', 'none');
  for (const size of sizes.multiples) whole('sizes.multiples', size, 1, 64);
  if (sizes.own && sizes.multiples.length !== SIZE_WORDS.length) {
    refuse(
      'sizes.multiples',
      `two sizes where objects have their own (${SIZE_WORDS.join(', ')})`,
      sizes.multiples.join(', '),
    );
  }
  const box = 3 * cell * Math.max(...sizes.multiples);
  const column = Math.floor(width / objects);
  if (box > column || box > height) {
    refuse('cell', `boxes of 3 x 3 cells that fit into columns of ${column} x ${height} pixels`, `boxes of ${box}`);
  }
  if (world.lights.length === 0) refuse('lights', `some of ${LIGHTS.join(', ')}`, 'none');
  if (world.backgrounds.length === 0) refuse('backgrounds', `some of ${BACKGROUNDS.join(', ')}`, 'none');
  const unfit = world.lights.find((light) => light !== 'left' && light !== 'right');
  if (family === 'solids' && unfit !== undefined) refuse('lights', 'left or right, since solids are shaded', unfit);
  whole('held.seed', held.seed, 0, Number.MAX_SAFE_INTEGER);
  if (held.kind === 'blocks' && (world.colours < 4 || world.shapes < 4 || objects !== 2)) {
    const found = `${world.colours} colours, ${world.shapes} shapes, ${objects} objects`;
    refuse('held', 'at least four colours and shapes, and two objects, where blocks are held out', found);
  }
  for (const name of ['colourlessFraction', 'shapelessFraction', 'synonymFraction'] as const) {
    if (!(captions[name] >= 0 && captions[name] <= 1)) {
      refuse(`captions.${name}`, 'a share from 0 to 1', `${captions[name]}`);
    }
  }
  return world;
}

function whole(name: string, value: number, min: number, max: number, why = ''): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  refuse(name, `a whole number from ${min} to ${max}${why}`, `${value}`);
}

function refuse(name: string, expected: string, found: string): never {
  throw new AssayError('config', `Scenes "${name}": expected ${expected}, found ${found}.`);
}
