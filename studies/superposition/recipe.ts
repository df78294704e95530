/**
 * One run: pretrain a base (once for all runs of a block that share it), draw the touched features, finetune. Axis: the task's loss as a
 * fraction of what it is before finetuning. Outcomes: interference, with the lines it is held against.
 */
import { ADAMW_DEFAULTS, type JsonObject, type Recipe, type RunContext, type RunEnd, SGD_DEFAULTS } from 'assay';
import {
  type Clip,
  type ConfigReader,
  configReader,
  createLearner,
  drawnWeights,
  labShelf,
  largestNorm,
  type Learner,
  type OptimizerConfig,
  readClip,
  type Reader,
  readLevels,
  readOptimizer,
  rngOf,
  takeStep,
  trainingRun,
} from 'assay/learn';

import {
  type Base,
  BASES,
  baseWeights,
  changes,
  finetunedWeights,
  fullLine,
  interferenceOf,
  isRepresented,
  METHODS,
  pretrainingLoss,
  READS,
  shownRows,
  sparseRows,
  type Superposition,
  taskFeatures,
  taskLoss,
  taskRows,
  TASKS,
  theoryOf,
} from './world.ts';

/** Rows of a step of pretraining; its rate falls linearly to zero. */
const PRETRAINING = { rows: 256, learningRate: 1e-2, optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 } };

interface Config {
  readonly world: Superposition;
  readonly pretrainingSteps: number;
  /** Added to the block: other bases, features and starts. */
  readonly seed: number;
  readonly optimizer: OptimizerConfig;
  readonly clip: Clip;
  readonly learningRate: number;
  readonly steps: number;
  readonly probeEvery: number;
  readonly stopBelow: number;
  readonly levels: Readonly<Record<string, readonly number[]>>;
}

const DEFAULTS = {
  world: {
    features: 200,
    dimensions: 40,
    touched: 5,
    probability: 0.02,
    base: 'pretrained',
    task: 'scale',
    read: 'outputs',
    method: 'full',
    rank: 8,
    scale: 1,
  },
  pretrainingSteps: 1000,
  seed: 0,
  optimizer: { ...SGD_DEFAULTS, momentum: 0 },
  clip: { kind: 'none' },
  learningRate: 0.1,
  steps: 1000,
  probeEvery: 2,
  stopBelow: 0.008,
  measure: { levels: { task: [0.1, 0.01] } },
} as const satisfies JsonObject;

interface Lab extends AsyncDisposable {
  readonly learner: Learner;
  readonly reader: Reader;
  readonly measures: Reader;
}

export function superpositionRecipe(): Recipe {
  const labs = labShelf<Lab>(8);
  return {
    name: 'superposition',
    semanticsVersion: 1,
    defaults: DEFAULTS,
    learningRatePath: 'learningRate',
    measurePaths: ['measure'],
    levelsPath: 'measure.levels',
    gives: () => ({
      axes: ['task'],
      outcomes: ['interference', 'outputs', 'theory', 'relative', 'left', 'represented'],
    }),
    stopRule: { axis: 'task', path: 'stopBelow' },
    check: (config) => void readConfig(config),
    async run(context) {
      const config = readConfig(context.config);
      const { world, optimizer } = config;
      const base = await baseOf(context, config);
      const lab = await labs({ world: { ...world }, optimizer: { ...optimizer } }, () => createLab(world, optimizer));
      return finetune(context, config, base, lab);
    },
  };
}

/** @throws AssayError naming the path, what was expected and what was found. */
function readConfig(config: JsonObject): Config {
  const reader = configReader(config);
  const read = {
    world: readWorld(reader.object('world')),
    pretrainingSteps: reader.number('pretrainingSteps', { min: 0, integer: true }),
    seed: reader.number('seed', { min: 0, integer: true }),
    optimizer: readOptimizer(reader.object('optimizer')),
    clip: readClip(reader.object('clip')),
    learningRate: reader.number('learningRate', { min: 0 }),
    steps: reader.number('steps', { min: 1, integer: true }),
    probeEvery: reader.number('probeEvery', { min: 1, integer: true }),
    stopBelow: reader.number('stopBelow', { min: 0 }),
    levels: readLevels(reader.object('measure'), ['task']),
  };
  reader.done();
  return read;
}

