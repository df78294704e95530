/**
 * The fair null of an exchange of a part: a direction as long as the part's, in which streams of this kind differ, that has nothing to do with the
 * part. Of two rows of the same order, from prompts that parts are fitted on, the difference is taken and made as long.
 */
import type { Rng } from 'assay/learn';
import type { Prompt, PromptObject } from 'assay/studies/binding-task/prompts.ts';

import type { Row } from './parts.ts';

/** What is added at the object that is asked for and taken away at the other, shape [D]. @param c The prompt's number. */
export type Along = (own: PromptObject, other: PromptObject, prompt: Prompt, c: number) => Float64Array;

/** Drawn anew for every prompt, the same whenever it is asked. @param rows Streams where keys, or values, stand. @param part What has the length. */
export function randomDifferences(rows: readonly Row[], part: Along, rng: Rng): Along {
  return (own, other, prompt, c) => {
    const by = part(own, other, prompt, c);
    const draws = rng.split(`prompt ${c}`);
    const one = rows[draws.below(rows.length)];
    if (one === undefined) throw new Error('no rows');
    const alike = rows.filter((row) => row.labels.order === one.labels.order && isOther(row, one));
    const two = alike[draws.below(alike.length)];
    if (two === undefined) throw new Error('rows of one order that are all the same');
    const difference = Float64Array.from(one.values, (value, a) => value - (two.values[a] ?? 0));
    const scale = Math.hypot(...by) / Math.hypot(...difference);
    return difference.map((value) => value * scale);
  };
}

function isOther(row: Row, one: Row): boolean {
  return Array.from(row.values).some((value, a) => value !== one.values[a]);
}
