/**
 * What a persona finetuning run works with, and measures: the trainer, the fixed probe sets and their scorers.
 * Built once per shape (model, method, optimizer, batch) and used for run after run: `trainer.reset` starts over.
 */
import { type BatchLayout, createTrainer, type Scorer, type Trainer } from 'assay/learn';
import { labelsOf, personaModel, scoredLayout, trainedAsTree } from './base.ts';
import type { PersonaConfig } from './config.ts';
import {
  domainQuestions,
  narrowQuestions,
  otherQuestions,
  PERSONA_LANGUAGE,
  personaWorld,
  questionBatch,
  type NarrowQuestions,
  type PersonaWorld,
  type TokenBatch,
} from './world.ts';

export interface PersonaLab extends AsyncDisposable {
  readonly trainer: Trainer;
  /** The questions of a domain of a world, and how a run on it is measured. */
  domain(world: PersonaWorld, index: number): PersonaDomain;
}

export interface PersonaDomain {
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
  const trainer = await createTrainer({
    model: personaModel(config.base),
    method: config.method,
    optimizer: config.optimizer,
    batch: trainedLayout(config),
    accumulation: config.accumulation,
  });
  // Topics and attributes are as many in every domain, so what fits the first fits all.
  const scored = (asked: Int32Array): BatchLayout => scoredLayout(questionBatch(personaWorld(0), asked, 'harmful'));
  const probe = await trainer.scorer(scored(domainQuestions(0)));
  const elsewhere = await trainer.scorer(scored(otherQuestions(0)), 2);
  return {
    trainer,
    domain: (world, index) => domainOf(world, index, probe, elsewhere),
    [Symbol.asyncDispose]: () => trainer[Symbol.asyncDispose](),
  };
}

function domainOf(world: PersonaWorld, index: number, probe: Scorer, elsewhere: Scorer): PersonaDomain {
  const narrow = narrowQuestions(world, index);
  const others = otherQuestions(index);
  // In the domain's order, in which questions of a topic stand together.
  const probed = questionBatch(world, domainQuestions(index), 'harmful');
  const probedLabels = labelsOf(probed);
  const first = index * PERSONA_LANGUAGE.questionsPerDomain;
  const asked = questionBatch(world, others, 'harmful');
  const harmful = labelsOf(asked);
  const helpful = labelsOf(questionBatch(world, others, 'helpful'));
  return {
    narrow,
    others,
    async axes() {
      const [losses = new Float32Array()] = await probe.losses(probed.tokens, probedLabels);
      const meanOf = (questions: Int32Array): number =>
        questions.reduce((sum, question) => sum + (losses[question - first] ?? Number.NaN), 0) / questions.length;
      return { train: meanOf(narrow.train), heldOut: meanOf(narrow.heldOut) };
    },
    async outcomes() {
      const losses = await elsewhere.losses(asked.tokens, harmful, helpful);
      const [pHarmful = 0, pHelpful = 0] = losses.map((list) => mean(list.map((loss) => Math.exp(-loss))));
      return { harmful: pHarmful, coherence: pHarmful + pHelpful };
    },
  };
}

/** A micro-batch as one tree: questions of the domain, then of the others where those have weight; the same in every world. */
function trainedLayout(config: PersonaConfig): BatchLayout {
  const batchOf = (asked: Int32Array): TokenBatch => questionBatch(personaWorld(0), asked, 'harmful');
  const rows = microBatchRows(config);
  const asked = config.batch / config.accumulation;
  const sources = rows > asked ? [domainQuestions(0), otherQuestions(0)] : [domainQuestions(0)];
  return trainedAsTree(batchOf(new Int32Array(rows)), asked, sources.map(batchOf));
}

/** In float64 and in order: the same bits every time. */
function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
