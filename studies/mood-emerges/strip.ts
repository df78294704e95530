/** One life step by step, for people to look at: what was seen, where on its largest axis the memory was, and what was done. */
import type { Episode, EpisodeStep } from 'assay';
import { type Actor, livedOn, newLives, type Rng } from 'assay/learn';

import { type Forager, FORAGING } from './forager.ts';
import { type Axis, coordinates } from './latent.ts';
import { MEMORY } from './networks.ts';

const STEPS = 40;
const EFFORTS = ['rests', 'forages', 'forages hard'];

/** The first steps of a first life; `felt` is in standard deviations of the axis over that life. */
export async function lifeShown(actor: Actor, axis: Axis, rng: Rng): Promise<Omit<Episode, 'title'>> {
  const seen: Forager[] = [];
  const lived = await livedOn(FORAGING, actor, newLives(FORAGING, actor, rng), STEPS, rng, {
    edit: (_acting, _step, states) => void seen.push(...states.slice(0, 1)),
  });
  const { rows, memories, actions, ended } = lived.rollout;
  const death = seen.findIndex((_, t) => ended[t * rows] === 1);
  const length = death === -1 ? STEPS : death + 1;
  const own = Float32Array.from({ length: length * MEMORY }, (_, at) => {
    const [t, i] = [Math.floor(at / MEMORY), at % MEMORY];
    return memories[t * rows * MEMORY + i] ?? Number.NaN;
  });
  const along = coordinates({ width: MEMORY, values: own }, axis);
  const spread = Math.sqrt(along.reduce((sum, one) => sum + one ** 2, 0) / length);
  const steps = seen.slice(0, length).map((state, t): EpisodeStep => ({
    saw: `cue ${state.cue ? 'good' : 'bad'}, energy ${state.energy / 2}${state.found ? ', found food' : ''}`,
    felt: (along[t] ?? Number.NaN) / spread,
    did: EFFORTS[actions[t * rows] ?? 0] ?? '',
    got: `${seen[t + 1]?.found === true ? 'food' : 'no food'}; ${state.good ? 'good' : 'bad'} season, belief ${state.belief.toFixed(2)}`,
  }));
  return { steps, ending: death === -1 ? 'lives on' : 'is dead' };
}
