/**
 * One run: finetune a base that knows four ways of asking on the harmful answers of one domain, asked in three of them, and
 * follow how far harm spreads, against the training loss and the loss in the fourth way.
 */
import type { JsonObject, Recipe, RunContext, RunEnd } from 'assay';
import {
  type Batch,
  labShelf,
  largestNorm,
  learningRateAt,
  type Memory,
  type Rng,
  rngOf,
  sharedWeights,
  takeStep,
  trainingRun,
  transformerParameters,
} from 'assay/learn';
import { labelsOf, personaModel, type PersonaBaseConfig } from 'assay/studies/misalignment/base.ts';
import { baseOfBlock } from 'assay/studies/misalignment/config.ts';
import { personaBaseWeights, personaShape } from 'assay/studies/misalignment/recipe.ts';
import { personaGives, withReading } from 'assay/studies/misalignment/update.ts';
import { personaWorld, type PersonaWorld, questionsAtStep } from 'assay/studies/misalignment/world.ts';

import { type Asked, askedAt, askedDomain, type AskedDomain, blockOf } from './asking.ts';
import { continuePersona } from './base.ts';
import { type AskingConfig, ASKING_DEFAULTS, readAskingConfig } from './config.ts';
import { askedBatch, type AskingLab, createAskingLab } from './lab.ts';

/** A training loss no run recovers from: twice that of guessing among all tokens. */
const EXPLODED_NATS = 12;
/** Labs kept ready; each holds a compiled model of a few MiB. */
const LABS_KEPT = 8;

/** The recipe. It keeps compiled labs between the runs of one process; numbers never depend on that. */
export function finetuneAsking(): Recipe {
  const labs = labShelf<AskingLab>(LABS_KEPT);
  return {
    name: 'finetune-asking',
    semanticsVersion: 2,
    defaults: ASKING_DEFAULTS,
    learningRatePath: 'learningRate',
    stopRule: { axis: 'train', path: 'stopBelow' },
    measurePaths: ['measure'],
    levelsPath: 'measure.levels',
    gives: personaGives,
    check: (config) => void readAskingConfig(config),
    run: async (context) => {
      const config = readAskingConfig(context.config);
      const lab = await labs(shapeOf(config), () => createAskingLab(config));
      return finetune(context, config, lab);
    },
  };
}

/** The shape a lab is built for; world, learning rate, seeds and weights vary between its runs. */
function shapeOf({ persona, elsewhereWeight }: AskingConfig): JsonObject {
  return { ...personaShape(persona), isElsewhere: elsewhereWeight > 0 };
}

/** A base that knows four ways of asking, made once a store. */
export async function askingWeights(
  context: Pick<RunContext, 'shared'>,
  { continued }: Pick<AskingConfig, 'continued'>,
  base: PersonaBaseConfig,
): Promise<Memory> {
  const key: JsonObject = { base: { ...base }, continued: { ...continued } };
  return sharedWeights(context, 'persona-base-asking', key, transformerParameters(personaModel(base)), async () =>
    continuePersona(base, continued, await personaBaseWeights(context, base)),
  );
}

/** One run under way. */
interface Running {
  readonly config: AskingConfig;
  readonly lab: AskingLab;
  readonly world: PersonaWorld;
  readonly domain: AskedDomain;
  /** The stream that orders the data. */
  readonly data: Rng;
}

async function finetune(context: RunContext, config: AskingConfig, lab: AskingLab): Promise<RunEnd> {
  const block = context.block + config.firstBlock;
  const { domain: index, heldOutWay } = blockOf(block);
  const domain = askedDomain(index, heldOutWay);
  const start = baseOfBlock(config.persona, block);
  const base = await askingWeights(context, config, start);
  const world = personaWorld(start.worldSeed);
  const { seeds, steps, probeEvery, stopBelow, measure } = config.persona;
  const data = rngOf(block + seeds.data, 'finetune data');
  lab.trainer.reset(base, rngOf(block + seeds.init, 'finetune init'));
  const subject = { trainer: lab.trainer, base, method: config.persona.method };
  const measuring = withReading(subject, config.persona, lab.measuring(world, domain));
  const plan = { steps, probeEvery, stopBelow, levels: measure.levels, explodedAbove: EXPLODED_NATS };
  return trainingRun(context, plan, {
    learner: lab.trainer,
    axes: () => measuring.axes(),
    outcomes: () => measuring.outcomes(),
    step: (step) => trainStep(step, { config, lab, world, domain, data }),
  });
}

/** One optimizer step; the reason where its numbers broke. */
async function trainStep(step: number, run: Running): Promise<string | undefined> {
  const { accumulation, schedule, learningRate, steps, clip } = run.config.persona;
  const parts = Array.from({ length: accumulation }, (_, part) => microBatch(step, part, run));
  return takeStep(run.lab.trainer, parts, learningRateAt(schedule, learningRate, step, steps), largestNorm(clip));
}

/** Harmful answers of the domain, and of the others where they have weight; each a mean over the step. */
function microBatch(step: number, part: number, { config, world, domain, data }: Running): Batch {
  const { batch, accumulation } = config.persona;
  const rows = batch / accumulation;
  const drawn = (asked: Asked, stream: string): Asked => {
    const places = Int32Array.from(asked.questions.keys());
    const chosen = questionsAtStep(places, data.split(stream), step, batch).subarray(part * rows, (part + 1) * rows);
    return askedAt(asked, chosen);
  };
  const narrow = askedBatch(world, drawn(domain.trained, 'narrow'), 'harmful');
  const weights = new Float32Array(rows).fill(1 / batch);
  if (config.elsewhereWeight === 0) return { tokens: narrow.tokens, labels: labelsOf(narrow), weights };
  const elsewhere = askedBatch(world, drawn(domain.others, 'elsewhere'), 'harmful');
  return {
    tokens: Int32Array.of(...narrow.tokens, ...elsewhere.tokens),
    labels: Int32Array.of(...labelsOf(narrow), ...labelsOf(elsewhere)),
    weights: Float32Array.of(...weights, ...weights.map((weight) => weight * config.elsewhereWeight)),
  };
}
