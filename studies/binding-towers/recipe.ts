/**
 * One run: a pair of towers from nothing, on scenes of seen pairs. Axis: the contrastive loss on fresh scenes of seen pairs, in batches
 * without swaps and with whole captions, the same for every arm. Outcomes where it passes a level and at the end: swap accuracies. At the
 * end further points, one a depth.
 */
import { ADAMW_DEFAULTS, type JsonObject, type Recipe, type RunContext, type RunEnd } from 'assay';
import {
  type Clip,
  type ConfigReader,
  configReader,
  createLearner,
  drawnWeights,
  feedLayers,
  labShelf,
  largestNorm,
  type Learner,
  learningRateAt,
  type OptimizerConfig,
  readClip,
  readLevels,
  readOptimizer,
  readSceneWorld,
  readSchedule,
  readSeeds,
  rngOf,
  SCENE_PAIRS,
  type SceneWorld,
  type Schedule,
  SMALL_WORLD,
  takeStep,
  towerParameters,
  trainingRun,
} from 'assay/learn';

import { batchDrawer, type BatchRules, NEGATIVES } from './batches.ts';
import { DEPTH_OUTCOMES, evaluationOf, OUTCOMES, type Readers, ROWS, YARDSTICK } from './evaluation.ts';
import { depthsOf, LOSSES, type LossRules, towerLoss, towerOutputs, type TowerSize, towersOf } from './towers.ts';

const DEFAULTS = {
  scenes: { ...SMALL_WORLD, height: 16, shapes: 6, held: { kind: 'blocks', seed: 0 } },
  towers: { dModel: 32, nLayers: 2, nHeads: 2, textStd: 0.3 },
  batch: { size: 32, pairs: 'seen', swapsFraction: 0, negatives: 'none' },
  loss: { kind: 'softmax', scale: 10, bias: 0 },
  optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0.1 },
  clip: { kind: 'none' },
  learningRate: 3e-3,
  schedule: { kind: 'wsd', warmupSteps: 50, decayFraction: 0.4, finalFraction: 0 },
  seeds: { init: 0, data: 0 },
  steps: 700,
  probeEvery: 25,
  measure: { layouts: 64, levels: { natural: [] } },
} as const satisfies JsonObject;

interface Config {
  readonly scenes: SceneWorld;
  readonly towers: TowerSize;
  readonly batch: BatchRules;
  readonly loss: LossRules;
  readonly optimizer: OptimizerConfig;
  readonly clip: Clip;
  readonly learningRate: number;
  readonly schedule: Schedule;
  readonly seeds: { readonly init: number; readonly data: number };
  readonly steps: number;
  readonly probeEvery: number;
  readonly layouts: number;
  readonly levels: Readonly<Record<'natural', readonly number[]>>;
}

interface Lab extends AsyncDisposable, Readers {
  readonly learner: Learner;
}

export function bindingTowersRecipe(): Recipe {
  const labs = labShelf<Lab>(8);
  return {
    name: 'binding-towers',
    semanticsVersion: 1,
    defaults: DEFAULTS,
    learningRatePath: 'learningRate',
    measurePaths: ['measure'],
    levelsPath: 'measure.levels',
    gives: () => ({ axes: ['natural', 'depth'], outcomes: [...OUTCOMES, ...DEPTH_OUTCOMES] }),
    check: (config) => void readConfig(config),
    async run(context) {
      const config = readConfig(context.config);
      const { scenes, towers, batch, loss, optimizer } = config;
      // What a program depends on: runs that differ in anything else share it.
      const { image, text } = towersOf(scenes, { ...towers, textStd: 1 }, loss);
      const key = { towers: JSON.stringify([image, text]), loss: { ...loss }, optimizer: { ...optimizer } };
      const lab = await labs({ ...key, batch: [batch.size, batch.negatives] }, () => createLab(config));
      return train(context, config, lab);
    },
  };
}

