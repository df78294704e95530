/** What is said of a network: how well the season can be read off its memory, what its largest axis holds, and whether it acts by it. */
import { type Actor, type Reader, type Rng } from 'assay/learn';

import { type Exchange, lifeUnder, randomDirection } from './exchange.ts';
import { type Axis, columnsOf, coordinates, described, fitted, principalAxis, type Rows, said } from './latent.ts';
import { MEMORY } from './networks.ts';
import { crossed, statesAlong, type Stream } from './streams.ts';

/** Steps at a stream's start that are not measured: lives there are all young. */
export const BURN_IN = 40;
/** The axis is held against itself so many steps later: half a season. */
export const LATER = 8;
/** Random axes that an exchange is held against. */
const RANDOM_AXES = 4;

/** Season and axis. */
export interface Read {
  readonly season: number;
  readonly seasonShuffled: number;
  readonly seasonSeen: number;
  readonly seasonBelief: number;
  readonly share: number;
  readonly belief: number;
  readonly hunger: number;
  readonly merged: number;
  readonly slow: number;
  readonly slowBelief: number;
}

/**
 * @param noise Added to the states before they are read, in standard deviations of each state's own: 0 but in a control.
 * @returns fractions; and the axis, for exchanges.
 */
export async function readStates(
  actor: Actor,
  stream: Stream,
  noise: number,
  rng: Rng,
): Promise<{ readonly read: Read; readonly axis: Axis }> {
  const from = BURN_IN * stream.rows;
  const [states, apart] = [await statesOf(actor, stream), await statesOf(actor, crossed(stream))];
  const noisy = blurred(states, noise, rng);
  const axis = upwards(principalAxis(noisy), noisy, stream.belief.slice(from));
  const along = coordinates(noisy, axis);
  const [belief, good] = [stream.belief.slice(from), stream.good.slice(from)];
  const seen: Rows = { width: 5, values: stream.observations.subarray(5 * from) };
  const shuffled = good.map(
    (_, n) => good[n - (n % stream.rows) + (((n % stream.rows) + (stream.rows >> 1)) % stream.rows)] ?? Number.NaN,
  );
  const [ofBelief, ofHunger] = holds(
    coordinates(apart, axis),
    stream.belief.slice(from),
    crossed(stream).energy.slice(from),
  );
  return {
    axis,
    read: {
      season: seasonRead(noisy, good, stream.rows),
      seasonShuffled: seasonRead(noisy, shuffled, stream.rows),
      seasonSeen: seasonRead(seen, good, stream.rows),
      seasonBelief: seasonRead(columnsOf(belief), good, stream.rows),
      share: axis.share,
      belief: ofBelief,
      hunger: ofHunger,
      merged: Math.min(ofBelief, ofHunger),
      slow: laterItself(along, stream),
      slowBelief: laterItself(belief, stream),
    },
  };
}

async function statesOf(actor: Actor, stream: Stream): Promise<Rows> {
  const states = await statesAlong(actor, stream);
  return { width: MEMORY, values: states.subarray(BURN_IN * stream.rows * MEMORY) };
}

function blurred(states: Rows, noise: number, rng: Rng): Rows {
  if (noise === 0) return states;
  const { width, values } = states;
  const n = values.length / width;
  const spread = Float64Array.from({ length: width }, (_, i) => {
    const column = Float64Array.from({ length: n }, (_, row) => values[row * width + i] ?? 0);
    const mean = column.reduce((sum, one) => sum + one, 0) / n;
    return Math.sqrt(column.reduce((sum, one) => sum + (one - mean) ** 2, 0) / n);
  });
  return { width, values: values.map((one, at) => one + noise * (spread[at % width] ?? 0) * rng.normal()) };
}

/** The axis turned so that it rises with the belief in the good season: its sign is arbitrary. */
function upwards(axis: Axis, states: Rows, belief: Float64Array): Axis {
  const [slope = 0] = fitted(columnsOf(coordinates(states, axis)), belief);
  return slope < 0 ? { ...axis, direction: axis.direction.map((one) => -one) } : axis;
}

