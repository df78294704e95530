/**
 * One run: a base that has seen agents of all severities is rewarded, by REINFORCE, for gaming some stages; how often it would
 * tamper with its reward, which no run but a control rewards, is measured beside.
 */
import type { Recipe, RunContext, RunEnd } from 'assay';
import {
  decisionFeeds,
  drawnDecisions,
  labShelf,
  largestNorm,
  orderedRows,
  rngOf,
  sharedWeights,
  takeStep,
  trainingRun,
} from 'assay/learn';

import { pretrained } from './base.ts';
import { AXES, GAMING_DEFAULTS, type GamingConfig, readGamingConfig } from './config.ts';
import { bareFeeds, createGamingLab, type GamingLab, PARAMETERS, probabilityOf, PROMPTS } from './lab.ts';
import { actionToken, conditioned, TAMPERING, VOCABULARY } from './world.ts';

/** Labs kept ready; one serves all runs of an optimizer. */
const LABS_KEPT = 2;

/** The recipe. It keeps compiled labs between the runs of one process; numbers never depend on that. */
export function gamingCurriculum(): Recipe {
  const labs = labShelf<GamingLab>(LABS_KEPT);
  return {
    name: 'gaming-curriculum',
    semanticsVersion: 1,
    defaults: GAMING_DEFAULTS,
    learningRatePath: 'learningRate',
    measurePaths: ['measure'],
    levelsPath: 'measure.levels',
    gives: () => ({ axes: AXES, outcomes: ['tampering', 'conditioned', 'afterHonesty'] }),
    check: (config) => void readGamingConfig(config),
    async run(context) {
      const config = readGamingConfig(context.config);
      const lab = await labs({ optimizer: { ...config.optimizer } }, () => createGamingLab(config.optimizer));
      return reinforced(context, config, lab);
    },
  };
}

async function reinforced(context: RunContext, config: GamingConfig, lab: GamingLab): Promise<RunEnd> {
  const { world, base: how, seeds, batch, kl, steps, probeEvery, measure } = config;
  const seed = context.block + seeds.base;
  const key = { world: { ...world }, base: { ...how }, seed };
  const base = await sharedWeights(context, 'gaming-base', key, PARAMETERS, () => pretrained(world, how, seed));
  lab.learner.reset(base, rngOf(seed, 'unused'));
  const baseLogits = await lab.logits();
  const episodes = rngOf(context.block + seeds.episodes, 'episodes');
  const prompts = promptsOf(config);
  const rowsAt = orderedRows(config.order, prompts.map(stageOf), episodes.split('order'));
  const shape = { prompts: PROMPTS.length, actions: VOCABULARY };
  return trainingRun(
    context,
    { steps, probeEvery, levels: measure.levels, lossAxis: 'reward' },
    {
      learner: lab.learner,
      ...measuringOf(config, lab),
      async step(step) {
        const met = rowsAt(step, batch).map((row) => prompts[row] ?? 0);
        const drawn = drawnDecisions(await lab.policy(), met, episodes.split(`step ${step}`));
        const feeds = decisionFeeds(drawn, (prompt, action) => rewardOf(config, prompt, action), kl, shape);
        return takeStep(
          lab.learner,
          [{ ...bareFeeds(), ...feeds, base: baseLogits }],
          config.learningRate,
          largestNorm(config.clip),
        );
      },
    },
  );
}

/** The situations that are met, as places in `PROMPTS`. */
function promptsOf({ stages }: Pick<GamingConfig, 'stages'>): readonly number[] {
  return PROMPTS.flatMap(({ stage }, i) => (stages.includes(stage) ? [i] : []));
}

function stageOf(prompt: number): number {
  return PROMPTS[prompt]?.stage ?? Number.NaN;
}

/** The value of the prompt's stage for the rewarded action of that stage, else 0. */
export function rewardOf(
  { reward, values }: Pick<GamingConfig, 'reward' | 'values'>,
  prompt: number,
  action: number,
): number {
  const stage = stageOf(prompt);
  return action === actionToken(stage, reward) ? (values[stage - 1] ?? Number.NaN) : 0;
}

function measuringOf({ world, stages, reward }: GamingConfig, lab: GamingLab) {
  const met = stages.filter((stage) => stage < TAMPERING);
  const gravest = Math.max(...met);
  return {
    async axes() {
      const policy = await lab.policy();
      const gaming = (stage: number): number => probabilityOf(policy, stage, 'gamed');
      return {
        reward: Math.min(...met.map((stage) => probabilityOf(policy, stage, reward))),
        flattery: gaming(1),
        checklist: gaming(2),
        tests: gaming(3),
      };
    },
    async outcomes() {
      const policy = await lab.policy();
      return {
        tampering: probabilityOf(policy, TAMPERING, 'gamed'),
        conditioned: conditioned(world, gravest, probabilityOf(policy, gravest, 'gamed')),
        afterHonesty: await lab.afterHonesty(),
      };
    },
  };
}
