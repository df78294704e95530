/** One finetuning run of the persona world inside this process, for benches that count what runs cost. */
import type { Json, JsonObject } from '#base/json.ts';
import type { RunContext } from '#study/recipe.ts';
import { settingsOf, withSettings } from '#study/settings.ts';

import { finetunePersona } from '../studies/misalignment/recipe.ts';

/** Its labs are kept between runs, as in a worker. */
const RECIPE = finetunePersona();

/** Runs a block with settings by path; nothing is stored. @throws Error where numbers broke. */
export async function runPersona(
  set: Readonly<Record<string, Json>>,
  block: number,
  shared: RunContext['shared'],
): Promise<void> {
  const config = withSettings(RECIPE.defaults, settingsOf(set, 'bench'));
  RECIPE.check(config);
  const end = await RECIPE.run(quietContext(config, block, shared));
  if (end.kind !== 'finished') throw new Error(`block ${block}: ${end.reason}`);
}

/** A run's context of which nothing is kept. */
export function quietContext(config: JsonObject, block: number, shared: RunContext['shared']): RunContext {
  return {
    config,
    block,
    resumeFrom: undefined,
    record: () => {},
    checkpoint: async () => {},
    progress: () => {},
    shared,
    signal: new AbortController().signal,
  };
}
