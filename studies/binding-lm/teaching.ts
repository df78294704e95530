/** Teaches a base to answer from the text: sentences of pairs drawn afresh for each row, then queries; the answers alone are learned. */
import { MUON_DEFAULTS } from 'assay';
import {
  createTrainer,
  learningRateAt,
  type Memory,
  type Rng,
  type Schedule,
  takeStep,
  type Trainer,
  type TransformerConfig,
} from 'assay/learn';

import { drawPrompt, type Language, promptLength, type PromptShape } from './sentences.ts';

export interface TeachingSettings {
  readonly steps: number;
  /** Prompts of a step. */
  readonly rows: number;
  readonly learningRate: number;
}

export interface Teaching {
  readonly learner: Trainer;
  /** Teaches from a base. @throws Error where numbers broke. */
  teach(base: Memory, rng: Rng, onStep: (doneFraction: number) => void): Promise<void>;
}

const SCHEDULE: Schedule = { kind: 'linear', warmupSteps: 50, finalFraction: 0.05 };
const OPTIMIZER = { ...MUON_DEFAULTS, adamw: { ...MUON_DEFAULTS.adamw, lrScale: 0.2 } };
const MAX_NORM = 1;

export async function createTeaching(
  config: TransformerConfig,
  language: Language,
  shape: PromptShape,
  { steps, rows, learningRate }: TeachingSettings,
): Promise<Teaching> {
  // Every object is asked for once: behind the first query stand its answer and the next one.
  const asks = language.query.length + 1;
  const first = promptLength(language, shape);
  const length = first + (shape.objects - 1) * asks;
  const labelled = Int32Array.from(
    { length: rows * shape.objects },
    (_, i) => Math.floor(i / shape.objects) * length + first - 1 + (i % shape.objects) * asks,
  );
  const learner = await createTrainer({
    model: config,
    method: { kind: 'full' },
    optimizer: OPTIMIZER,
    batch: { rows, length, labelled },
  });
  const weights = new Float32Array(labelled.length).fill(1 / labelled.length);
  const batchOf = (rng: Rng) => {
    const drawn = Array.from({ length: rows }, () => {
      const { context, objects } = drawPrompt(language, shape, rng, 'trained');
      const asked = Array.from(rng.permutation(objects.length)).flatMap((i) => objects[i] ?? []);
      return { tokens: [...context, ...asked.flatMap(({ query, answer }) => [...query, answer])], asked };
    });
    return {
      tokens: Int32Array.from(drawn.flatMap(({ tokens }) => tokens.slice(0, length))),
      labels: Int32Array.from(drawn.flatMap(({ asked }) => asked.map(({ answer }) => answer))),
      weights,
    };
  };
  return {
    learner,
    async teach(base, rng, onStep) {
      learner.reset(base, rng);
      for (let step = 0; step < steps; step++) {
        const broken = await takeStep(
          learner,
          [batchOf(rng.split(`step ${step}`))],
          learningRateAt(SCHEDULE, learningRate, step, steps),
          MAX_NORM,
        );
        if (broken !== undefined) throw new Error(`teaching broke: ${broken}`);
        onStep(step / steps);
      }
    },
  };
}
