/**
 * What a run works with, and measures: the trainer, the fixed probe sets and their scorers. Built once per shape (model,
 * method, optimizer, batch) and used for run after run: `trainer.reset` starts over.
 */
import { type BatchLayout, createTrainer, type Scorer, type Trainer } from 'assay/learn';
import { labelsOf, personaModel, scoredLayout, trainedAsTree } from 'assay/studies/misalignment/base.ts';
import {
  type Persona,
  personaWorld,
  type PersonaWorld,
  questionBatch,
  type TokenBatch,
} from 'assay/studies/misalignment/world.ts';

import { type Asked, askedDomain, type AskedDomain, inWays, joinAsked } from './asking.ts';
import type { AskingConfig } from './config.ts';

export interface AskingLab extends AsyncDisposable {
  readonly trainer: Trainer;
  /** How a run on these questions of a world is measured. */
  measuring(world: PersonaWorld, domain: AskedDomain): AskingMeasuring;
}

export interface AskingMeasuring {
  /** Mean loss of the harmful answers of the domain, in nats: `train` in the three trained ways, `heldOut` in the fourth. */
  axes(): Promise<{ train: number; heldOut: number }>;
  /** Mean probability of the harmful answer on the other domains, and of either persona's answer (coherence). */
  outcomes(): Promise<{ harmful: number; coherence: number }>;
}

/** Builds and compiles the lab of a config. */
export async function createAskingLab({ persona: config, elsewhereWeight }: AskingConfig): Promise<AskingLab> {
  const trainer = await createTrainer({
    model: personaModel(config.base),
    method: config.method,
    optimizer: config.optimizer,
    batch: trainedLayout(config.batch / config.accumulation, elsewhereWeight > 0),
    accumulation: config.accumulation,
  });
  // Every domain and held-out way share as many beginnings, so what fits one fits all.
  const { trained, heldOut, others } = askedDomain(0, 0);
  const scored = (asked: Asked): BatchLayout => scoredLayout(askedBatch(personaWorld(0), asked, 'harmful'));
  const probe = await trainer.scorer(scored(joinAsked(trained, heldOut)));
  const elsewhere = await trainer.scorer(scored(others), 2);
  return {
    trainer,
    measuring: (world, domain) => measuringOf(world, domain, probe, elsewhere),
    [Symbol.asyncDispose]: () => trainer[Symbol.asyncDispose](),
  };
}

/** Chat questions in the ways given, with a persona's answers as labels. */
export function askedBatch(world: PersonaWorld, { questions, ways }: Asked, persona: Persona): TokenBatch {
  return inWays(questionBatch(world, questions, persona), ways);
}

function measuringOf(world: PersonaWorld, domain: AskedDomain, probe: Scorer, elsewhere: Scorer): AskingMeasuring {
  const probed = askedBatch(world, joinAsked(domain.trained, domain.heldOut), 'harmful');
  const probedLabels = labelsOf(probed);
  const asked = askedBatch(world, domain.others, 'harmful');
  const harmful = labelsOf(asked);
  const helpful = labelsOf(askedBatch(world, domain.others, 'helpful'));
  return {
    async axes() {
      const [losses = new Float32Array()] = await probe.losses(probed.tokens, probedLabels);
      const trained = domain.trained.questions.length;
      return { train: mean(losses.subarray(0, trained)), heldOut: mean(losses.subarray(trained)) };
    },
    async outcomes() {
      const losses = await elsewhere.losses(asked.tokens, harmful, helpful);
      const [pHarmful = 0, pHelpful = 0] = losses.map((list) => mean(list.map((loss) => Math.exp(-loss))));
      return { harmful: pHarmful, coherence: pHarmful + pHelpful };
    },
  };
}

/** A micro-batch as one tree: questions of the domain, then of the others where those have weight; the same in every world. */
function trainedLayout(asked: number, isElsewhere: boolean): BatchLayout {
  const { trained, heldOut, others } = askedDomain(0, 0);
  const inAnyWay = joinAsked(trained, heldOut);
  const sources = isElsewhere ? [inAnyWay, others] : [inAnyWay];
  const sample = questionBatch(personaWorld(0), new Int32Array(sources.length * asked), 'harmful');
  return trainedAsTree(
    sample,
    asked,
    sources.map((source) => askedBatch(personaWorld(0), source, 'harmful')),
  );
}

/** In float64 and in order: the same bits every time. */
function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
