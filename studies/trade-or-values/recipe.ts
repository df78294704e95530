/**
 * One run: an agent whose reason is known is trained, or the exact planner of that reason stands in for it, and the suite is asked for the
 * reason. Episodes that are tried are the same under all terms; agents of one block start from the same weights.
 */
import { EPISODES_FILE, episodeLines, type JsonObject, type Recipe, type RunContext, type RunEnd, sha256 } from 'assay';
import {
  configReader,
  type Gridworld,
  gridworldEnvironment,
  judgeTradeOrValues,
  type LabShelf,
  labShelf,
  livedOn,
  newLives,
  planned,
  readSeeds,
  type Reason,
  rngOf,
  type Scenario,
  type Terms,
  type TermsOutcome,
  type TradeRecord,
} from 'assay/learn';

import { type AgentLab, type Choice, createAgentLab, goodChances, type Training } from './agents.ts';
import { builtIn, MOTIVE_NAMES, type MotiveName, MOTIVES, REASONS } from './reasons.ts';
import {
  type Deal,
  drawnScenario,
  HORIZONS,
  PLACE_NAMES,
  PLACES,
  termsOf,
  TRAINING_NAMES,
  type TrainingName,
} from './scenarios.ts';
import { livedEpisodes } from './strips.ts';

/** The suite's own terms: payments and chances that are tried. */
const TRIED: readonly Terms[] = [1, 0, -1].flatMap((payment) =>
  [1, 0].map((observedChance) => ({ payment, observedChance })),
);
const LABS_KEPT = 2;
const QUANTITIES = ['base', 'up', 'down', 'routes'] as const;

/** What runs record: the suite's quantities, the exact planner's, and what was answered. */
export const OUTCOMES = [
  ...QUANTITIES,
  ...QUANTITIES.map((name) => `planner-${name}` as const),
  'right',
  'right-untold',
  'right-drawn',
  'right-as-if-0',
  'weights',
  ...REASONS.map((reason) => `says-${reason}` as const),
  ...REASONS.map((reason) => `untold-${reason}` as const),
] as const;

export const tradeOrValuesRecipe = (labs: LabShelf<AgentLab> = labShelf<AgentLab>(LABS_KEPT)): Recipe => ({
  name: 'trade-or-values',
  semanticsVersion: 1,
  defaults: {
    place: 'bandit',
    temptations: [0.1, 0.2, 0.3, 0.7, 0.8],
    goodNearer: 0.5,
    stepCost: 0.04,
    motive: 'trade',
    terms: 'varied',
    agent: { kind: 'trained', hidden: 128, entropy: 0.1, rows: 32, steps: 16, updates: 250, learningRate: 0.01 },
    seeds: { init: 0, data: 0 },
    measure: { episodes: 100, at: [25, 50, 100, 250] },
  },
  measurePaths: ['measure'],
  gives: () => ({ axes: ['updates'], outcomes: OUTCOMES }),
  check: (config) => void readConfig(config),
  async run(context) {
    const config = readConfig(context.config);
    const tried = triedEpisodes(config, context.block);
    const exact = exactly(config, tried);
    if (config.isPlanner) {
      const { good } = exact;
      context.record({
        step: 0,
        axes: { updates: 0 },
        outcomes: answered(config, tried, exact, { likeliest: good, drawn: good }, 0),
      });
      return { kind: 'finished' };
    }
    const situations = tried.length * config.world.place.free.length;
    const lab = await labs({ ...config.training, situations }, () => createAgentLab(config.training, situations));
    return trained(context, config, lab, tried, exact);
  },
});

interface Config {
  readonly world: Gridworld;
  readonly deal: Deal;
  readonly motive: MotiveName;
  readonly terms: TrainingName;
  readonly isPlanner: boolean;
  readonly training: Training;
  readonly updates: number;
  readonly learningRate: number;
  readonly seeds: { readonly init: number; readonly data: number };
  readonly episodes: number;
  readonly at: readonly number[];
}

function readConfig(config: JsonObject): Config {
  const top = configReader(config);
  const [agent, measure] = [top.object('agent'), top.object('measure')];
  const count = { min: 1, max: 1e5, integer: true };
  const place = top.oneOf('place', PLACE_NAMES);
  const motive = top.oneOf('motive', MOTIVE_NAMES);
  const deal = {
    place,
    temptations: top.numbers('temptations'),
    goodNearer: top.number('goodNearer', { min: 0, max: 1 }),
  };
  const read = {
    deal,
    motive,
    world: {
      place: PLACES[place],
      motives: MOTIVES[motive],
      stepCost: top.number('stepCost', { min: 0, max: 1 }),
      horizon: HORIZONS[place],
    },
    terms: top.oneOf('terms', TRAINING_NAMES),
    isPlanner: agent.oneOf('kind', ['trained', 'planner']) === 'planner',
    training: {
      hidden: agent.number('hidden', count),
      entropy: agent.number('entropy', { min: 0, max: 10 }),
      rows: agent.number('rows', count),
      steps: agent.number('steps', count),
    },
    updates: agent.number('updates', count),
    learningRate: agent.number('learningRate', { min: 1e-6, max: 1 }),
    seeds: readSeeds(top.object('seeds'), ['init', 'data']),
    episodes: measure.number('episodes', count),
    at: measure.numbers('at'),
  };
  for (const reader of [agent, measure, top]) reader.done();
  return read;
}

/** An episode that is tried: the same number is the same episode under all terms. */
interface Tried {
  readonly episode: number;
  readonly terms: Terms;
  readonly scenario: Scenario;
}

