/** A run made in this process, as a worker would make it: what it recorded, and every state it offered. */
import assert from 'node:assert/strict';

import { joined, piecesOf } from '#base/bytes.ts';
import type { Json } from '#base/json.ts';
import type { Gives, Recipe, RunContext } from '#study/recipe.ts';
import { settingsOf, withSettings } from '#study/settings.ts';
import type { RunEnd, TrajectoryPoint } from '#study/trajectory.ts';

export interface Made {
  readonly end: RunEnd;
  readonly points: readonly TrajectoryPoint[];
  /** Every state offered as a checkpoint, with the number of points recorded by then. */
  readonly checkpoints: readonly { readonly state: Uint8Array; readonly recorded: number }[];
  /** Texts kept for people, by name. */
  readonly kept: ReadonlyMap<string, string>;
}

/** Makes the run of `set` over the recipe's defaults; shared steps are computed anew unless `shared` keeps them. */
export async function makeRun(
  recipe: Recipe,
  set: Readonly<Record<string, Json>>,
  block: number,
  resumeFrom?: Uint8Array,
  shared: RunContext['shared'] = async (_name, _key, compute) => compute(),
): Promise<Made> {
  const config = withSettings(recipe.defaults, settingsOf(set, 'test'));
  recipe.check(config);
  const points: TrajectoryPoint[] = [];
  const checkpoints: { state: Uint8Array; recorded: number }[] = [];
  const kept = new Map<string, string>();
  const end = await recipe.run({
    config,
    block,
    resumeFrom,
    record: (point) => void points.push(point),
    checkpoint: async (state) => void checkpoints.push({ state: joined(piecesOf(state())), recorded: points.length }),
    progress: () => {},
    shared,
    keep: (name, text) => void kept.set(name, text),
    signal: new AbortController().signal,
  });
  checkGiven(recipe.gives?.(config), points);
  return { end, points, checkpoints, kept };
}

/** What a recipe says that runs record is what they do record, in one point or another: studies are checked against it before any run. */
function checkGiven(gives: Gives | undefined, points: readonly TrajectoryPoint[]): void {
  const agrees = (records: readonly object[], names: readonly string[] | undefined): void => {
    const found = [...new Set(records.flatMap((record) => Object.keys(record)))];
    if (names !== undefined && records.length > 0) assert.deepEqual(found.toSorted(), names.toSorted());
  };
  agrees(
    points.map(({ axes }) => axes),
    gives?.axes,
  );
  agrees(
    points.flatMap(({ outcomes }) => (outcomes === undefined ? [] : [outcomes])),
    gives?.outcomes,
  );
}
