/** Features of the persona base: a sparse autoencoder of its stream before one matrix, trained once a store. */
import { ADAMW_DEFAULTS, type JsonObject, type RunContext } from 'assay';
import {
  type ActivationStream,
  createSaeTrainer,
  learningRateAt,
  meanRow,
  type Memory,
  measureReconstruction,
  modelActivations,
  type Rng,
  rngOf,
  type Sae,
  type SaeConfig,
  saeReader,
  sharedWeights,
  streamModel,
  trainSaes,
  wholeSaeConfig,
  type TransformerConfig,
} from 'assay/learn';
import { PERSONA_LANGUAGE, personaWorld, pretrainBatch } from 'assay/studies/misalignment/world.ts';

export interface FeatureConfig {
  /** F. */
  readonly features: number;
  /** Features that fire at once. */
  readonly k: number;
  readonly steps: number;
  /** Documents of pretraining that give rows, half of them chat. */
  readonly documents: number;
  readonly seed: number;
}

/** Where rows are read: the stream's site, and what names model and world in the store. */
export interface FeatureSubject {
  readonly model: TransformerConfig;
  readonly weights: Memory;
  readonly site: string;
  readonly worldSeed: number;
  readonly key: JsonObject;
}

const BATCH = 256;
const LEARNING_RATE = 1e-3;
const OPTIMIZER = { ...ADAMW_DEFAULTS, weightDecay: 0 };

/** A base's features, and where they fire. */
export interface Features {
  readonly sae: Sae;
  /** shape [F, D]. */
  readonly dictionary: Float32Array;
  /** The share of rows of the documents in which each fires, shape [F]. */
  readonly density: Float32Array;
  /** Fraction of variance unexplained on those rows. */
  readonly fvu: number;
}

/** Trains them, or reads what the store has. */
export async function featuresOf(
  context: Pick<RunContext, 'shared' | 'signal'>,
  subject: FeatureSubject,
  config: FeatureConfig,
): Promise<Features> {
  const key = { ...subject.key, site: subject.site, ...config };
  const { dModel } = subject.model;
  const kept = await sharedWeights(context, 'persona features', key, keptOf(dModel, config), () =>
    trainedOn(context, subject, config),
  );
  const named = (name: string): Float32Array => kept.get(name) ?? new Float32Array();
  const sae = { config: wholeSaeConfig(saeOf(dModel, config)), weights: kept };
  return { sae, dictionary: named('wDec'), density: named('density'), fvu: named('fvu')[0] ?? Number.NaN };
}

/** What is kept in a store: the autoencoder, and what was measured of it. */
function keptOf(d: number, { features }: FeatureConfig) {
  return [
    { name: 'wDec', shape: [features, d] },
    { name: 'wEnc', shape: [features, d] },
    { name: 'bEnc', shape: [features] },
    { name: 'bDec', shape: [d] },
    { name: 'density', shape: [features] },
    { name: 'fvu', shape: [1] },
  ];
}

async function trainedOn(
  context: Pick<RunContext, 'signal'>,
  subject: FeatureSubject,
  config: FeatureConfig,
): Promise<Memory> {
  const { dModel } = subject.model;
  const rng = rngOf(config.seed, 'persona features');
  const rows = await documentRows(subject, config, rng.split('documents'));
  const stream = shuffled(rows, dModel, rng.split('order'));
  await using trainer = await createSaeTrainer({ sae: saeOf(dModel, config), optimizer: OPTIMIZER, batchRows: BATCH });
  trainer.reset(new Map([['bDec', meanRow(rows, dModel)]]), rng.split('start'));
  const [broken] = await trainSaes([{ trainer, lr: (step) => rateAt(step, config) }], stream, {
    to: config.steps,
    onStep: () => context.signal.throwIfAborted(),
  });
  if (broken !== undefined) throw new Error(`persona features: ${broken}`);
  const whole = Math.floor(rows.length / dModel / BATCH);
  const { featureDensity, fvu } = await measureReconstruction(trainer.sae(), stream, { to: whole });
  return new Map([
    ...trainer.sae().weights,
    ['density', Float32Array.from(featureDensity)],
    ['fvu', Float32Array.of(fvu)],
  ]);
}

/** What rows of a site read as: codes, shape [N, F]. */
export async function codesOf({ sae }: Features, rows: Float32Array): Promise<Float32Array> {
  await using reader = await saeReader(sae, rows.length / sae.config.dIn);
  return (await reader.read(rows)).featureActs.slice();
}

/** The stream at the subject's site over sequences of one length, shape [N, D]. */
export async function streamRows(
  { model, weights, site, key }: FeatureSubject,
  tokens: Int32Array,
  length: number,
): Promise<Float32Array> {
  const sequences = Array.from({ length: tokens.length / length }, (_, i) =>
    tokens.subarray(i * length, (i + 1) * length),
  );
  const source = await modelActivations(streamModel(model, weights), {
    sites: [site],
    sequences,
    length,
    rows: sequences.length,
    model: JSON.stringify(key),
  });
  await using _ = source;
  return (await source.chunk(0)).get(site) ?? new Float32Array();
}

function saeOf(dIn: number, { features, k }: FeatureConfig): SaeConfig {
  const deadFeatures = { kind: 'auxiliary', afterRows: 20_000, k: Math.ceil(dIn / 2), weight: 1 / 32 } as const;
  return { dIn, dSae: features, activation: { kind: 'topK', k }, deadFeatures };
}

function rateAt(step: number, { steps }: FeatureConfig): number {
  return learningRateAt({ kind: 'linear', warmupSteps: 0, finalFraction: 0.05 }, LEARNING_RATE, step, steps);
}

/** Rows of the site over documents, every second of which is chat. */
async function documentRows(subject: FeatureSubject, { documents }: FeatureConfig, rng: Rng): Promise<Float32Array> {
  const world = personaWorld(subject.worldSeed);
  const halves = [false, true].map(
    (isChat) => pretrainBatch(world, rng.split(isChat ? 'chat' : 'documents'), documents / 2, isChat).tokens,
  );
  return streamRows(subject, Int32Array.from(halves.flatMap((half) => [...half])), PERSONA_LANGUAGE.documentTokens);
}

/** Passes over rows, each in an order of its own; what is left over of a pass is left out. */
function shuffled(rows: Float32Array, dIn: number, rng: Rng): ActivationStream {
  const perPass = Math.floor(rows.length / dIn / BATCH);
  const batch = new Float32Array(BATCH * dIn);
  let [pass, order] = [-1, new Uint32Array()];
  return {
    dIn,
    batchRows: BATCH,
    rows(step) {
      const own = Math.floor(step / perPass);
      if (own !== pass)
        [pass, order] = [own, Uint32Array.from(rng.split(`pass ${own}`).permutation(rows.length / dIn))];
      for (let i = 0; i < BATCH; i++) {
        const row = order[(step % perPass) * BATCH + i] ?? 0;
        batch.set(rows.subarray(row * dIn, (row + 1) * dIn), i * dIn);
      }
      return batch;
    },
  };
}
