/**
 * A set of scenes as files that other tools read: pictures and one line of JSON for each, as the `imagefolder` loader of Hugging Face
 * datasets wants them. Every scene comes twice: as drawn, and with colours exchanged. Same world, seed and count, same bytes.
 */
import { rngOf } from '#base/rng.ts';
import { captionOf, captionText, drawWording } from '#worlds/scenes/captions.ts';
import { heldPairs, type ScenePart } from '#worlds/scenes/held-out.ts';
import { encodePng } from '#worlds/scenes/png.ts';
import { sceneRenderer } from '#worlds/scenes/render.ts';
import { COLOURS, type SceneWorld, SHAPES } from '#worlds/scenes/scene-world.ts';
import { exchanged, isExactNull, type Scene, sceneDrawer } from '#worlds/scenes/scenes.ts';

import type { OutputFile } from './output-folder.ts';
import { packageVersion } from './version.ts';

/** Which scenes are written; `count` of them, so twice as many pictures. */
export interface SceneSet {
  readonly world: SceneWorld;
  readonly part: ScenePart;
  readonly count: number;
  readonly seed: number;
}

/**
 * `metadata.jsonl`, `world.json` and the pictures `00000.png`, `00000-swap.png`, ...
 * @throws AssayError where the world has no scene of the part.
 */
export function sceneFiles(set: SceneSet): readonly OutputFile[] {
  const { world, part, count, seed } = set;
  const [draw, rng] = [sceneDrawer(world, part), rngOf(seed, 'scenes')];
  const render = sceneRenderer(world);
  const rows: string[] = [];
  const pictures: OutputFile[] = [];
  for (let number = 0; number < count; number++) {
    const own = rng.split(`scene ${number}`);
    const scene = draw(own);
    const wording = drawWording(world, own);
    const textOf = (one: Scene): string => captionText(captionOf(world, one, wording));
    for (const isSwap of [false, true]) {
      const shown = isSwap ? exchanged(scene) : scene;
      const name = `${String(number).padStart(5, '0')}${isSwap ? '-swap' : ''}.png`;
      pictures.push({ name, content: encodePng(render(shown), world.width, world.height) });
      const row = {
        file_name: name,
        scene: number,
        is_swap: isSwap,
        caption: textOf(shown),
        swapped_caption: textOf(exchanged(shown)),
        mirrored_swapped_caption: textOf(exchanged(shown, 'shape')),
        objects: labelsOf(world, shown),
        light: shown.light,
        background: shown.background,
      };
      rows.push(`${JSON.stringify(row)}\n`);
    }
  }
  const nulls = { colour: isExactNull(world, 'colour'), shape: isExactNull(world, 'shape') };
  const made = { assay: packageVersion(), seed, part, count, exact_nulls: nulls, world };
  return [
    { name: 'metadata.jsonl', content: rows.join('') },
    { name: 'world.json', content: `${JSON.stringify(made, null, 2)}\n` },
    ...pictures,
  ];
}

/** What each object is, from left to right; the box is [left, top, right, bottom] in pixels. */
function labelsOf(world: SceneWorld, scene: Scene): readonly object[] {
  const isHeld = heldPairs(world);
  return scene.objects.map(({ colour, shape, size, x, y }) => {
    const side = 3 * world.cell * size;
    return {
      colour: COLOURS[colour]?.words[0],
      shape: SHAPES[world.family][shape]?.[0],
      size,
      box: [x, y, x + side, y + side],
      is_held_out: isHeld(colour, shape),
    };
  });
}
