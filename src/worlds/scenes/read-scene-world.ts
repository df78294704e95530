/** Reads a world of scenes from a config; everything wrong is refused with its path. */
import type { ConfigReader } from '#base/config-reader.ts';

import {
  type Background,
  BACKGROUNDS,
  checkedSceneWorld,
  FAMILIES,
  GRAMMARS,
  HELD_KINDS,
  type HeldOut,
  type Light,
  LIGHTS,
  type SceneWorld,
} from './scene-world.ts';

/**
 * A world whose every setting stands in the config, as `SMALL_WORLD` has them.
 * @throws AssayError naming the path, what was expected and what was found.
 */
export function readSceneWorld(reader: ConfigReader): SceneWorld {
  const whole = (name: string): number => reader.number(name, { min: 1, integer: true });
  const captions = reader.object('captions');
  const sizes = reader.object('sizes');
  const share = (name: string): number => captions.number(name, { min: 0, max: 1 });
  const world: SceneWorld = {
    width: whole('width'),
    height: whole('height'),
    cell: whole('cell'),
    patch: whole('patch'),
    family: reader.oneOf('family', FAMILIES),
    colours: whole('colours'),
    shapes: whole('shapes'),
    objects: whole('objects'),
    sizes: { multiples: sizes.numbers('multiples'), own: sizes.boolean('own') },
    lights: wordsOf<Light>(reader, 'lights', LIGHTS),
    backgrounds: wordsOf<Background>(reader, 'backgrounds', BACKGROUNDS),
    held: readHeld(reader.object('held')),
    captions: {
      grammar: captions.oneOf('grammar', GRAMMARS),
      articles: captions.boolean('articles'),
      colourlessFraction: share('colourlessFraction'),
      shapelessFraction: share('shapelessFraction'),
      synonymFraction: share('synonymFraction'),
    },
  };
  for (const part of [captions, sizes, reader]) part.done();
  return checkedSceneWorld(world);
}

function readHeld(reader: ConfigReader): HeldOut {
  const held = {
    kind: reader.oneOf('kind', HELD_KINDS),
    seed: reader.number('seed', { min: 0, integer: true }),
  };
  reader.done();
  return held;
}

function wordsOf<T extends string>(reader: ConfigReader, name: string, choices: readonly T[]): readonly T[] {
  const given = reader.json(name);
  const refuse = (): never => reader.refuse(name, `a list of some of ${choices.join(', ')}`, JSON.stringify(given));
  if (!Array.isArray(given)) return refuse();
  return given.map((one) => choices.find((choice) => choice === one) ?? refuse());
}
