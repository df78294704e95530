/**
 * One run: a network of one kind, made in the world of the block; what its memory holds of season and hunger along the lives of the
 * block's actor-critic, and what its own lives lose when its largest axis is another's.
 */
import { EPISODES_FILE, episodeLines, type JsonObject, type Recipe, type RunContext } from 'assay';
import {
  type Actor,
  type Agent,
  configReader,
  createActor,
  drawnWeights,
  feedLayers,
  input,
  labShelf,
  type Reader,
  rngOf,
  sharedWeights,
  softmax,
} from 'assay/learn';

import { readStates, useOf } from './measures.ts';
import {
  createForager,
  createPredictor,
  evolved,
  type Evolving,
  foresaw,
  FORESIGHTS,
  MEMORY,
  POLICY,
  type Predictor,
  rewarded,
  type Training,
  trunkOf,
  type Weights,
} from './networks.ts';
import { streamOf } from './streams.ts';
import { lifeShown } from './strip.ts';

/** What made the trunk. */
const KINDS = ['rewarded', 'evolved', 'predictor', 'untrained'] as const;

export const OUTCOMES = [
  'season',
  'seasonShuffled',
  'seasonSeen',
  'seasonBelief',
  'share',
  'belief',
  'hunger',
  'merged',
  'slow',
  'slowBelief',
  'life',
  'lifeSelf',
  'lostAxis',
  'lostRandom',
  'lostAsFar',
  'lostWhole',
] as const;
export type OutcomeName = (typeof OUTCOMES)[number];

const DEFAULTS = {
  kind: 'rewarded',
  foresight: 'all',
  training: { rows: 64, steps: 16, updates: 800, learningRate: 0.01, entropy: 0.003, discount: 0.98 },
  headUpdates: 400,
  evolving: { generations: 100, population: 64, livesEach: 4, steps: 64, sigma: 0.2, learningRate: 0.05 },
  measure: { lives: 256, steps: 150, streamSteps: 120, noise: 0 },
  seeds: { start: 0, training: 0 },
} as const satisfies JsonObject;

/** What runs of one shape share. */
interface Lab extends AsyncDisposable {
  /** All of a forager is trained, or its heads alone. */
  readonly whole: Agent;
  readonly heads: Agent;
  /** Acts and is read under the weights that `whole` holds. */
  readonly stage: { readonly actor: Actor; readonly heads: Reader };
}

/** The recipe. It keeps compiled labs between the runs of one process; numbers never depend on that. */
export function moodEmerges(): Recipe {
  const labs = labShelf<Lab>(2);
  const predictors = labShelf<Predictor>(2);
  return {
    name: 'mood-emerges',
    semanticsVersion: 1,
    defaults: DEFAULTS,
    measurePaths: ['measure'],
    gives: () => ({ axes: ['updates'], outcomes: OUTCOMES }),
    check: (config) => void readConfig(config),
    async run(context) {
      const config = readConfig(context.config);
      const { training, measure, foresight } = config;
      const lab = await labs({ ...training, lives: measure.lives }, () => createLab(training, measure.lives));
      const predictor = (): Promise<Predictor> =>
        predictors({ ...training, foresight }, () => createPredictor(training, foresight));
      return measured(context, config, lab, predictor);
    },
  };
}

type Config = ReturnType<typeof readConfig>;

async function measured(context: RunContext, config: Config, lab: Lab, predictor: () => Promise<Predictor>) {
  const { training, measure, seeds } = config;
  const { learner } = lab.whole;
  const own = rngOf(context.block + seeds.training, 'training');
  const start = drawnWeights(POLICY.parameters, rngOf(context.block + seeds.start, 'weights'));
  const forager = await foragerOf(context, config, lab, start);
  const weights = await networkOf(config, lab, { start, forager, predictor }, own);
  learner.reset(forager, own);
  const measuring = rngOf(context.block, 'measuring');
  const stream = await streamOf(lab.stage.actor, measure.streamSteps, measuring.split('stream'));
  learner.reset(weights, own);
  const { read, axis } = await readStates(lab.stage.actor, stream, measure.noise, measuring.split('noise'));
  const used = await useOf(axis, lab.stage, measure.steps, measuring);
  const shown = await lifeShown(lab.stage.actor, axis, measuring.split('shown'));
  context.keep?.(EPISODES_FILE, episodeLines([{ ...shown, title: `${config.kind}, block ${context.block}` }]));
  context.record({ step: 0, axes: { updates: training.updates }, outcomes: { ...read, ...used } });
  return { kind: 'finished' } as const;
}

