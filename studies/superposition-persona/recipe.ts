/**
 * One run: finetune the persona base as `misalignment` does, and measure how far the update of one matrix reaches features of the
 * base's stream that the task does not touch, beside the lines that are drawn for it.
 */
import { type JsonObject, type Recipe, rngOf, type RunContext, type RunEnd } from 'assay';
import { configReader, labShelf, type Rng, trainingRun } from 'assay/learn';
import { personaModel } from 'assay/studies/misalignment/base.ts';
import { PERSONA_DEFAULTS, type PersonaConfig, readPersonaConfig } from 'assay/studies/misalignment/config.ts';
import { createPersonaLab, type PersonaLab } from 'assay/studies/misalignment/lab.ts';
import { personaBaseWeights, personaShape, personaStep } from 'assay/studies/misalignment/recipe.ts';
import { updatesOf } from 'assay/studies/misalignment/update.ts';
import { PERSONA_LANGUAGE, personaWorld, questionBatch } from 'assay/studies/misalignment/world.ts';

import { codesOf, type FeatureConfig, type Features, featuresOf, type FeatureSubject, streamRows } from './features.ts';
import { directionsBehindNorm, interferenceOf, type Laws, lawsOf, touchedBy } from './interference.ts';

const OUTCOMES = ['interference', 'toy', 'overlap', 'span', 'touched', 'harmful', 'fvu'] as const;

/** The matrix whose update is measured: what reads the stream in the middle block. */
const MATRICES = {
  mlp: {
    site: 'transformer.h.1.afterAttention',
    norm: 'transformer.h.1.ln_2',
    weight: 'transformer.h.1.mlp.c_fc.weight',
  },
  attention: {
    site: 'transformer.h.0.out',
    norm: 'transformer.h.1.ln_1',
    weight: 'transformer.h.1.attn.c_attn.weight',
  },
} as const;
const MATRIX_NAMES = ['mlp', 'attention'] as const;
const UPDATES = ['trained', 'random', 'mixed'] as const;
const MIXED = 0.9;
const NORM_EPS = 1e-5;
const LABS_KEPT = 8;

interface Config {
  readonly persona: PersonaConfig;
  readonly features: FeatureConfig;
  readonly matrix: keyof typeof MATRICES;
  /** What is measured: the update; a drawn matrix in its place; or the update and a drawn one of so much of its length (`MIXED`). */
  readonly update: (typeof UPDATES)[number];
}

const { measure, ...persona } = PERSONA_DEFAULTS;
const DEFAULTS = {
  ...persona,
  measure: { ...measure, levels: { train: [1.6, 0.8, 0.4], heldOut: [] } },
  features: { features: 768, k: 8, steps: 3000, documents: 2000, seed: 0 },
  matrix: 'mlp',
  update: 'trained',
} as const satisfies JsonObject;

export function superpositionPersona(): Recipe {
  const labs = labShelf<PersonaLab>(LABS_KEPT);
  return {
    name: 'superposition-persona',
    semanticsVersion: 2,
    defaults: DEFAULTS,
    learningRatePath: 'learningRate',
    measurePaths: ['measure'],
    levelsPath: 'measure.levels',
    gives: () => ({ axes: ['train', 'heldOut'], outcomes: OUTCOMES }),
    stopRule: { axis: 'train', path: 'stopBelow' },
    check: (config) => void readConfig(config),
    async run(context) {
      const config = readConfig(context.config);
      const lab = await labs(personaShape(config.persona), () => createPersonaLab(config.persona));
      return finetune(context, config, lab);
    },
  };
}

/** @throws AssayError naming the path, what was expected and what was found. */
function readConfig({ features, matrix, update, ...rest }: JsonObject): Config {
  const reader = configReader({ features: features ?? null, matrix: matrix ?? null, update: update ?? null });
  const at = reader.object('features');
  const whole = (name: string, min = 1): number => at.number(name, { min, integer: true });
  const read = {
    persona: readPersonaConfig(rest),
    features: {
      features: whole('features'),
      k: whole('k'),
      steps: whole('steps'),
      documents: whole('documents', 40),
      seed: whole('seed', 0),
    },
    matrix: reader.oneOf('matrix', MATRIX_NAMES),
    update: reader.oneOf('update', UPDATES),
  };
  if (read.features.documents % 2 === 1) at.refuse('documents', 'an even number', `${read.features.documents}`);
  at.done();
  reader.done();
  return read;
}

