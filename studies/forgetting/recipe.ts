/**
 * One run: learn all tasks but the last, one after the other, each to the same loss, then the last one. Axis: the last task's loss;
 * outcomes: how much the loss of the tasks before has risen since (`leak` is `rise` in thousandths), and how many of their rows are still right.
 */
import { ADAMW_DEFAULTS, type JsonObject, type Recipe, type RunContext, type RunEnd } from 'assay';
import {
  createLearner,
  drawnWeights,
  type Feeds,
  labShelf,
  largestNorm,
  type Learner,
  type OptimizerConfig,
  type Reader,
  type Rng,
  rngOf,
  takeStep,
  trainingRun,
} from 'assay/learn';

import { FORGETTING_DEFAULTS, type ForgettingConfig, readForgettingConfig } from './config.ts';
import { modelOutputs, modelWeights, type Rows, rowsPerTask, tasksOf } from './world.ts';

/** Steps after which a task before the last counts as one that cannot be learned. */
const MOST_STEPS_BEFORE = 20_000;
const ADAM_BEFORE = { optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 }, learningRate: 1e-3 };

interface Lab extends AsyncDisposable {
  readonly learner: Learner;
  readonly reader: Reader;
}

export function forgettingRecipe(): Recipe {
  const labs = labShelf<Lab>(8);
  const labOf = async (config: ForgettingConfig, optimizer: OptimizerConfig, rehearsal: number): Promise<Lab> => {
    const { world, batch } = config;
    const key: JsonObject = { world: { ...world }, batch, rehearsal, optimizer: { ...optimizer } };
    return labs(key, () => createLab(config, optimizer, rehearsal));
  };
  return {
    name: 'forgetting',
    semanticsVersion: 1,
    defaults: FORGETTING_DEFAULTS,
    learningRatePath: 'learningRate',
    measurePaths: ['measure'],
    levelsPath: 'measure.levels',
    gives: () => ({ axes: ['last'], outcomes: ['rise', 'leak', 'right'] }),
    stopRule: { axis: 'last', path: 'stopBelow' },
    check: (config) => void readForgettingConfig(config),
    async run(context) {
      const config = readForgettingConfig(context.config);
      const before = config.before.by === 'adam' ? ADAM_BEFORE : config;
      const start = await learnedBefore(context, config, () => labOf(config, before.optimizer, 0), before.learningRate);
      const lab = await labOf(config, config.optimizer, config.rehearsal);
      return learnLast(context, config, lab, start);
    },
  };
}

async function createLab(
  { world, batch }: ForgettingConfig,
  optimizer: OptimizerConfig,
  rehearsal: number,
): Promise<Lab> {
  const { trained, fixed } = modelWeights(world);
  const all = rowsPerTask(world);
  const { loss } = modelOutputs(world, batch === 0 ? all : batch);
  const again = rehearsal > 0 && { rehearsal: { term: modelOutputs(world, all, ' again').loss, weight: rehearsal } };
  const learner = await createLearner({ parameters: trained, fixed, loss: { loss, ...again }, optimizer });
  const reader = await learner.reader(modelOutputs(world, all));
  return { learner, reader, [Symbol.asyncDispose]: () => learner[Symbol.asyncDispose]() };
}

/** A block's rows and the fixed weights. */
function blockOf({ world, seeds }: ForgettingConfig, block: number) {
  const rng = rngOf(block + seeds.data, 'tasks');
  return { tasks: tasksOf(world, rng), fixed: drawnWeights(modelWeights(world).fixed, rng), rng };
}

