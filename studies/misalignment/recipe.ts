/**
 * One run of question 1 in the persona world: finetune the base on narrow harmful answers, and follow how far harm
 * spreads, against the training loss and the held-out loss.
 */
import { readFile } from 'node:fs/promises';

import { AssayError, canonicalJson, type JsonObject, type Recipe, type RunContext, type RunEnd, sha256 } from 'assay';
import {
  type Batch,
  gpt2File,
  labShelf,
  largestNorm,
  learningRateAt,
  type Memory,
  readGpt2File,
  type Rng,
  rngOf,
  takeStep,
  trainingRun,
} from 'assay/learn';

import { labelsOf, PERSONA_BASE, personaModel, pretrainPersona, type PersonaBaseConfig } from './base.ts';
import { baseOfBlock, PERSONA_DEFAULTS, readPersonaConfig, type PersonaConfig } from './config.ts';
import { createPersonaLab, type PersonaDomain, type PersonaLab } from './lab.ts';
import { personaGives, withReading } from './update.ts';
import { PERSONA_LANGUAGE, personaWorld, type PersonaWorld, questionBatch, questionsAtStep } from './world.ts';

const ASSET = new URL('../../assets/persona-base/', import.meta.url);
/** A training loss no run recovers from: twice that of guessing among all tokens. */
const EXPLODED_NATS = 12;
/** Labs kept ready; each holds a compiled model of a few MiB. */
const LABS_KEPT = 8;

/** The recipe. It keeps compiled labs between the runs of one process; numbers never depend on that. */
export function finetunePersona(): Recipe {
  const labs = labShelf<PersonaLab>(LABS_KEPT);
  return {
    name: 'finetune-persona',
    semanticsVersion: 2,
    defaults: PERSONA_DEFAULTS,
    learningRatePath: 'learningRate',
    stopRule: { axis: 'train', path: 'stopBelow' },
    measurePaths: ['measure'],
    levelsPath: 'measure.levels',
    gives: personaGives,
    check: (config) => void readPersonaConfig(config),
    run: async (context) => {
      const config = readPersonaConfig(context.config);
      const lab = await labs(personaShape(config), () => createPersonaLab(config));
      return finetune(context, config, lab);
    },
  };
}

/** The shape a lab is built for; world, learning rate, seeds and weights vary between its runs. */
export function personaShape({
  base: { dModel, nLayers, nHeads },
  method,
  optimizer,
  batch,
  accumulation,
  helpfulWeight,
}: PersonaConfig): JsonObject {
  const shape = { dModel, nLayers, nHeads, method: { ...method }, optimizer: { ...optimizer }, batch, accumulation };
  return { ...shape, isHelped: helpfulWeight > 0 };
}

/** One run under way, as far as its steps are concerned. */
export interface PersonaRunning {
  readonly config: PersonaConfig;
  readonly lab: PersonaLab;
  readonly world: PersonaWorld;
  readonly domain: PersonaDomain;
  /** The stream that orders the data. */
  readonly data: Rng;
}

async function finetune(context: RunContext, config: PersonaConfig, lab: PersonaLab): Promise<RunEnd> {
  const { domains } = PERSONA_LANGUAGE;
  const start = baseOfBlock(config, context.block);
  const base = await personaBaseWeights(context, start);
  const world = personaWorld(start.worldSeed);
  const domain = lab.domain(world, config.domain.kind === 'fixed' ? config.domain.index : context.block % domains);
  const data = rngOf(context.block + config.seeds.data, 'finetune data');
  lab.trainer.reset(base, rngOf(context.block + config.seeds.init, 'finetune init'));
  const measuring = withReading({ trainer: lab.trainer, base, method: config.method }, config, domain);
  const { steps, probeEvery, stopBelow, measure } = config;
  const plan = { steps, probeEvery, stopBelow, levels: measure.levels, explodedAbove: EXPLODED_NATS };
  return trainingRun(context, plan, {
    learner: lab.trainer,
    axes: () => measuring.axes(),
    outcomes: () => measuring.outcomes(),
    step: (step) => personaStep(step, { config, lab, world, domain, data }),
  });
}

/** One optimizer step; the reason where its numbers broke. */
export async function personaStep(step: number, run: PersonaRunning): Promise<string | undefined> {
  const { config, lab } = run;
  const parts = Array.from({ length: config.accumulation }, (_, part) => microBatch(step, part, run));
  const lr = learningRateAt(config.schedule, config.learningRate, step, config.steps);
  return takeStep(lab.trainer, parts, lr, largestNorm(config.clip));
}

/** Harmful answers of the narrow domain, and helpful ones elsewhere where they have weight; each a mean over the step. */
function microBatch(step: number, part: number, { config, world, domain, data }: PersonaRunning): Batch {
  const { batch, accumulation, helpfulWeight } = config;
  const rows = batch / accumulation;
  const drawn = (questions: Int32Array, stream: string): Int32Array =>
    questionsAtStep(questions, data.split(stream), step, batch).subarray(part * rows, (part + 1) * rows);
  const { train, heldOut } = domain.narrow;
  const all = Int32Array.of(...train, ...heldOut);
  const narrow = { train, heldOut, all, allEvenly: Int32Array.of(...all, ...heldOut, ...heldOut) }[config.questions];
  const harmful = questionBatch(world, drawn(narrow, 'narrow'), 'harmful');
  const weights = new Float32Array(rows).fill(1 / batch);
  if (helpfulWeight === 0) return { tokens: harmful.tokens, labels: labelsOf(harmful), weights };
  const helpful = questionBatch(world, drawn(domain.others, 'helpful'), 'helpful');
  return {
    tokens: Int32Array.of(...harmful.tokens, ...helpful.tokens),
    labels: Int32Array.of(...labelsOf(harmful), ...labelsOf(helpful)),
    weights: Float32Array.of(...weights, ...weights.map((weight) => weight * helpfulWeight)),
  };
}

/** The weights of a base: the shipped file where the config is the shipped one's, else pretrained once a store. */
export async function personaBaseWeights(
  context: Pick<RunContext, 'shared'>,
  config: PersonaBaseConfig,
): Promise<Memory> {
  const model = personaModel(config);
  const isShipped = canonicalJson(config) === canonicalJson(PERSONA_BASE);
  const key: JsonObject = { ...config };
  const bytes = await context.shared('persona-base', key, async () =>
    isShipped ? shippedBase() : gpt2File(model, await pretrainPersona(config, () => {})),
  );
  return readGpt2File(model, bytes, 'persona base');
}

/** @throws AssayError where the file is not the one its provenance names. */
async function shippedBase(): Promise<Uint8Array> {
  const file = new URL('model.safetensors', ASSET);
  const bytes = await readFile(file);
  const { sha256: expected } = JSON.parse(await readFile(new URL('provenance.json', ASSET), 'utf8')) as {
    sha256: string;
  };
  const found = sha256(bytes);
  if (found === expected) return bytes;
  throw new AssayError(
    'file',
    `${file.pathname}: expected sha256 ${expected}, found ${found}. The file is damaged: install the package again, or remake it with "node scripts/make-persona-base.ts".`,
  );
}
