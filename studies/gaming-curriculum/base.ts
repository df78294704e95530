/** The base: a small decoder that has learned what agents of the world do, from documents of six pairs, loss on actions only. */
import { ADAMW_DEFAULTS, AssayError } from 'assay';
import {
  createTrainer,
  gpt2Config,
  initialWeights,
  learningRateAt,
  type Memory,
  rngOf,
  takeStep,
  type TransformerConfig,
} from 'assay/learn';

import { DOCUMENT_TOKENS, drawnDocuments, type GamingWorld, LANGUAGE, VOCABULARY } from './world.ts';

/** How a base is made; with world and seed this is its identity. */
export interface BaseConfig {
  readonly steps: number;
  /** Documents a step. */
  readonly documents: number;
  /** The peak, after the warm-up. */
  readonly learningRate: number;
}

/** GPT-2's arrangement: 2 layers of width 64. */
export const MODEL: TransformerConfig = gpt2Config({
  vocabulary: VOCABULARY,
  dModel: 64,
  nLayers: 2,
  nHeads: 4,
  length: DOCUMENT_TOKENS,
  initialStd: 0.06,
});

const SCHEDULE = { kind: 'linear', warmupSteps: 50, finalFraction: 0.05 } as const;
const OPTIMIZER = { ...ADAMW_DEFAULTS, weightDecay: 0.01 } as const;

/** @param onStep Called after every step with its loss in nats per action. */
export async function pretrained(
  world: GamingWorld,
  { steps, documents, learningRate }: BaseConfig,
  seed: number,
  onStep: (step: number, loss: number) => void = () => {},
): Promise<Memory> {
  const labels = documents * LANGUAGE.pairs;
  // The last token of each pair of (what came before, situation) predicts the action.
  const labelled = Int32Array.from({ length: labels }, (_, i) => 2 * i + 1);
  const batch = { rows: documents, length: DOCUMENT_TOKENS, labelled };
  const rng = rngOf(seed, 'gaming base');
  const weights = new Float32Array(labels).fill(1 / labels);
  await using trainer = await createTrainer({ model: MODEL, method: { kind: 'full' }, optimizer: OPTIMIZER, batch });
  trainer.reset(initialWeights(MODEL, rng.split('init')), rng);
  for (let step = 0; step < steps; step++) {
    const { tokens, actions } = drawnDocuments(world, documents, rng.split(`batch ${step}`));
    const lr = learningRateAt(SCHEDULE, learningRate, step, steps);
    const broken = await takeStep(trainer, [{ tokens, labels: actions, weights }], lr);
    if (broken !== undefined) throw new AssayError('run', `Pretraining the base broke at step ${step}: ${broken}.`);
    onStep(step, trainer.terms()['loss'] ?? Number.NaN);
  }
  return new Map(Array.from(trainer.memory, ([name, values]) => [name, values.slice()]));
}