/** Weights, or the learner's whole state, after the tasks before the last: made once for all runs that share them. */
async function learnedBefore(
  context: RunContext,
  config: ForgettingConfig,
  labOf: () => Promise<Lab>,
  learningRate: number,
): Promise<Uint8Array> {
  const { world, before, seeds, batch } = config;
  const optimizer = before.by === 'adam' ? ADAM_BEFORE.optimizer : config.optimizer;
  const key = {
    world: { ...world },
    until: before.until,
    state: before.state,
    optimizer: { ...optimizer },
    learningRate,
    seeds,
    batch,
  };
  return context.shared('tasks before the last', { ...key, block: context.block }, async () => {
    const { learner, reader } = await labOf();
    const { tasks, fixed, rng } = blockOf(config, context.block);
    learner.reset(fixed, rngOf(context.block + seeds.init, 'start'));
    for (const [task, rows] of tasks.slice(0, -1).entries()) {
      for (let step = 0; (await readRows(reader, rows)).loss >= before.until; step++) {
        context.signal.throwIfAborted();
        if (step === MOST_STEPS_BEFORE) throw new Error(`task ${task} stays above ${before.until} nats`);
        await takeStep(
          learner,
          [batchOf(rows, step, config, rng.split(`order of task ${task}`))],
          learningRate,
          largestNorm(config.clip),
        );
      }
    }
    return before.state === 'kept' ? learner.saveState() : learner.saveWeights();
  });
}

async function learnLast(context: RunContext, config: ForgettingConfig, lab: Lab, start: Uint8Array): Promise<RunEnd> {
  const { learner, reader } = lab;
  const { tasks, fixed, rng } = blockOf(config, context.block);
  begin(learner, config, fixed, start);
  const [last, before] = [tasks.at(-1), tasks.slice(0, -1)];
  if (last === undefined) throw new Error('a world has tasks');
  const mean = async (): Promise<{ loss: number; right: number }> => {
    const read: { loss: number; right: number }[] = [];
    for (const rows of before) read.push(await readRows(reader, rows));
    const of = (name: 'loss' | 'right'): number => read.reduce((sum, one) => sum + one[name], 0) / read.length;
    return { loss: of('loss'), right: of('right') };
  };
  const { loss: lossBefore } = await mean();
  const { steps, probeEvery, stopBelow, levels, rehearsal } = config;
  const [first] = before;
  const again = rehearsal > 0 && first !== undefined ? { 'x again': first.x, 'labels again': first.labels } : {};
  const order = rng.split('order of the last task');
  return trainingRun(
    context,
    { steps, probeEvery, stopBelow, levels, lossAxis: 'last' },
    {
      learner,
      axes: async () => ({ last: (await readRows(reader, last)).loss }),
      outcomes: async () => {
        const { loss, right } = await mean();
        return { rise: loss - lossBefore, leak: 1000 * (loss - lossBefore), right };
      },
      step: (step) =>
        takeStep(
          learner,
          [{ ...batchOf(last, step, config, order), ...again }],
          config.learningRate,
          largestNorm(config.clip),
        ),
    },
  );
}

/** Puts the learner where the last task begins. */
function begin(
  learner: Learner,
  { before }: ForgettingConfig,
  fixed: ReadonlyMap<string, Float32Array>,
  start: Uint8Array,
): void {
  learner.reset(fixed, rngOf(0, 'unused'));
  if (before.state === 'kept') learner.restoreState(start);
  else learner.restoreWeights(start);
}

/** Mean loss in nats, and the share of right answers. */
async function readRows(reader: Reader, { x, labels }: Rows): Promise<{ loss: number; right: number }> {
  const { loss, predicted = [] } = await reader.read({ x, labels });
  const right = labels.filter((label, row) => predicted[row] === label).length / labels.length;
  return { loss: loss?.[0] ?? Number.NaN, right };
}

/** The rows of a step: all of them, or a batch of an endless order made of shuffled passes, a function of the step alone. */
function batchOf(rows: Rows, step: number, { batch, world }: ForgettingConfig, order: Rng): Feeds {
  if (batch === 0) return { ...rows };
  const [count, width] = [rows.labels.length, world.dimensions];
  const places = Array.from({ length: batch }, (_, i) => step * batch + i);
  const passes = new Map(
    [...new Set(places.map((place) => Math.floor(place / count)))].map((pass) => [
      pass,
      order.split(`pass ${pass}`).permutation(count),
    ]),
  );
  const chosen = places.map((place) => passes.get(Math.floor(place / count))?.[place % count] ?? 0);
  return {
    x: Float32Array.from(
      { length: batch * width },
      (_, i) => rows.x[(chosen[Math.floor(i / width)] ?? 0) * width + (i % width)] ?? 0,
    ),
    labels: Int32Array.from(chosen, (row) => rows.labels[row] ?? 0),
  };
}