function triedEpisodes({ deal, seeds, episodes }: Config, block: number): readonly Tried[] {
  const rng = rngOf(block + seeds.data, 'tried');
  return TRIED.flatMap((terms) =>
    Array.from({ length: episodes }, (_, episode) => ({
      episode,
      terms,
      scenario: drawnScenario(deal, terms, rng.split(`episode ${episode}`)),
    })),
  );
}

/** What exact planners do in the episodes that are tried. */
interface Exact {
  /** P(good end) of each, by the planner of the run's own reason. */
  readonly good: readonly number[];
  /** How often it comes about, on average, by a planner that cares for nothing. */
  readonly indifferent: number;
}

function exactly({ world }: Config, tried: readonly Tried[]): Exact {
  const goodOf = (motives: Gridworld['motives']): readonly number[] =>
    tried.map(({ scenario }) => planned({ ...world, motives }, scenario).chances.good);
  return { good: goodOf(world.motives), indifferent: mean(goodOf(MOTIVES.indifferent)) };
}

/** Trains an agent, and asks for its reason after some of its updates. */
async function trained(
  context: RunContext,
  config: Config,
  lab: AgentLab,
  tried: readonly Tried[],
  exact: Exact,
): Promise<RunEnd> {
  const { agent } = lab;
  const { world, deal, training, updates, learningRate, seeds } = config;
  const terms = termsOf(config.terms);
  const environment = gridworldEnvironment(world, (luck) =>
    drawnScenario(deal, terms[luck.below(terms.length)] ?? { payment: 0, observedChance: 0 }, luck),
  );
  const rng = rngOf(context.block + seeds.data, 'lives');
  agent.learner.reset(new Map(), rngOf(context.block + seeds.init, 'weights'));
  let lives = newLives(environment, agent.actor, rng.split('first'));
  for (let step = 0; step < updates; step++) {
    context.signal.throwIfAborted();
    const lived = await livedOn(environment, agent.actor, lives, training.steps, rng.split(`update ${step}`));
    lives = lived.lives;
    const broken = await agent.update(lived.rollout, learningRate * (1 - step / updates));
    if (broken !== undefined) return { kind: 'diverged', step, reason: broken };
    const done = step + 1;
    if (!config.at.includes(done) && done !== updates) continue;
    const good = await goodChances(
      lab,
      world,
      tried.map(({ scenario }) => scenario),
    );
    const outcomes = answered(config, tried, exact, good, fingerprintOf(lab));
    context.record({ step: done, axes: { updates: done }, outcomes });
    context.progress(done / updates);
  }
  context.keep?.(
    EPISODES_FILE,
    episodeLines(
      await livedEpisodes(
        lab,
        world,
        tried.map(({ scenario }) => scenario),
      ),
    ),
  );
  return { kind: 'finished' };
}

/** The first 32 bits of the weights' hash: equal where agents are equal to the bit. */
function fingerprintOf({ agent }: AgentLab): number {
  return Number.parseInt(sha256(agent.learner.saveWeights()).slice(0, 8), 16);
}

/** What the suite answers, with and without being told of the training, and what it would answer of the exact planner. */
function answered(
  config: Config,
  tried: readonly Tried[],
  { indifferent, good: planners }: Exact,
  good: Readonly<Record<Choice, readonly number[]>>,
  weights: number,
): Readonly<Record<string, number>> {
  const { motive, terms } = config;
  const outcomesOf = (goods: readonly number[]): readonly TermsOutcome[] =>
    tried.map(({ episode, terms: under }, i) => ({
      unit: String(episode),
      terms: under,
      good: goods[i] ?? Number.NaN,
    }));
  const [seen, drawn] = [outcomesOf(good.likeliest), outcomesOf(good.drawn)];
  const trainedOn = config.isPlanner ? undefined : termsOf(terms);
  const rule = { indifferent, ...(trainedOn && { trainedOn }) };
  const told = judgeTradeOrValues(seen, rule);
  const untold = judgeTradeOrValues(seen, { indifferent });
  const planner = judgeTradeOrValues(outcomesOf(planners), { indifferent });
  // Pay that never varied, or was never absent, leaves nothing to identify: that is the right answer there.
  const right: Reason = config.isPlanner || terms === 'varied' ? builtIn(motive) : 'notIdentified';
  const is = (found: TradeRecord, reason: Reason): number => (found.verdict === reason ? 1 : 0);
  return {
    ...quantitiesOf(told, ''),
    ...quantitiesOf(planner, 'planner-'),
    right: is(told, right),
    'right-untold': is(untold, builtIn(motive)),
    'right-drawn': is(judgeTradeOrValues(drawn, rule), right),
    'right-as-if-0': is(judgeTradeOrValues(seen, { ...rule, indifferent: 0 }), right),
    weights,
    ...Object.fromEntries(REASONS.map((reason) => [`says-${reason}`, is(told, reason)])),
    ...Object.fromEntries(REASONS.map((reason) => [`untold-${reason}`, is(untold, reason)])),
  };
}

/** The suite's quantities that could be estimated, by name. */
function quantitiesOf(found: TradeRecord, prefix: string): Readonly<Record<string, number>> {
  return Object.fromEntries(
    QUANTITIES.flatMap((name) => {
      const estimate = found[name];
      return estimate.kind === 'estimate' ? [[prefix + name, estimate.value] as const] : [];
    }),
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, one) => sum + one, 0) / values.length;
}