/** @throws AssayError naming the path, what was expected and what was found. */
function readConfig(config: JsonObject): Config {
  const reader = configReader(config);
  const [towers, batch, loss, measure] = [
    reader.object('towers'),
    reader.object('batch'),
    reader.object('loss'),
    reader.object('measure'),
  ];
  const whole = (from: ConfigReader, name: string): number => from.number(name, { min: 1, integer: true });
  const read: Config = {
    scenes: readSceneWorld(reader.object('scenes')),
    towers: {
      dModel: whole(towers, 'dModel'),
      nLayers: whole(towers, 'nLayers'),
      nHeads: whole(towers, 'nHeads'),
      textStd: towers.number('textStd', { min: 0 }),
    },
    batch: {
      size: whole(batch, 'size'),
      pairs: batch.oneOf('pairs', ['seen', 'any']),
      swapsFraction: batch.number('swapsFraction', { min: 0, max: 1 }),
      negatives: batch.oneOf('negatives', NEGATIVES),
    },
    loss: {
      kind: loss.oneOf('kind', LOSSES),
      scale: loss.number('scale', { min: 1e-3 }),
      bias: loss.number('bias'),
    },
    optimizer: readOptimizer(reader.object('optimizer')),
    clip: readClip(reader.object('clip')),
    learningRate: reader.number('learningRate', { min: 0 }),
    schedule: readSchedule(reader.object('schedule')),
    seeds: readSeeds(reader.object('seeds'), ['init', 'data']),
    steps: whole(reader, 'steps'),
    probeEvery: whole(reader, 'probeEvery'),
    layouts: whole(measure, 'layouts'),
    levels: readLevels(measure, ['natural']),
  };
  if (read.loss.kind === 'binding' && read.batch.negatives === 'none') {
    batch.refuse('negatives', 'swapped, which the loss "binding" tells from the right ones', '"none"');
  }
  const { held, objects } = read.scenes;
  if (held.kind === 'none' || objects !== 2) {
    reader.refuse('scenes', 'two objects and held-out pairs', `${objects} objects, held: ${held.kind}`);
  }
  for (const part of [towers, batch, loss, reader]) part.done();
  return read;
}

async function createLab({ scenes, towers, batch, loss, optimizer }: Config): Promise<Lab> {
  const config = towersOf(scenes, towers, loss);
  const parameters = towerParameters(config);
  const layers = feedLayers(parameters);
  const texts = batch.negatives === 'swapped' ? 2 * batch.size : batch.size;
  const term = towerLoss(config, layers, loss, batch.size, texts);
  const learner = await createLearner({ parameters, loss: { loss: term }, optimizer });
  const outputs = towerOutputs(config, parameters, ROWS);
  const { rows, scale } = YARDSTICK;
  const yardstick = towerLoss(config, layers, { kind: 'softmax', scale, bias: 0 }, rows, rows);
  return {
    learner,
    yardstick: await learner.reader({ loss: yardstick }),
    embeddings: await learner.reader(outputs.embeddings),
    depths: await learner.reader(outputs.depths),
    [Symbol.asyncDispose]: () => learner[Symbol.asyncDispose](),
  };
}

async function train(context: RunContext, config: Config, { learner, ...readers }: Lab): Promise<RunEnd> {
  const { towers, batch, loss, learningRate, schedule, steps } = config;
  const [init, data] = [context.block + config.seeds.init, context.block + config.seeds.data];
  const world = worldOf(config.scenes, data);
  learner.reset(drawnWeights(towerParameters(towersOf(world, towers, loss)), rngOf(init, 'towers')), rngOf(init));
  const draw = batchDrawer(world, batch);
  const evaluation = evaluationOf(world, config.layouts, rngOf(data, 'evaluation'), readers);
  const end = await trainingRun(
    context,
    { steps, probeEvery: config.probeEvery, levels: config.levels, lossAxis: 'natural' },
    {
      learner,
      axes: async () => ({ natural: await evaluation.natural() }),
      outcomes: async () => evaluation.outcomes(),
      step: async (step) => {
        const feeds = { ...draw(rngOf(data, `batch ${step}`)) };
        const lr = learningRateAt(schedule, learningRate, step, steps);
        return takeStep(learner, [feeds], lr, largestNorm(config.clip));
      },
    },
  );
  if (end.kind === 'diverged') return end;
  // No step is taken between these points; a run's points are counted on.
  for (let depth = 0; depth < depthsOf(towers); depth++) {
    context.record({ step: steps + 1 + depth, axes: { depth }, outcomes: await evaluation.depth(depth) });
  }
  context.keep?.(SCENE_PAIRS, await evaluation.pairs());
  return end;
}

/** The world of a block: which pairs are held out is the block's. */
function worldOf(scenes: SceneWorld, seed: number): SceneWorld {
  return { ...scenes, held: { ...scenes.held, seed: scenes.held.seed + seed } };
}