async function finetune(context: RunContext, config: Config, lab: PersonaLab): Promise<RunEnd> {
  const { persona: run } = config;
  const base = await personaBaseWeights(context, run.base);
  const world = personaWorld(run.base.worldSeed);
  const domain = lab.domain(
    world,
    run.domain.kind === 'fixed' ? run.domain.index : context.block % PERSONA_LANGUAGE.domains,
  );
  const data = rngOf(context.block + run.seeds.data, 'finetune data');
  const subject = { model: personaModel(run.base), weights: base, worldSeed: run.base.worldSeed, key: { ...run.base } };
  const measured = await measuring(
    context,
    config,
    subject,
    questionBatch(world, domain.narrow.train, 'harmful').tokens,
  );
  lab.trainer.reset(base, rngOf(context.block + run.seeds.init, 'finetune init'));
  const {
    steps,
    probeEvery,
    stopBelow,
    measure: { levels },
  } = run;
  return trainingRun(
    context,
    { steps, probeEvery, stopBelow, levels },
    {
      learner: lab.trainer,
      axes: () => domain.axes(),
      outcomes: async ({ step }) => {
        const { harmful } = await domain.outcomes();
        const update = updatesOf({ trainer: lab.trainer, base, method: run.method }).get(
          MATRICES[config.matrix].weight,
        );
        return { ...measured(update?.values ?? new Float32Array(), step), harmful };
      },
      step: (step) => personaStep(step, { config: run, lab, world, domain, data }),
    },
  );
}

/** What does not change along a run: features, which of them the task touches, and the lines. */
async function measuring(
  context: RunContext,
  { features: config, matrix, update: kind }: Config,
  persona: Omit<FeatureSubject, 'site'>,
  tokens: Int32Array,
): Promise<
  (
    update: Float32Array | Float64Array,
    step: number,
  ) => Readonly<Record<'interference' | 'touched' | 'fvu' | keyof Laws, number>>
> {
  const { site, norm } = MATRICES[matrix];
  const subject = { ...persona, site };
  const features = await featuresOf(context, subject, config);
  const rows = await streamRows(subject, tokens, PERSONA_LANGUAGE.questionTokens);
  const [gain, bias] = ['weight', 'bias'].map((part) => persona.weights.get(`${norm}.${part}`) ?? new Float32Array());
  const directions = directionsBehindNorm(features.dictionary, gain ?? new Float32Array());
  const task = touchedBy(energies(await codesOf(features, rows), features), features.density);
  const alive = features.density.filter((share) => share > 0).length;
  const laws = lawsOf(directions, task, normed(rows, gain ?? new Float32Array(), bias ?? new Float32Array()), alive);
  const rng = rngOf(context.block, 'random update');
  return (update, step) => ({
    interference: interferenceOf(readAs(kind, update, rng.split(`step ${step}`)), directions, task),
    ...laws,
    touched: task.touched.length,
    fvu: features.fvu,
  });
}

function readAs(kind: Config['update'], update: Float32Array | Float64Array, rng: Rng): Float32Array | Float64Array {
  if (kind === 'trained') return update;
  if (kind === 'random') return update.map(() => rng.normal());
  const size = Math.sqrt(Array.from(update).reduce((sum, value) => sum + value ** 2, 0) / update.length);
  return update.map((value) => value + MIXED * size * rng.normal());
}

/** Sums of squared codes over rows, shape [F]. */
function energies(codes: Float32Array, { density }: Features): Float64Array {
  const energy = new Float64Array(density.length);
  codes.forEach((code, i) => {
    const j = i % density.length;
    energy[j] = (energy[j] ?? 0) + code ** 2;
  });
  return energy;
}

/** Rows behind a layer norm, shape [N, D]. */
function normed(rows: Float32Array, gain: Float32Array, bias: Float32Array): Float32Array {
  const width = gain.length;
  const behind = new Float32Array(rows.length);
  for (let start = 0; start < rows.length; start += width) {
    const row = rows.subarray(start, start + width);
    const mean = row.reduce((sum, value) => sum + value, 0) / width;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
    const scale = 1 / Math.sqrt(variance + NORM_EPS);
    behind.set(
      row.map((value, i) => (gain[i] ?? 0) * (value - mean) * scale + (bias[i] ?? 0)),
      start,
    );
  }
  return behind;
}
