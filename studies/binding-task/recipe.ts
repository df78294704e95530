/**
 * One run: a small transformer learns a task; swap tests say by what it binds, depth by depth, and sparse autoencoders of its stream are
 * searched for what is known to be there. A run takes seconds and starts over where it was stopped.
 */
import type { JsonObject, Recipe, RunContext, RunEnd } from 'assay';
import {
  configReader,
  type ConfigReader,
  labShelf,
  type Learner,
  matchPairs,
  pairRecovery,
  type Rng,
  rngOf,
} from 'assay/learn';

import { addressOutcomes } from './addresses.ts';
import { type Contents, contentsOf } from './contents.ts';
import {
  centred,
  dictionaryOutcomes,
  type DictionarySettings,
  effectiveDimension,
  knownFeatures,
  mapReads,
  objectRows,
} from './dictionaries.ts';
import { createModel, FEWEST_STEPS, modelConfig, type ModelSettings, POSITIONS, trainModel } from './model.ts';
import { type Prompt, tokensOf } from './prompts.ts';
import { createReader, type ModelReader, type Reading } from './reading.ts';
import { drawnOthers, rightFraction, SWAPS, type SwapSetting, swapScores } from './swaps.ts';
import { drawContext, layoutOf, promptOf, TASKS, type TaskWorld } from './world.ts';

const DEFAULTS = {
  world: { task: 'objects', keys: 48, values: 48, relations: 4, objects: 4, fillers: 6 },
  model: {
    dModel: 32,
    layers: 2,
    heads: 1,
    mlps: false,
    positions: 'learned',
    steps: 1200,
    starts: 16,
    rows: 32,
    learningRate: 0.02,
  },
  /** Whether autoencoders are trained behind the first layer. */
  dictionaries: true,
  dictionary: { dSae: 144, k: 3, steps: 400, learningRate: 0.01, nulls: 1 },
  /** Contexts that means and autoencoders are made from, and those that are measured on. */
  contexts: { fit: 2560, measured: 512 },
  /** Added to the block. */
  seed: 6000,
} as const satisfies JsonObject;

const OF_MAPS = ['mapReads', 'writtenDimension'] as const;
const OF_DICTIONARIES = [
  'knownPairs',
  'fvu',
  'foundOwn',
  'foundWritten',
  'pairs',
  'nullPairs',
  'rightPairs',
  'pairsPlaced',
  'nullPairsPlaced',
] as const;
const OF_ADDRESSES = ['additive', 'toldPairs', 'toldParts', 'spliced'] as const;
const READER_ROWS = 128;
const LABS_KEPT = 4;

interface Config {
  readonly world: TaskWorld;
  readonly model: ModelSettings;
  readonly dictionaries: boolean;
  readonly dictionary: DictionarySettings;
  readonly fit: number;
  readonly measured: number;
  readonly seed: number;
}

interface Lab extends AsyncDisposable {
  readonly learner: Learner;
  readonly reader: ModelReader;
}

export function bindingTaskRecipe(): Recipe {
  const labs = labShelf<Lab>(LABS_KEPT);
  return {
    name: 'binding-task',
    semanticsVersion: 1,
    defaults: DEFAULTS,
    measurePaths: [],
    gives: (config) => {
      const { world, dictionaries } = readConfig(config);
      const isAddressed = world.task === 'relations';
      return {
        axes: ['depth'],
        outcomes: [
          'right',
          'starts',
          ...SWAPS,
          ...OF_MAPS,
          ...(dictionaries ? OF_DICTIONARIES : []),
          ...(isAddressed ? OF_ADDRESSES : []),
        ],
      };
    },
    check: (config) => void readConfig(config),
    async run(context) {
      const config = readConfig(context.config);
      // Steps and rate make no other program.
      const shape = { ...config.world, ...config.model, steps: 0, starts: 0, learningRate: 0 };
      const lab = await labs(shape, () => createLab(config));
      return measured(context, config, lab);
    },
  };
}

async function createLab({ world, model }: Config): Promise<Lab> {
  const learner = await createModel(world, model);
  const length = layoutOf(world).readAt + 1;
  const reader = await createReader(learner, modelConfig(world, model), { rows: READER_ROWS, length });
  return { learner, reader, [Symbol.asyncDispose]: () => learner[Symbol.asyncDispose]() };
}

