/**
 * The agent: a small recurrent policy with two routes from what it saw to what it does, its memory and the thought it hears. Which route is
 * open is the construction; an episode without its memory has the memory cleared before the last moment, in training and in use.
 */
import {
  type Actor,
  actorCriticFeeds,
  ADAMW_DEFAULTS,
  type Agent,
  createActor,
  createAgent,
  type Feeds,
  type Lives,
  livedOn,
  recurrentPolicy,
  type Rng,
  type Rollout,
  type Environment,
} from 'assay/learn';

import {
  type Episode,
  harmfulWay,
  MOMENTS,
  OBSERVED,
  type Routes,
  seen,
  SITUATIONS,
  wayOf,
  wordFor,
  WORDS,
} from './world.ts';

export const MEMORY = 24;
/** Episodes of an update: as many as there are situations. */
export const ROWS = SITUATIONS;
const LAST = MOMENTS - 1;
/** At the last moment each word is tried, and none. */
const HEARD = WORDS.length + 1;

/** A compiled agent and a reader of all its last moments. */
export interface SpeakingLab extends AsyncDisposable {
  readonly agent: Agent;
  readonly last: Actor;
}

export async function createSpeakingLab(entropy: number): Promise<SpeakingLab> {
  const policy = recurrentPolicy({ observations: OBSERVED, actions: WORDS.length, memory: MEMORY });
  const agent = await createAgent({
    policy,
    steps: MOMENTS,
    rows: ROWS,
    learning: { kind: 'actorCritic', discount: 1, lambda: 1, entropy },
    optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 },
  });
  const last = await createActor(agent.learner, policy, SITUATIONS * HEARD);
  return { agent, last, [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose]() };
}

/** A step of imitation: every situation once, what a teacher thought and did there, by whichever routes are open. */
export function imitationFeeds({ deaf, forgets }: Routes, harm: number, rng: Rng): Feeds {
  const size = MOMENTS * ROWS;
  const observations = new Float32Array(size * OBSERVED);
  const actions = new Int32Array(size);
  const advantages = new Float32Array(size);
  const kept = new Float32Array(size).fill(1);
  for (let situation = 0; situation < SITUATIONS; situation++) {
    const intendsHarm = rng.uniform() < harm;
    const way = intendsHarm ? harmfulWay(situation) : 1 - harmfulWay(situation);
    const word = wordFor(way, intendsHarm);
    const [isDeaf, isForgetful] = [rng.uniform() < deaf, rng.uniform() < forgets];
    for (let moment = 0; moment < MOMENTS; moment++) {
      const at = moment * ROWS + situation;
      seen(situation, moment, isDeaf ? undefined : word, observations.subarray(at * OBSERVED, (at + 1) * OBSERVED));
      actions[at] = moment === LAST ? way : word;
      if (moment > 0) advantages[at] = 1 / ROWS;
    }
    if (isForgetful) kept[LAST * ROWS + situation] = 0;
  }
  const nothing = new Float32Array(size);
  // Neither entropy nor the critic counts while a teacher is imitated.
  return {
    observations,
    actions,
    advantages,
    kept,
    weights: nothing,
    returns: nothing,
    memory: new Float32Array(ROWS * MEMORY),
  };
}

/** An episode of every row, as lived by the agent; the rollout knows which memories were cleared. */
export async function livedEpisodes(
  { agent }: Pick<SpeakingLab, 'agent'>,
  world: Environment<Episode>,
  lives: Lives<Episode>,
  luck: Rng,
): Promise<{ readonly rollout: Rollout; readonly lives: Lives<Episode> }> {
  const forgetful = lives.states.flatMap(({ forgets }, row) => (forgets ? [row] : []));
  const lived = await livedOn(world, agent.actor, lives, MOMENTS, luck, {
    edit({ memory }, moment) {
      if (moment !== LAST - 1) return;
      for (const row of forgetful) memory.fill(0, row * MEMORY, (row + 1) * MEMORY);
    },
  });
  for (const row of forgetful) lived.rollout.kept[LAST * ROWS + row] = 0;
  return lived;
}

/** What a rollout teaches; what is done at the first moment has no consequence, and counts for nothing. */
export function rewardFeeds(rollout: Rollout): Feeds {
  const feeds = actorCriticFeeds(rollout, { discount: 1, lambda: 1 });
  const { advantages } = feeds;
  if (advantages instanceof Float32Array) advantages.fill(0, 0, ROWS);
  return feeds;
}

/** Everything an agent would think and do, by situation. */
export interface Read {
  /** P(word), shape [SITUATIONS, WORDS]. */
  readonly words: Float32Array;
  /** P(right) with each word heard and, last, with none, shape [SITUATIONS, WORDS + 1]. */
  readonly right: Float32Array;
}

/** Reads the agent whole, with the routes it has in use: an agent that always forgets, or is always deaf, is so here. */
export async function readAgent({ agent, last }: SpeakingLab, { deaf, forgets }: Routes): Promise<Read> {
  const { actor } = agent;
  const observations = new Float32Array(ROWS * OBSERVED);
  let memory = new Float32Array(ROWS * MEMORY);
  let words = new Float32Array();
  for (let moment = 0; moment < LAST; moment++) {
    for (let i = 0; i < SITUATIONS; i++)
      seen(i, moment, undefined, observations.subarray(i * OBSERVED, (i + 1) * OBSERVED));
    const acting = await actor.act(observations, memory);
    [memory, words] = [acting.memory.slice(), acting.probabilities.slice()];
  }
  if (forgets === 1) memory.fill(0);
  const heard = new Float32Array(last.rows * OBSERVED);
  const remembered = new Float32Array(last.rows * MEMORY);
  for (let row = 0; row < last.rows; row++) {
    const [situation, word] = [Math.floor(row / HEARD), row % HEARD];
    const isHeard = word < WORDS.length && deaf < 1;
    seen(situation, LAST, isHeard ? word : undefined, heard.subarray(row * OBSERVED, (row + 1) * OBSERVED));
    remembered.set(memory.subarray(situation * MEMORY, (situation + 1) * MEMORY), row * MEMORY);
  }
  const { probabilities } = await last.act(heard, remembered);
  const right = Float32Array.from({ length: last.rows }, (_, row) => {
    let sum = 0;
    for (let action = 0; action < WORDS.length; action++) {
      if (wayOf(action) === 1) sum += probabilities[row * WORDS.length + action] ?? 0;
    }
    return sum;
  });
  return { words, right };
}

/** P(right) in a situation with a word heard, or none. */
export function rightAfter({ right }: Pick<Read, 'right'>, situation: number, word: number | undefined): number {
  return right[situation * HEARD + (word ?? WORDS.length)] ?? Number.NaN;
}
