/** What is in a checkpoint's folder, said before any run; what is wrong with it is refused here, once, and not in every run. */
import { AssayError } from '#base/errors.ts';
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
  captionsOf: (towers: KnownTowers) => Iterable<string | FiledCaption>,
) => Promise<FileSummary> {
  const known = new Map<string, KnownTowers>();
  return async (model, content, captionsOf) => {
    const towers = known.get(content) ?? (await knownTowers(model));
    known.set(content, towers);
    const lengths = Array.from(captionsOf(towers), (asked) => lengthOf(towers, asked));
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

/** A caption from a file, and where it stands there. */
export interface FiledCaption {
  readonly caption: string;
  readonly where: string;
}

/** In tokens. @throws AssayError naming where a caption stands that cannot be read whole. */
function lengthOf({ captions }: KnownTowers, asked: string | FiledCaption): number {
  if (typeof asked === 'string') return captions.row(asked, 'refuse').count;
  const { caption, where } = asked;
  try {
    return captions.row(caption, 'refuse').count;
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    throw new AssayError(error.kind, `${where}: ${error.message}`, { cause: error });
  }
}

async function knownTowers(model: string): Promise<KnownTowers> {
  const towers = await openedTowers(model);
  const { described, captions, weights } = towers;
  const parameters = weights.values().reduce((sum, { length }) => sum + length, 0);
  return { described, captions, parameters, side: pictureSide(towers), patch: described.config.image.patches.size };
}
