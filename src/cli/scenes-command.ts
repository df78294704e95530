/** `assay scenes`: a set of scenes with captions and swaps as a folder for other tools. */
import { resolve } from 'node:path';

import { configReader } from '#base/config-reader.ts';
import { AssayError } from '#base/errors.ts';
import { isJsonObject, type JsonObject } from '#base/json.ts';
import { writeOutputs } from '#desk/output-folder.ts';
import { sceneFiles } from '#desk/scene-files.ts';
import { parseSetting, withSettings } from '#study/settings.ts';
import { SCENE_PARTS, type ScenePart } from '#worlds/scenes/held-out.ts';
import { readSceneWorld } from '#worlds/scenes/read-scene-world.ts';
import { PICTURE_WORLD } from '#worlds/scenes/scene-world.ts';

import type { Given, OptionName } from './options.ts';
import type { Terminal } from './terminal.ts';

export const SCENES_OPTIONS: readonly OptionName[] = ['count', 'seed', 'part', 'set', 'force'];

/** Scenes where no count is given. */
const FEW = 100;

/** `assay scenes`: draws the scenes, writes them, and says what the set is. */
export async function scenesCommand(given: Given, terminal: Terminal): Promise<number> {
  const path = resolve(given.positionals[0] ?? '');
  const world = readSceneWorld(configReader(withSettings(defaults(), given.texts('set').map(parseSetting))));
  const [part, count, seed] = [partOf(given.text('part') ?? 'any'), given.count('count') ?? FEW, seedOf(given)];
  writeOutputs({ path, isForced: given.flag('force'), isSet: true }, sceneFiles({ world, part, count, seed }));
  terminal.out(`Wrote ${count} scenes and their swaps (${2 * count} pictures), metadata.jsonl, world.json to ${path}`);
  return 0;
}

/** The world that `--set` changes, as plain JSON. */
function defaults(): JsonObject {
  const world: unknown = JSON.parse(JSON.stringify(PICTURE_WORLD));
  if (isJsonObject(world)) return world;
  throw new Error('scenes: expected a world that is an object.');
}

function partOf(text: string): ScenePart {
  const part = SCENE_PARTS.find((one) => one === text);
  if (part !== undefined) return part;
  throw new AssayError('usage', `--part expects ${SCENE_PARTS.join(', ')}; found "${text}".`);
}

/** Zero is a seed, so it is no count. */
function seedOf(given: Given): number {
  const text = given.text('seed') ?? '0';
  const seed = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(seed)) return seed;
  throw new AssayError('usage', `--seed expects a whole number of at least 0 (below 2^53), found "${text}".`);
}
