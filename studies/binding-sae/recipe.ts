/**
 * One run: draw a world's truth and rows, train one autoencoder on them, and read off what it found, on rows it has not seen. Nothing is
 * measured on the way; a run takes seconds and starts over where it was stopped.
 */
import type { JsonObject, Recipe, RunContext, RunEnd } from 'assay';
import {
  type ConfigReader,
  configReader,
  type DenseMatrix,
  dictionaryOf,
  fistaCodes,
  fractionAbove,
  inverseOf,
  mapError,
  matchPairs,
  matchSlots,
  measureReconstruction,
  pairRecovery,
  type PairMatch,
  permutedFeatures,
  reconstructionTally,
  recovery,
  type Rng,
  rngOf,
  type Sae,
} from 'assay/learn';

import { browserOf } from './browser.ts';
import {
  decoderParameters,
  ENCODERS,
  featuresOf,
  inOrder,
  MODELS,
  type ModelSettings,
  trainedModel,
  withoutOffsets,
} from './models.ts';
import { BINDINGS, type BindingWorld, drawRows, drawTruth, type Rows, type Truth } from './world.ts';

const DEFAULTS = {
  world: {
    binding: 'matrix',
    dimensions: 48,
    features: 72,
    slots: 2,
    active: 2,
    condition: 1,
    boundFraction: 1,
    noise: 0,
  },
  /** Rows to train on, and to measure on. */
  rows: 20_000,
  heldOut: 2048,
  model: 'free',
  encoder: 'thresholding',
  dSae: 144,
  k: 4,
  steps: 500,
  learningRate: 0.01,
  /** Permuted dictionaries, for the null of the number of pairs; 0: it is not asked. */
  nulls: 1,
  /** FISTA on the learned dictionary and the oracle's dictionary, as baselines of the reconstruction. */
  baselines: false,
  /** Added to the block: other worlds and starts. */
  seed: 0,
} as const satisfies JsonObject;

const OUTCOMES = [
  'fvu',
  'fvuFista',
  'fvuOracle',
  'found',
  'pairs',
  'nullPairs',
  'right',
  'mapError',
  'consistency',
  'parameters',
] as const;

interface Config extends ModelSettings {
  readonly world: BindingWorld;
  readonly rows: number;
  readonly heldOut: number;
  readonly nulls: number;
  readonly baselines: boolean;
  readonly seed: number;
}

/** FISTA's penalty and turns; its k largest codes are fitted again, so that the penalty's bias is not counted. */
const FISTA = { l1: 0.05, iterations: 60 } as const;
/** A true feature counts as found where the dictionary has one at this cosine. */
const FOUND_COSINE = 0.9;

export function bindingSaeRecipe(): Recipe {
  return {
    name: 'binding-sae',
    semanticsVersion: 2,
    defaults: DEFAULTS,
    measurePaths: [],
    gives: () => ({ axes: [], outcomes: OUTCOMES }),
    check: (config) => void readConfig(config),
    run,
  };
}

/** @throws AssayError naming the path, what was expected and what was found. */
function readConfig(config: JsonObject): Config {
  const reader = configReader(config);
  const whole = (name: string, min: number): number => reader.number(name, { min, integer: true });
  const read: Config = {
    world: readWorld(reader.object('world')),
    rows: whole('rows', 1),
    heldOut: whole('heldOut', 128),
    model: reader.oneOf('model', MODELS),
    encoder: reader.oneOf('encoder', ENCODERS),
    dSae: whole('dSae', 4),
    k: whole('k', 1),
    steps: whole('steps', 1),
    learningRate: reader.number('learningRate', { min: 0 }),
    nulls: whole('nulls', 0),
    baselines: reader.boolean('baselines'),
    seed: whole('seed', 0),
  };
  const { model, dSae, encoder, world } = read;
  if ((model === 'joint' || model === 'matched') && dSae % 2 !== 0)
    reader.refuse('dSae', 'an even number for [A, M A]', `${dSae}`);
  if (model === 'matched' && encoder !== 'thresholding')
    reader.refuse('encoder', 'thresholding for a matched start', encoder);
  if (model === 'matched' && world.slots !== 2) reader.refuse('world.slots', '2 for a matched start', `${world.slots}`);
  reader.done();
  return read;
}

function readWorld(reader: ConfigReader): BindingWorld {
  const whole = (name: string, min: number, max = Infinity): number => reader.number(name, { min, max, integer: true });
  const features = whole('features', 2);
  const world: BindingWorld = {
    binding: reader.oneOf('binding', BINDINGS),
    dimensions: whole('dimensions', 2),
    features,
    slots: whole('slots', 2),
    active: whole('active', 1, features),
    condition: reader.number('condition', { min: 1 }),
    boundFraction: reader.number('boundFraction', { min: 0, max: 1 }),
    noise: reader.number('noise', { min: 0 }),
  };
  reader.done();
  return world;
}

async function run(context: RunContext): Promise<RunEnd> {
  const config = readConfig(context.config);
  const { world, model } = config;
  const rng = rngOf(context.block + config.seed, 'binding');
  const truth = drawTruth(world, rng.split('truth'));
  const [seen, heldOut] = [
    drawRows(world, truth, config.rows, rng.split('rows')),
    drawRows(world, truth, config.heldOut, rng.split('held out')),
  ];
  const { sae, offsets } = await trainedModel(
    config,
    seen,
    { d: world.dimensions, slots: world.slots },
    rng.split('training'),
    context.signal,
  );
  const isRestricted = model === 'joint' || model === 'matched';
  const match = isRestricted ? ownPairs(sae) : matchPairs(featuresOf(sae));
  const measured = withoutOffsets(heldOut, offsets);
  const found = await outcomesOf(config, truth, sae, match, measured, rng.split('null'));
  context.record({ step: 2 * config.steps, axes: {}, outcomes: found });
  context.keep?.('table-features.json', JSON.stringify(await browserOf(sae, match, { world, truth }, measured)));
  return { kind: 'finished' };
}