/** The actor-critic of a block, made once a store: an arm of its own, and what the others' streams come from. */
async function foragerOf(context: RunContext, { training, seeds }: Config, lab: Lab, start: Weights): Promise<Weights> {
  const key = { ...training, ...seeds, block: context.block };
  return sharedWeights(context, 'forager', key, POLICY.parameters, () =>
    rewarded(lab.whole, training, start, rngOf(context.block + seeds.training, 'forager')),
  );
}

interface Made {
  readonly start: Weights;
  readonly forager: Weights;
  readonly predictor: () => Promise<Predictor>;
}

async function networkOf(
  { kind, training, headUpdates, evolving }: Config,
  { whole, heads }: Lab,
  { start, forager, predictor }: Made,
  rng: ReturnType<typeof rngOf>,
): Promise<Weights> {
  const withHeads = (trunk: Weights): Promise<Weights> =>
    rewarded(heads, { ...training, updates: headUpdates }, new Map([...start, ...trunk]), rng.split('heads')).then(
      (made) => new Map([...trunk, ...made]),
    );
  switch (kind) {
    case 'rewarded':
      return forager;
    case 'evolved':
      return evolved(evolving, start, rng.split('evolution'));
    case 'predictor': {
      whole.learner.reset(forager, rng);
      return withHeads(await foresaw(await predictor(), whole.actor, training, start, rng.split('foreseeing')));
    }
    case 'untrained':
      return withHeads(trunkOf(start));
    default:
      return kind satisfies never;
  }
}

async function createLab(training: Training, lives: number): Promise<Lab> {
  const [whole, heads] = [await createForager(training, 'all'), await createForager(training, 'heads')];
  const actor = await createActor(whole.learner, POLICY, lives);
  const { logits } = POLICY.heads(feedLayers(POLICY.parameters), input('state', [lives, MEMORY]));
  const reader = await whole.learner.reader({ probabilities: softmax(logits) });
  return {
    whole,
    heads,
    stage: { actor, heads: reader },
    async [Symbol.asyncDispose]() {
      await whole[Symbol.asyncDispose]();
      await heads[Symbol.asyncDispose]();
    },
  };
}

function readConfig(config: JsonObject) {
  const top = configReader(config);
  const [training, evolving, measure, seeds] = (['training', 'evolving', 'measure', 'seeds'] as const).map((name) =>
    top.object(name),
  );
  if (!training || !evolving || !measure || !seeds) throw new Error('four parts of the config');
  const count = { min: 1, integer: true };
  const even = (reader: typeof top, name: string): number =>
    2 * Math.ceil(reader.number(name, { min: 2, integer: true }) / 2);
  const read = {
    kind: top.oneOf('kind', KINDS),
    foresight: top.oneOf('foresight', FORESIGHTS),
    headUpdates: top.number('headUpdates', count),
    training: {
      rows: training.number('rows', count),
      steps: training.number('steps', count),
      updates: training.number('updates', count),
      learningRate: training.number('learningRate', { min: 0 }),
      entropy: training.number('entropy', { min: 0 }),
      discount: training.number('discount', { min: 0, max: 1 }),
    } satisfies Training,
    evolving: {
      generations: evolving.number('generations', count),
      population: evolving.number('population', count),
      livesEach: evolving.number('livesEach', count),
      steps: evolving.number('steps', count),
      sigma: evolving.number('sigma', { min: 0 }),
      learningRate: evolving.number('learningRate', { min: 0 }),
    } satisfies Evolving,
    measure: {
      lives: even(measure, 'lives'),
      steps: measure.number('steps', count),
      streamSteps: measure.number('streamSteps', { min: 60, integer: true }),
      noise: measure.number('noise', { min: 0 }),
    },
    seeds: { start: seeds.number('start', { integer: true }), training: seeds.number('training', { integer: true }) },
  };
  for (const reader of [training, evolving, measure, seeds, top]) reader.done();
  return read;
}
