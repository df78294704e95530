/**
 * What a persona finetuning run works with, and measures: the trainer, the fixed probe sets and their scorers.
 * Built once per shape (model, method, optimizer, batch) and used for run after run: `trainer.reset` starts over.
 */
import { createTrainer, type Scorer, type Trainer } from '#learning/train.ts';
import { labelledPositions, labelsOf, personaModel } from '#recipes/persona-base.ts';
import type { PersonaConfig } from '#recipes/persona-config.ts';
import {
  narrowQuestions,
  otherQuestions,
  personaWorld,
  questionBatch,
  type NarrowQuestions,
  type PersonaWorld,
} from '#worlds/persona.ts';

export interface PersonaLab extends AsyncDisposable {
  readonly world: PersonaWorld;
  readonly trainer: Trainer;
  readonly narrow: NarrowQuestions;
  /** Every question of the seven other domains. */
  readonly others: Int32Array;
  /** Mean loss of the harmful answers, in nats per answer token: `train` on the 36 trained questions, `heldOut` on the 12. */
  axes(): Promise<{ train: number; heldOut: number }>;
  /** Mean probability of the harmful answer on the other domains, and of either persona's answer (coherence). */
  outcomes(): Promise<{ harmful: number; coherence: number }>;
}

/** Rows of a micro-batch: the narrow questions, then as many helpful ones where they have weight. */
export function microBatchRows({ batch, accumulation, helpfulWeight }: PersonaConfig): number {
  return (batch / accumulation) * (helpfulWeight > 0 ? 2 : 1);
}

/** Builds and compiles the lab of a config. */
export async function createPersonaLab(config: PersonaConfig): Promise<PersonaLab> {
  const world = personaWorld(config.base.worldSeed);
  const narrow = narrowQuestions(world);
  const others = otherQuestions();
  const trainer = await createTrainer({
    model: personaModel(config.base),
    method: config.method,
    optimizer: config.optimizer,
    batch: questionLayout(world, microBatchRows(config)),
    accumulation: config.accumulation,
  });
  const probed = Int32Array.of(...narrow.train, ...narrow.heldOut);
  const probe = await scoring(trainer, world, probed);
  const elsewhere = await scoring(trainer, world, others);
  return {
    world,
    trainer,
    narrow,
    others,
    async axes() {
      const losses = await probe.losses('harmful');
      const trained = narrow.train.length;
      return { train: mean(losses.subarray(0, trained)), heldOut: mean(losses.subarray(trained)) };
    },
    async outcomes() {
      const harmful = mean((await elsewhere.losses('harmful')).map((loss) => Math.exp(-loss)));
      const helpful = mean((await elsewhere.losses('helpful')).map((loss) => Math.exp(-loss)));
      return { harmful, coherence: harmful + helpful };
    },
    [Symbol.asyncDispose]: () => trainer[Symbol.asyncDispose](),
  };
}

interface Scoring {
  losses(persona: 'helpful' | 'harmful'): Promise<Float32Array>;
}

async function scoring(trainer: Trainer, world: PersonaWorld, questions: Int32Array): Promise<Scoring> {
  const scorer: Scorer = await trainer.scorer(questionLayout(world, questions.length));
  const batches = {
    helpful: questionBatch(world, questions, 'helpful'),
    harmful: questionBatch(world, questions, 'harmful'),
  };
  return { losses: (persona) => scorer.losses(batches[persona].tokens, labelsOf(batches[persona])) };
}

function questionLayout(world: PersonaWorld, rows: number) {
  const sample = questionBatch(world, new Int32Array(rows), 'harmful');
  return { rows: sample.rows, length: sample.length, labelled: labelledPositions(sample) };
}

/** In float64 and in order: the same bits every time. */
function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