async function measured(context: RunContext, config: Config, { learner, reader }: Lab): Promise<RunEnd> {
  const { world, model } = config;
  const rng = rngOf(context.block + config.seed, 'binding task');
  const starts = await trainModel(learner, world, model, rng.split('training'), (step) => {
    context.signal.throwIfAborted();
    context.progress(step / model.steps);
  });
  const drawn = (name: string, count: number): readonly Prompt[] => {
    const own = rng.split(name);
    return Array.from({ length: count }, () => promptOf(world, drawContext(world, own)));
  };
  const read = (from: readonly Prompt[]): Promise<Reading> => reader.read(from.map((one) => tokensOf(one)));
  const [fit, prompts, others] = [
    drawn('fit', config.fit),
    drawn('measured', config.measured),
    drawn('others', config.measured),
  ];
  const { depths } = await read(fit);
  const contents = depths.map((stream) => contentsOf(world, fit, stream));
  const setting = {
    prompts,
    others,
    reading: await read(prompts),
    otherReading: await read(others),
    contents,
  };
  const partners = drawnOthers(prompts, rng.split('other objects'));
  const outcomes = async (depth: number): Promise<Record<string, number>> => ({
    right: rightFraction(prompts, setting.reading),
    starts,
    ...(await swapScores(reader, setting, partners, depth, SWAPS)),
    ...(depth === 1 && mapsAt(contents[depth], depths[depth])),
    ...(depth === 1 &&
      config.dictionaries &&
      (await readDictionaries(config, fit, depths, setting, depth, rng, context.signal))),
    ...(depth === 1 &&
      world.task === 'relations' &&
      (await addressOutcomes(
        reader,
        config.dictionary,
        world,
        { prompts: fit, depths },
        setting,
        rng.split('addresses'),
        context.signal,
      ))),
  });
  for (const depth of depths.keys()) context.record({ step: depth, axes: { depth }, outcomes: await outcomes(depth) });
  return { kind: 'finished' };
}

/** What one map reads of what keys write, and in how many dimensions that lies. */
function mapsAt(
  means: Contents | undefined,
  stream: Reading['depths'][number] | undefined,
): Readonly<Record<(typeof OF_MAPS)[number], number>> {
  if (!means || !stream) throw new Error('no such depth');
  return { mapReads: mapReads(means, stream.width), writtenDimension: effectiveDimension(means.keys, stream.width) };
}

/** Autoencoders of the stream at one depth, with position means taken away and not, beside what the known directions have. */
async function readDictionaries(
  { dictionary }: Config,
  fit: readonly Prompt[],
  depths: Reading['depths'],
  { contents }: SwapSetting,
  depth: number,
  rng: Rng,
  signal: AbortSignal,
): Promise<Readonly<Record<(typeof OF_DICTIONARIES)[number], number>>> {
  const [stream, means] = [depths[depth], contents[depth]];
  if (!stream || !means) throw new Error(`no depth ${depth}`);
  const d = stream.width;
  const known = knownFeatures(means, d);
  const rows = objectRows(fit, stream);
  const of = (isPlaced: boolean) =>
    dictionaryOutcomes(
      dictionary,
      centred(rows, means, !isPlaced, d),
      known,
      rng.split(`${depth} ${isPlaced}`),
      signal,
    );
  const [freed, placed] = [await of(false), await of(true)];
  return {
    ...freed,
    pairsPlaced: placed.pairs,
    nullPairsPlaced: placed.nullPairs,
    knownPairs: pairRecovery(known.features, matchPairs(known.features), known).foundFraction,
  };
}

/** @throws AssayError naming the path, what was expected and what was found. */
function readConfig(config: JsonObject): Config {
  const reader = configReader(config);
  const contexts = reader.object('contexts');
  const whole = (from: ConfigReader, name: string, min: number): number => from.number(name, { min, integer: true });
  const read: Config = {
    world: readWorld(reader.object('world')),
    model: readModel(reader.object('model')),
    dictionaries: reader.boolean('dictionaries'),
    dictionary: readDictionary(reader.object('dictionary')),
    fit: whole(contexts, 'fit', 64),
    measured: whole(contexts, 'measured', 1),
    seed: whole(reader, 'seed', 0),
  };
  contexts.done();
  reader.done();
  return read;
}

function readWorld(reader: ConfigReader): TaskWorld {
  const whole = (name: string, min: number): number => reader.number(name, { min, integer: true });
  const world = {
    task: reader.oneOf('task', TASKS),
    keys: whole('keys', 2),
    values: whole('values', 2),
    relations: whole('relations', 2),
    objects: whole('objects', 2),
    fillers: whole('fillers', 0),
  };
  const { objects, keys, values, relations } = world;
  if (objects > Math.min(keys, values))
    reader.refuse('objects', `at most ${Math.min(keys, values)}, the keys and values`, `${objects}`);
  if (world.task === 'relations' && (objects !== 4 || relations < 4))
    reader.refuse('objects', '4, two keys under two relations, and 4 relations or more', `${objects} and ${relations}`);
  reader.done();
  return world;
}

function readModel(reader: ConfigReader): ModelSettings {
  const whole = (name: string, min: number): number => reader.number(name, { min, integer: true });
  const model = {
    dModel: whole('dModel', 4),
    layers: whole('layers', 1),
    heads: whole('heads', 1),
    mlps: reader.boolean('mlps'),
    positions: reader.oneOf('positions', POSITIONS),
    steps: whole('steps', 0),
    starts: whole('starts', 1),
    rows: whole('rows', 1),
    learningRate: reader.number('learningRate', { min: 0 }),
  };
  if (model.steps > 0 && model.steps < FEWEST_STEPS)
    reader.refuse('steps', `0, or ${FEWEST_STEPS} and more`, `${model.steps}`);
  reader.done();
  return model;
}

function readDictionary(reader: ConfigReader): DictionarySettings {
  const whole = (name: string, min: number): number => reader.number(name, { min, integer: true });
  const settings = {
    dSae: whole('dSae', 4),
    k: whole('k', 1),
    steps: whole('steps', 1),
    learningRate: reader.number('learningRate', { min: 0 }),
    nulls: whole('nulls', 1),
  };
  reader.done();
  return settings;
}
