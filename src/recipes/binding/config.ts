/** The config of runs that ask a checkpoint about binding: its defaults, and how it is read. */
import { type ConfigReader, configReader } from '#base/config-reader.ts';
import { isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import { readSceneWorld } from '#worlds/scenes/read-scene-world.ts';
import { PICTURE_WORLD, type SceneWorld } from '#worlds/scenes/scene-world.ts';

import type { MeasureSetup } from './measure.ts';
import { KNOWN_SUBJECTS } from './oracle.ts';
import type { SceneCounts } from './scene-set.ts';

/**
 * What is asked. `model`: the checkpoint, or where none is given small towers drawn anew for each block. `shuffled`: its towers with the
 * values of each tensor in another order. `unmixed`: its towers with attention that writes nothing, so that no token learns of another. `oracle`, `bag` and `turned`: the answer put in (oracle.ts).
 */
export const SUBJECTS = ['model', 'shuffled', 'unmixed', ...KNOWN_SUBJECTS] as const;
export type SubjectKind = (typeof SUBJECTS)[number];

export interface BindingConfig {
  /** A folder of CLIP, SigLIP or SigLIP 2; '' for none. */
  readonly model: string;
  readonly subject: SubjectKind;
  /** Added to the block: other scenes. */
  readonly seed: number;
  readonly scenes: SceneCounts;
  /** Everything but the canvas, which is the checkpoint's, and the held-out pairs, which are the block's. */
  readonly world: Pick<SceneWorld, 'family' | 'colours' | 'shapes' | 'lights' | 'backgrounds' | 'captions'>;
  /** Depths measured after 0, evenly over the tower. */
  readonly depths: number;
  readonly measure: MeasureSetup;
}

const { family, colours, shapes, captions } = PICTURE_WORLD;

/** Twelve pairings of two anchors and eight layouts of two held-out pairs, 48 scenes and swaps to fit the map on: 256 scenes. */
export const BINDING_DEFAULTS = {
  model: '',
  subject: 'model',
  seed: 0,
  scenes: { anchors: 2, pairings: 12, heldPairs: 2, layouts: 8, fitted: 48 },
  world: {
    family,
    colours,
    shapes,
    lights: [...PICTURE_WORLD.lights],
    backgrounds: [...PICTURE_WORLD.backgrounds],
    captions: { ...captions },
  },
  depths: 12,
  measure: { probe: { folds: 4, penalty: 0.1 }, map: { temperature: 0.1, penalty: 0.01 } },
} as const satisfies JsonObject;

/** @throws AssayError naming the path, what was expected and what was found. */
export function readBindingConfig(config: JsonObject): BindingConfig {
  const reader = configReader(config);
  const scenes = reader.object('scenes');
  const measure = reader.object('measure');
  const [probe, map] = [measure.object('probe'), measure.object('map')];
  const positive = { min: 1e-9 };
  const read: BindingConfig = {
    model: textOf(reader, 'model'),
    subject: reader.oneOf('subject', SUBJECTS),
    seed: reader.number('seed', { min: 0, integer: true }),
    scenes: {
      anchors: scenes.number('anchors', { min: 1, max: 64, integer: true }),
      pairings: scenes.number('pairings', { min: 2, max: 49, integer: true }),
      heldPairs: scenes.number('heldPairs', { min: 1, max: 64, integer: true }),
      layouts: scenes.number('layouts', { min: 1, max: 1000, integer: true }),
      fitted: scenes.number('fitted', { min: 1, max: 10_000, integer: true }),
    },
    world: readWorld(reader.json('world'), reader),
    depths: reader.number('depths', { min: 1, max: 240, integer: true }),
    measure: {
      probe: {
        folds: probe.number('folds', { min: 2, max: scenes.number('pairings'), integer: true }),
        penalty: probe.number('penalty', positive),
      },
      map: { temperature: map.number('temperature', positive), penalty: map.number('penalty', positive) },
    },
  };
  for (const part of [scenes, probe, map, measure, reader]) part.done();
  const pairs = (read.world.colours - 1) * (read.world.shapes - 1);
  if (read.scenes.pairings > pairs) {
    scenes.refuse('pairings', `at most ${pairs}, (colours - 1) (shapes - 1)`, `${read.scenes.pairings}`);
  }
  return read;
}

/**
 * The world of a subject and a block: pictures of the subject's size, cells of whole patches where they fit.
 * @param side Pixels a side, whole patches. @param seed Says which pairs are held out.
 */
export function worldOf(
  { world }: Pick<BindingConfig, 'world'>,
  side: number,
  patch: number,
  seed: number,
): SceneWorld {
  // A box of 3 x 3 cells fits in half the picture, with room to move.
  const most = Math.max(1, Math.floor(side / 7));
  const cell = most < patch ? most : most - (most % patch);
  return { ...PICTURE_WORLD, ...world, width: side, height: side, cell, patch, held: { kind: 'blocks', seed } };
}

/** Read as a world on the usual canvas. */
function readWorld(given: Json, reader: ConfigReader): BindingConfig['world'] {
  if (!isJsonObject(given)) return reader.refuse('world', 'an object', JSON.stringify(given));
  const { width, height, cell, patch, objects, sizes } = PICTURE_WORLD;
  const own = Object.keys(given).find((key) => !Object.hasOwn(BINDING_DEFAULTS.world, key));
  if (own !== undefined) {
    reader.refuse(`world.${own}`, `one of ${Object.keys(BINDING_DEFAULTS.world).join(', ')}`, 'an unknown key');
  }
  const captions = configReader(given, 'world').object('captions');
  for (const name of ['colourlessFraction', 'shapelessFraction']) {
    // With none of them said, a caption and its swap are one text, and nothing can be asked.
    if (captions.number(name, { min: 0, max: 1 }) === 1)
      captions.refuse(name, 'a share below 1, since captions that name none tell no scene from its swap', '1');
  }
  const fixed = { width, height, cell, patch, objects, sizes: { multiples: [...sizes.multiples], own: sizes.own } };
  return readSceneWorld(configReader({ ...given, ...fixed, held: { kind: 'blocks', seed: 0 } }, 'world'));
}

function textOf(reader: ConfigReader, name: string): string {
  const value = reader.json(name);
  return typeof value === 'string' ? value : reader.refuse(name, 'a path', JSON.stringify(value));
}
