/** What is in a checkpoint's folder, said before any run; what is wrong with it is refused here, once, and not in every run. */
import type { FileSummary } from '#study/recipe.ts';

import { openedTowers, pictureSide, type ReadyTowers } from './tower-subject.ts';

/** A checkpoint without its weights. */
export interface KnownTowers extends Pick<ReadyTowers, 'captions' | 'described'> {
  /** Pixels a side of a picture, and of its patches. */
  readonly side: number;
  readonly patch: number;
  readonly parameters: number;
}

/**
 * Reads folders whole, each content once, whatever the arms that name it.
 * @returns A function of the folder, what tells its contents apart, and the captions it will be asked.
 * @throws AssayError (the function) naming what is missing, wrong or not supported, and a caption that is too long for the tower.
 */
export function towerSummaries(): (
  model: string,
  content: string,
  captionsOf: (towers: KnownTowers) => Iterable<string>,
) => Promise<FileSummary> {
  const known = new Map<string, KnownTowers>();
  return async (model, content, captionsOf) => {
    const towers = known.get(content) ?? (await knownTowers(model));
    known.set(content, towers);
    const lengths = Array.from(captionsOf(towers), (caption) => towers.captions.row(caption, 'refuse').count);
    return {
      file: model,
      counts: {
        parameters: towers.parameters,
        captions: lengths.length,
        'tokens in the longest': lengths.reduce((a, b) => Math.max(a, b), 0),
      },
    };
  };
}

async function knownTowers(model: string): Promise<KnownTowers> {
  const towers = await openedTowers(model);
  const { described, captions, weights } = towers;
  const parameters = weights.values().reduce((sum, { length }) => sum + length, 0);
  return { described, captions, parameters, side: pictureSide(towers), patch: described.config.image.patches.size };
}
