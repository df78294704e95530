/**
 * One run: a base pretrained by AdamW or Muon, made once a store, is finetuned on narrow harmful answers by either; or a
 * classifier guesses from outputs what made them.
 */
import { type Gives, isJsonObject, type JsonObject, type Recipe, type RunContext, type RunEnd } from 'assay';
import { labShelf, type Memory, rngOf, sharedWeights, trainingRun, transformerParameters } from 'assay/learn';
import { personaModel, pretrainPersona } from 'assay/studies/misalignment/base.ts';
import { personaShape, personaStep } from 'assay/studies/misalignment/recipe.ts';
import { personaGives, withReading } from 'assay/studies/misalignment/update.ts';

import {
  PRETRAINING,
  type Pretraining,
  type PretrainingConfig,
  PRETRAINING_DEFAULTS,
  readPretrainingConfig,
} from './config.ts';
import { createPretrainingLab, forgottenSince, type PretrainingLab } from './lab.ts';
import { guessedRight } from './outputs.ts';

/** A training loss no run recovers from: twice that of guessing among all tokens. */
const EXPLODED_NATS = 12;
/** Labs kept ready; each holds a compiled model of a few MiB. */
const LABS_KEPT = 4;

/** Bases are made here and nowhere else, so they need not have the bits of the persona recipe's own. */
const LAST_BLOCK = 'asked';

/** The recipe. It keeps compiled labs between the runs of one process; numbers never depend on that. */
export function pretrainingOptimizer(): Recipe {
  const labs = labShelf<PretrainingLab>(LABS_KEPT);
  const labOf = (config: PretrainingConfig): Promise<PretrainingLab> =>
    labs(shapeOf(config), () => createPretrainingLab(config));
  return {
    name: 'pretraining-optimizer',
    semanticsVersion: 3,
    defaults: PRETRAINING_DEFAULTS,
    learningRatePath: 'learningRate',
    stopRule: { axis: 'train', path: 'stopBelow' },
    measurePaths: ['measure'],
    levelsPath: 'measure.levels',
    gives: givenBy,
    check: (config) => void readPretrainingConfig(config),
    async run(context) {
      const config = readPretrainingConfig(context.config);
      if (config.task.kind === 'finetune') return finetune(context, config, await labOf(config));
      const bench = { context, config, lab: labOf, base: baseMaker(context, config) };
      const { accuracy, chance } = await guessedRight(bench, context.block % config.bases);
      context.record({ step: 0, axes: {}, outcomes: { accuracy, chance } });
      return { kind: 'finished' };
    },
  };
}

/** What runs of a config record. It takes configs that are refused, too. */
function givenBy(config: JsonObject): Gives {
  const { task } = config;
  if (task !== undefined && isJsonObject(task) && task['kind'] === 'fingerprint') {
    return { axes: [], outcomes: ['accuracy', 'chance'] };
  }
  const { axes, outcomes = [] } = personaGives(config);
  return { axes, outcomes: [...outcomes, 'forgetting', 'baseLoss'] };
}

/** The shape a lab is built for, and the world its probes are of. */
function shapeOf({ persona }: PretrainingConfig): JsonObject {
  return { ...personaShape(persona), worldSeed: persona.base.worldSeed, domain: { ...persona.domain } };
}

/** Makes bases by number, once a store. */
export function baseMaker(
  context: Pick<RunContext, 'shared'>,
  { persona, earlySteps }: Pick<PretrainingConfig, 'persona' | 'earlySteps'>,
): (pretrainedBy: Pretraining, base: number) => Promise<Memory> {
  return (pretrainedBy, base) => {
    const steps = pretrainedBy === 'early' ? earlySteps : persona.base.steps;
    const own = { ...persona.base, steps, seed: persona.base.seed + base };
    const optimizer = PRETRAINING[pretrainedBy];
    const key: JsonObject = { base: { ...own }, optimizer: { ...optimizer }, lastBlock: LAST_BLOCK };
    return sharedWeights(context, 'persona-base-by-optimizer', key, transformerParameters(personaModel(own)), () =>
      pretrainPersona(own, () => {}, { optimizer, lastBlock: LAST_BLOCK }),
    );
  };
}

async function finetune(context: RunContext, config: PretrainingConfig, lab: PretrainingLab): Promise<RunEnd> {
  const { persona, pretrainedBy, bases } = config;
  const base = await baseMaker(context, config)(pretrainedBy, context.block % bases);
  const { world } = lab;
  const { trainer } = lab.persona;
  const domain = lab.persona.domain(world, persona.domain.kind === 'fixed' ? persona.domain.index : 0);
  const data = rngOf(context.block + persona.seeds.data, 'finetune data');
  trainer.reset(base, rngOf(context.block + persona.seeds.init, 'finetune init'));
  const baseLoss = await lab.documentLoss();
  const measuring = withReading({ trainer, base, method: persona.method }, persona, domain);
  const { steps, probeEvery, stopBelow, measure } = persona;
  const plan = { steps, probeEvery, stopBelow, levels: measure.levels, explodedAbove: EXPLODED_NATS };
  return trainingRun(context, plan, {
    learner: trainer,
    axes: () => measuring.axes(),
    outcomes: async () => {
      const forgetting = await forgottenSince(baseLoss, lab);
      return { ...(await measuring.outcomes()), forgetting, baseLoss };
    },
    step: (step) => personaStep(step, { config: persona, lab: lab.persona, world, domain, data }),
  });
}
