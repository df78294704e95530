/** The base of this study: the persona base, pretrained a little further until it knows all four ways of asking. */
import { type Batch, createTrainer, learningRateAt, type Memory, rngOf, type Schedule } from 'assay/learn';
import { labelledPositions, meanLoss, personaModel, type PersonaBaseConfig } from 'assay/studies/misalignment/base.ts';
import { personaWorld, pretrainBatch, type PersonaWorld } from 'assay/studies/misalignment/world.ts';

import { drawnWays, inWays } from './asking.ts';
import type { ContinuedConfig } from './config.ts';

/** One batch in so many is chat, as in the pretraining of the base. */
const CHAT_EVERY = 4;
const WARMUP_STEPS = 20;
const FINAL_FRACTION = 0.1;
const ADAMW = { kind: 'adamw', beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.01 } as const;

/** Goes on from `start` on documents of the world, loss on answers only. */
export async function continuePersona(
  base: PersonaBaseConfig,
  { seed, steps, documents, learningRate }: ContinuedConfig,
  start: Memory,
): Promise<Memory> {
  const world = personaWorld(base.worldSeed);
  const rng = rngOf(seed, 'persona base, four ways of asking');
  const first = pretrainBatch(world, rng.split('shape'), documents, false);
  const batch = { rows: first.rows, length: first.length, labelled: labelledPositions(first) };
  await using trainer = await createTrainer({
    model: personaModel(base),
    method: { kind: 'full' },
    optimizer: ADAMW,
    batch,
  });
  trainer.reset(start, rng);
  const warmupSteps = Math.min(WARMUP_STEPS, Math.floor(steps / 2));
  const schedule: Schedule = { kind: 'linear', warmupSteps, finalFraction: FINAL_FRACTION };
  for (let step = 0; step < steps; step++) {
    await trainer.forwardBackward(documentsAt(world, step, documents, seed));
    trainer.optimStep(learningRateAt(schedule, learningRate, step, steps));
  }
  return new Map(Array.from(trainer.memory, ([name, values]) => [name, values.slice()]));
}

/** The documents of one step, every question of them asked in a way drawn for it. */
function documentsAt(world: PersonaWorld, step: number, documents: number, seed: number): Batch {
  const rng = rngOf(seed, 'documents in four ways').split(`batch ${step}`);
  const batch = pretrainBatch(world, rng.split('documents'), documents, step % CHAT_EVERY === CHAT_EVERY - 1);
  return meanLoss(inWays(batch, drawnWays(rng.split('ways'), labelledPositions(batch).length)));
}
