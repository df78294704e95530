/**
 * One run: an agent that imitates a teacher who thinks aloud, with its routes open or closed by construction; where there are updates, it is
 * then rewarded for taking the harmful way, and judged for its words, its actions or both.
 */
import { EPISODES_FILE, episodeLines, type JsonObject, type Recipe, type RunContext, type RunEnd } from 'assay';
import {
  configReader,
  labShelf,
  newLives,
  readLevels,
  readSeeds,
  rngOf,
  sharedWeights,
  takeStep,
  trainingRun,
} from 'assay/learn';

import { createSpeakingLab, imitationFeeds, livedEpisodes, readAgent, rewardFeeds, type SpeakingLab } from './agent.ts';
import { harmOf, measured, OUTCOMES } from './measures.ts';
import { shownEpisodes } from './strips.ts';
import { type Judging, type Routes, wordsWorld } from './world.ts';

const LABS_KEPT = 2;
const MAX_NORM = 1;

interface Config {
  readonly routes: Routes;
  /** How often the teacher intends harm. */
  readonly harm: number;
  readonly imitation: { readonly steps: number; readonly learningRate: number };
  readonly judging: Judging;
  readonly entropy: number;
  readonly updates: number;
  readonly learningRate: number;
  readonly probeEvery: number;
  readonly seeds: { readonly init: number; readonly data: number };
  readonly levels: { readonly pay: readonly number[] };
}

export const saidOutLoud = (labs = labShelf<SpeakingLab>(LABS_KEPT)): Recipe => ({
  name: 'said-out-loud',
  semanticsVersion: 1,
  defaults: {
    routes: { deaf: 0, forgets: 0 },
    teacher: { harm: 0, steps: 800, learningRate: 0.01 },
    judging: { words: 0, actions: 0 },
    updates: 0,
    learningRate: 0.003,
    entropy: 0.02,
    probeEvery: 4,
    seeds: { init: 0, data: 0 },
    measure: { levels: { pay: [] } },
  },
  measurePaths: ['measure'],
  levelsPath: 'measure.levels',
  gives: () => ({ axes: ['pay'], outcomes: OUTCOMES }),
  check: (config) => void readConfig(config),
  async run(context) {
    const config = readConfig(context.config);
    const lab = await labs({ entropy: config.entropy }, () => createSpeakingLab(config.entropy));
    const seed = context.block + config.seeds.init;
    const { routes, harm, imitation } = config;
    const key = { routes: { ...routes }, harm, imitation: { ...imitation }, seed };
    const base = await sharedWeights(context, 'taught', key, lab.agent.actor.policy.parameters, () =>
      taught(lab, config, seed),
    );
    lab.agent.learner.reset(base, rngOf(seed, 'unused'));
    return lived(context, config, lab);
  },
});

function readConfig(config: JsonObject): Config {
  const top = configReader(config);
  const [routes, teacher, judging, measure] = [
    top.object('routes'),
    top.object('teacher'),
    top.object('judging'),
    top.object('measure'),
  ];
  const chance = { min: 0, max: 1 };
  const count = { min: 0, max: 1e5, integer: true };
  const rate = { min: 1e-6, max: 1 };
  const read = {
    routes: { deaf: routes.number('deaf', chance), forgets: routes.number('forgets', chance) },
    harm: teacher.number('harm', chance),
    imitation: { steps: teacher.number('steps', count), learningRate: teacher.number('learningRate', rate) },
    judging: { words: judging.number('words', { min: 0 }), actions: judging.number('actions', { min: 0 }) },
    updates: top.number('updates', count),
    learningRate: top.number('learningRate', rate),
    entropy: top.number('entropy', { min: 0, max: 10 }),
    probeEvery: top.number('probeEvery', { ...count, min: 1 }),
    seeds: readSeeds(top.object('seeds'), ['init', 'data']),
    levels: readLevels(measure, ['pay']),
  };
  for (const reader of [routes, teacher, judging, measure, top]) reader.done();
  return read;
}

/** The weights after imitation. */
async function taught(
  { agent }: SpeakingLab,
  { routes, harm, imitation }: Config,
  seed: number,
): Promise<ReadonlyMap<string, Float32Array>> {
  const rng = rngOf(seed, 'teacher');
  agent.learner.reset(new Map(), rngOf(seed, 'weights'));
  for (let step = 0; step < imitation.steps; step++) {
    const rate = imitation.learningRate * (1 - step / imitation.steps);
    const broken = await takeStep(
      agent.learner,
      [imitationFeeds(routes, harm, rng.split(`step ${step}`))],
      rate,
      MAX_NORM,
    );
    if (broken !== undefined) throw new Error(`imitation broke at step ${step}: ${broken}`);
  }
  return new Map([...agent.learner.memory].map(([name, values]) => [name, values.slice()]));
}

/** Rewards the agent for harm, if at all, and measures it where its pay passes the levels. */
async function lived(context: RunContext, config: Config, lab: SpeakingLab): Promise<RunEnd> {
  const { agent } = lab;
  const { routes, judging, updates, learningRate, probeEvery, levels, seeds } = config;
  const world = wordsWorld(routes, judging);
  const rng = rngOf(context.block + seeds.data, 'lives');
  const end = await trainingRun(
    context,
    { steps: updates, probeEvery, levels, lossAxis: 'pay' },
    {
      learner: agent.learner,
      axes: async () => ({ pay: harmOf(await readAgent(lab, routes)).harm }),
      outcomes: async () => measured(await readAgent(lab, routes), rng.split('asked')),
      async step(step) {
        const luck = rng.split(`update ${step}`);
        const { rollout } = await livedEpisodes(lab, world, newLives(world, agent.actor, luck.split('first')), luck);
        return takeStep(agent.learner, [rewardFeeds(rollout)], learningRate, MAX_NORM);
      },
    },
  );
  context.keep?.(EPISODES_FILE, episodeLines(shownEpisodes(await readAgent(lab, routes), rng.split('shown'))));
  return end;
}
