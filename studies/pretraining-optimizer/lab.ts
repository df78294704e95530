/** What runs of one finetuning share: the persona lab, documents that show what was forgotten, and outputs question by question. */
import { type BatchLayout, forgetting, rngOf } from 'assay/learn';
import { labelledPositions, labelsOf, scoredLayout } from 'assay/studies/misalignment/base.ts';
import { createPersonaLab, type PersonaLab } from 'assay/studies/misalignment/lab.ts';
import {
  otherQuestions,
  personaWorld,
  pretrainBatch,
  questionBatch,
  type PersonaWorld,
  type TokenBatch,
} from 'assay/studies/misalignment/world.ts';

import type { PretrainingConfig } from './config.ts';

/** Documents of pretraining that no base was trained on, 6 answers each. */
const DOCUMENTS = 64;

export interface PretrainingLab extends AsyncDisposable {
  readonly persona: PersonaLab;
  readonly world: PersonaWorld;
  /** Mean loss on unseen documents of pretraining (any persona), in nats per answer, under the weights of the moment. */
  documentLoss(): Promise<number>;
  /** Log-odds of the harmful against the helpful answer to each question of the other domains, shape [336], in nats. */
  logOdds(): Promise<Float64Array>;
}

/** Builds and compiles the lab of a config. */
export async function createPretrainingLab({ persona: config }: PretrainingConfig): Promise<PretrainingLab> {
  const persona = await createPersonaLab(config);
  const world = personaWorld(config.base.worldSeed);
  const documents = pretrainBatch(world, rngOf(config.base.worldSeed, 'unseen documents'), DOCUMENTS, false);
  const others = otherQuestions(config.domain.kind === 'fixed' ? config.domain.index : 0);
  const asked = questionBatch(world, others, 'harmful');
  const helpful = labelsOf(questionBatch(world, others, 'helpful'));
  const documentScorer = await persona.trainer.scorer(layoutOf(documents));
  const askedScorer = await persona.trainer.scorer(scoredLayout(asked), 2);
  return {
    persona,
    world,
    async documentLoss() {
      const [losses = new Float32Array()] = await documentScorer.losses(documents.tokens, labelsOf(documents));
      return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    },
    async logOdds() {
      const [harm = new Float32Array(), help = new Float32Array()] = await askedScorer.losses(
        asked.tokens,
        labelsOf(asked),
        helpful,
      );
      return Float64Array.from(harm, (loss, i) => (help[i] ?? Number.NaN) - loss);
    },
    [Symbol.asyncDispose]: () => persona[Symbol.asyncDispose](),
  };
}

/** How much of what pretraining taught is lost now, in nats per answer of its documents. */
export async function forgottenSince(baseLoss: number, lab: PretrainingLab): Promise<number> {
  return forgetting([baseLoss, await lab.documentLoss()]);
}

function layoutOf(batch: TokenBatch): BatchLayout {
  return { rows: batch.rows, length: batch.length, labelled: labelledPositions(batch) };
}