/** How much of a coordinate's variance belief and energy describe, each beyond the other. */
function holds(
  along: Float64Array,
  belief: Float64Array,
  energy: Float64Array,
): readonly [belief: number, energy: number] {
  const both = described(columnsOf(belief, energy), along);
  return [both - described(columnsOf(energy), along), both - described(columnsOf(belief), along)];
}

/**
 * The share of steps at which a line says the season right, both seasons counting alike (chance is a half): fitted on the first half
 * of the lives, asked of the second.
 */
export function seasonRead(x: Rows, good: Float64Array, rows: number): number {
  const [fit, test] = halvesOf(x, good, rows);
  const goodShare = fit.good.reduce((sum, one) => sum + one, 0) / fit.good.length;
  const weights = fit.good.map((one) => 0.5 / (one === 1 ? goodShare : 1 - goodShare));
  const line = fitted(
    fit.x,
    fit.good.map((one) => 2 * one - 1),
    weights,
  );
  const guess = said(line, test.x);
  const right = [0, 1].map((season) => {
    const asked = [...test.good.keys()].filter((n) => test.good[n] === season);
    return asked.filter((n) => (guess[n] ?? 0) > 0 === (season === 1)).length / asked.length;
  });
  return ((right[0] ?? Number.NaN) + (right[1] ?? Number.NaN)) / 2;
}

function halvesOf({ width, values }: Rows, good: Float64Array, rows: number) {
  const isFirst = (n: number): boolean => n % rows < rows / 2;
  return ([isFirst, (n: number) => !isFirst(n)] as const).map((belongs) => ({
    x: { width, values: Float64Array.from(values.filter((_, at) => belongs(Math.floor(at / width)))) },
    good: good.filter((_, n) => belongs(n)),
  })) as [Half, Half];
}

interface Half {
  readonly x: Rows;
  readonly good: Float64Array;
}

/** The correlation of a coordinate with itself some steps later in the same life. */
function laterItself(along: Float64Array, { rows, kept }: Stream): number {
  const [now, later]: [number[], number[]] = [[], []];
  for (let n = 0; n + LATER * rows < along.length; n++) {
    const steps = Array.from({ length: LATER }, (_, i) => kept[(BURN_IN + i + 1) * rows + n]);
    if (steps.includes(0)) continue;
    now.push(along[n] ?? Number.NaN);
    later.push(along[n + LATER * rows] ?? Number.NaN);
  }
  return correlation(now, later);
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [a, b].map((list) => list.reduce((sum, one) => sum + one, 0) / list.length);
  const product = (x: readonly number[], y: readonly number[], mx = 0, my = 0): number =>
    x.reduce((sum, one, i) => sum + (one - mx) * ((y[i] ?? 0) - my), 0);
  return product(a, b, meanA, meanB) / Math.sqrt(product(a, a, meanA, meanA) * product(b, b, meanB, meanB));
}

/** Life and what exchanges cost, as shares of it. */
export interface Used {
  readonly life: number;
  readonly lifeSelf: number;
  readonly lostAxis: number;
  readonly lostRandom: number;
  readonly lostAsFar: number;
  readonly lostWhole: number;
}

/** @param steps That each of the actor's rows lives, under each exchange with the same luck to begin with. */
export async function useOf(
  axis: Axis,
  stage: { readonly actor: Actor; readonly heads: Reader },
  steps: number,
  rng: Rng,
): Promise<Used> {
  const { direction } = axis;
  const lifeOf = (exchange?: Exchange): Promise<number> => lifeUnder(exchange, stage, steps, rng.split('exchange'));
  const life = await lifeOf();
  const lost = async (exchanges: readonly Exchange[]): Promise<number> => {
    let sum = 0;
    for (const exchange of exchanges) sum += 1 - (await lifeOf(exchange)) / life;
    return sum / exchanges.length;
  };
  const random = Array.from({ length: RANDOM_AXES }, (_, i) => randomDirection(rng.split(`axis ${i}`)));
  return {
    life,
    lifeSelf: await lifeOf({ kind: 'self' }),
    lostAxis: await lost([{ kind: 'along', direction }]),
    lostRandom: await lost(random.map((one) => ({ kind: 'along', direction: one }))),
    lostAsFar: await lost(random.map((along) => ({ kind: 'asFar', direction, along }))),
    lostWhole: await lost([{ kind: 'whole' }]),
  };
}