function readWorld(reader: ConfigReader): Superposition {
  const whole = (name: string, min: number): number => reader.number(name, { min, integer: true });
  const dimensions = whole('dimensions', 2);
  const world: Superposition = {
    dimensions,
    features: whole('features', 2),
    touched: reader.number('touched', { min: 1, max: dimensions, integer: true }),
    probability: reader.number('probability', { min: 1e-4, max: 0.999 }),
    base: reader.oneOf('base', BASES),
    task: reader.oneOf('task', TASKS),
    read: reader.oneOf('read', READS),
    method: reader.oneOf('method', METHODS),
    rank: whole('rank', 1),
    scale: reader.number('scale', { min: 0 }),
  };
  const { features, touched, task, method, rank } = world;
  if (features <= dimensions) reader.refuse('features', `more than the ${dimensions} dimensions`, `${features}`);
  if (task === 'reroute' && touched < 2)
    reader.refuse('touched', 'at least 2, to take each other’s place', `${touched}`);
  if (method === 'frozen' && rank < touched + 2) {
    reader.refuse('rank', `at least ${touched + 2} for a frozen A, whose line is finite from there`, `${rank}`);
  }
  reader.done();
  return world;
}

async function createLab(world: Superposition, optimizer: OptimizerConfig): Promise<Lab> {
  const { trained, drawn } = finetunedWeights(world);
  const shape = [shownRows(world), world.dimensions];
  const fixed = [
    ...baseWeights(world).map(({ name, shape }) => ({ name, shape })),
    ...drawn,
    { name: 'shown', shape },
    { name: 'wanted', shape },
  ];
  const loss = taskLoss(world);
  const learner = await createLearner({ parameters: trained, fixed, loss: { loss }, optimizer });
  const [reader, measures] = [await learner.reader({ loss }), await learner.reader(changes(world))];
  return { learner, reader, measures, [Symbol.asyncDispose]: () => learner[Symbol.asyncDispose]() };
}

/** The base of a block. */
async function baseOf(context: RunContext, { world, pretrainingSteps, seed }: Config): Promise<Base> {
  const block = context.block + seed;
  const { features, dimensions, probability, base } = world;
  const specs = baseWeights(world);
  if (base === 'random') return namedBase(drawnWeights(specs, rngOf(block, 'base')));
  const key = { features, dimensions, probability, pretrainingSteps, block };
  const bytes = await context.shared('superposition base', key, async () => {
    const learner = await createLearner({
      parameters: specs,
      loss: { loss: pretrainingLoss(world, PRETRAINING.rows) },
      optimizer: PRETRAINING.optimizer,
    });
    await using _ = learner;
    const rng = rngOf(block, 'base');
    learner.reset(new Map(), rng);
    for (let step = 0; step < pretrainingSteps; step++) {
      context.signal.throwIfAborted();
      const x = sparseRows(world, PRETRAINING.rows, rng.split(`rows of step ${step}`));
      const rate = PRETRAINING.learningRate * (1 - step / pretrainingSteps);
      const broken = await takeStep(learner, [{ x }], rate, Infinity);
      if (broken !== undefined) throw new Error(`pretraining broke at step ${step}: ${broken}`);
    }
    const { columns, bias } = namedBase(learner.memory);
    return new Uint8Array(Float32Array.of(...columns, ...bias).buffer);
  });
  const values = new Float32Array(bytes.slice().buffer);
  return { columns: values.subarray(0, features * dimensions), bias: values.subarray(features * dimensions) };
}

function namedBase(weights: ReadonlyMap<string, Float32Array>): Base {
  const named = (name: string): Float32Array => weights.get(name) ?? new Float32Array();
  return { columns: named('columns'), bias: named('bias') };
}

async function finetune(context: RunContext, config: Config, base: Base, lab: Lab): Promise<RunEnd> {
  const { world, seed, steps, probeEvery, stopBelow, levels, learningRate, clip } = config;
  const { learner, reader, measures } = lab;
  const rng = rngOf(context.block + seed, 'finetuning');
  const features = taskFeatures(world, base, rng.split('touched'));
  const fixed = { ...base, ...taskRows(world, base, features) };
  const drawn = drawnWeights(finetunedWeights(world).drawn, rng);
  learner.reset(new Map([...Object.entries(fixed), ...drawn]), rng);
  const loss = async (): Promise<number> => (await reader.read({}))['loss']?.[0] ?? Number.NaN;
  // Every run starts at dH = 0; a resumed one is put where it was only afterwards.
  const before = await loss();
  const theory = theoryOf(world);
  const represented = isRepresented(base.columns, world.dimensions).filter(Boolean).length / world.features;
  return trainingRun(
    context,
    { steps, probeEvery, stopBelow, levels, lossAxis: 'task' },
    {
      learner,
      axes: async () => ({ task: (await loss()) / before }),
      outcomes: async ({ axes: { task: left = Number.NaN } }) => {
        const { stream = new Float32Array(), outputs = new Float32Array() } = await measures.read({});
        const interference = interferenceOf(stream, features);
        const relative = interference / fullLine(world);
        return { interference, outputs: interferenceOf(outputs, features), theory, relative, left, represented };
      },
      step: () => takeStep(learner, [{}], learningRate, largestNorm(clip)),
    },
  );
}