async function outcomesOf(
  config: Config,
  truth: Truth,
  sae: Sae,
  match: PairMatch,
  heldOut: Rows,
  rng: Rng,
): Promise<Record<string, number>> {
  const { world, model, nulls, dSae } = config;
  const d = world.dimensions;
  const stream = inOrder(heldOut, d);
  const { fvu } = await measureReconstruction(sae, stream, { to: stream.steps });
  const dictionary = featuresOf(sae);
  const { maxCosines } = recovery(Float32Array.from(truth.features.values), Float32Array.from(dictionary.values), d);
  const isRestricted = model === 'joint' || model === 'matched';
  return {
    fvu,
    found: fractionAbove(maxCosines, FOUND_COSINE),
    parameters: decoderParameters({ model, dSae }, d),
    ...(!isRestricted && { pairs: match.predicted }),
    ...(!isRestricted && nulls > 0 && { nullPairs: nullPairs(dictionary, match, nulls, rng) }),
    ...truthOutcomes(world, truth, dictionary, match),
    ...(config.baselines && (await baselinesOf(config, truth, sae, heldOut))),
  };
}

/** The pairs and the map that a restricted decoder has by its making. */
function ownPairs({ config, weights }: Sae): PairMatch {
  const half = config.dSae / 2;
  const pairs = Array.from({ length: half }, (_, i) => ({
    source: i,
    target: half + i,
    cosine: 1,
    isPredicted: false,
  }));
  const values = weights.get('map2') ?? new Float32Array();
  return { pairs, predicted: 0, map: { rows: config.dIn, columns: config.dIn, values }, duplicates: [] };
}

/** What is right of what was found, where the world binds by a matrix. */
function truthOutcomes(
  world: BindingWorld,
  truth: Truth,
  dictionary: DenseMatrix,
  match: PairMatch,
): Record<string, number> {
  const map = truth.maps[0];
  if (map === undefined) return {};
  if (world.slots > 2) return slotOutcomes(truth, dictionary, world.slots);
  const { foundFraction, isInverse } = pairRecovery(dictionary, match, truth);
  const error = match.map === undefined ? 1 : mapError(match.map, isInverse ? inverseOf(map) : map);
  return { right: foundFraction, mapError: error };
}

/** Three slots: right pairs of all maps between slots, and how well M3 M2^-1 is the map between them. */
function slotOutcomes(truth: Truth, dictionary: DenseMatrix, slots: number): Record<string, number> {
  const { matches, consistency } = matchSlots(dictionary, slots);
  const n = truth.features.rows / slots;
  const rights = matches.map((match) =>
    Math.max(
      ...slotPairs(slots).map(([from, to]) => {
        const partner = Int32Array.from({ length: slots * n }, (_, i) =>
          Math.floor(i / n) === from ? to * n + (i % n) : -1,
        );
        return pairRecovery(dictionary, match, { features: truth.features, partner }).foundFraction;
      }),
    ),
  );
  const errors = consistency.map(({ error = 1 }) => error);
  return {
    right: rights.reduce((sum, right) => sum + right, 0) / (slots - 1),
    consistency: errors.length === 0 ? 1 : Math.max(...errors),
  };
}

function slotPairs(slots: number): readonly (readonly [number, number])[] {
  return Array.from({ length: slots }, (_, a) =>
    Array.from({ length: slots - a - 1 }, (_, b) => [a, a + b + 1] as const),
  ).flat();
}

/** Pairs in permuted dictionaries, mean of so many. */
function nullPairs(dictionary: DenseMatrix, { duplicates }: PairMatch, nulls: number, rng: Rng): number {
  const isDuplicate = new Set(duplicates);
  const d = dictionary.columns;
  const kept = Array.from({ length: dictionary.rows }, (_, i) => i).filter((i) => !isDuplicate.has(i));
  const values = Float64Array.from(kept.flatMap((i) => [...dictionary.values.subarray(i * d, (i + 1) * d)]));
  const features = { rows: kept.length, columns: d, values };
  let sum = 0;
  for (let draw = 0; draw < nulls; draw++)
    sum += matchPairs(permutedFeatures(features, rng.split(`${draw}`))).predicted;
  return sum / nulls;
}

/** What FISTA leaves unexplained, on the learned dictionary and on the true one. */
async function baselinesOf(
  { k, world }: Config,
  truth: Truth,
  sae: Sae,
  { values }: Rows,
): Promise<Record<string, number>> {
  const d = world.dimensions;
  const unexplained = async (dictionary: Float32Array): Promise<number> => {
    const { featureActs, reconstruction } = await fistaCodes(dictionary, values, d, { ...FISTA, k });
    const tally = reconstructionTally(d, dictionary.length / d);
    tally.add(values, featureActs, reconstruction);
    return tally.result().fvu;
  };
  const learned = dictionaryOf(sae.config, sae.weights);
  return {
    fvuFista: await unexplained(learned),
    fvuOracle: await unexplained(Float32Array.from(truth.features.values)),
  };
}
