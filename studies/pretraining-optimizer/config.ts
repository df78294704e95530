/** The config of a run: the persona recipe's, who pretrains its base, and what a run is for. */
import { type JsonObject, MUON_DEFAULTS } from 'assay';
import { type ConfigReader, configReader, type OptimizerConfig } from 'assay/learn';
import { PERSONA_PRETRAINING } from 'assay/studies/misalignment/base.ts';
import {
  BASE_OF_BLOCK,
  PERSONA_DEFAULTS,
  type PersonaConfig,
  readPersonaConfig,
} from 'assay/studies/misalignment/config.ts';

/** What pretrains a base: AdamW or Muon for all steps, or AdamW for `earlySteps` alone. */
export const PRETRAININGS = ['adamw', 'muon', 'early'] as const;
export type Pretraining = (typeof PRETRAININGS)[number];

/** Muon's update has the size of AdamW's, so that both run at one rate; embeddings and vectors take AdamW itself. */
export const PRETRAINING: Readonly<Record<Pretraining, OptimizerConfig>> = {
  adamw: PERSONA_PRETRAINING,
  early: PERSONA_PRETRAINING,
  muon: {
    ...MUON_DEFAULTS,
    weightDecay: PERSONA_PRETRAINING.weightDecay,
    scale: 'rmsMatched',
    adamw: { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: PERSONA_PRETRAINING.weightDecay, lrScale: 1 },
  },
};

/** The finetunings whose outputs a fingerprint tells apart. */
export const SIDES = ['adamw', 'muon', 'again'] as const;
export type Side = (typeof SIDES)[number];

/** What a run does. */
export type Task =
  /** Finetunes, and follows harm and forgetting. */
  | { readonly kind: 'finetune' }
  /**
   * Guesses what made the outputs of finetuned models, on this block's base, by classifiers that have seen the other bases alone.
   * `finetuning`: AdamW or Muon, on bases by AdamW; `pretraining`: who made the base, under finetuning by AdamW; `order`: one of two
   * orders of the data, where nothing is to be found; `seed`: which base it was, seen under AdamW and guessed under Muon.
   */
  | { readonly kind: 'fingerprint'; readonly of: 'finetuning' | 'pretraining' | 'order' | 'seed' };

export interface PretrainingConfig {
  readonly persona: PersonaConfig;
  readonly pretrainedBy: Pretraining;
  /** Steps of an early base, in place of `base.steps`: the control for how far pretraining came. */
  readonly earlySteps: number;
  /** Bases; block b starts from base b mod this number, of seed base.seed + b mod this number, in one world. */
  readonly bases: number;
  readonly task: Task;
  /** The training loss at which fingerprints read outputs, in nats per answer. */
  readonly readAt: number;
  /** The learning rates of the finetunings that fingerprints compare. */
  readonly rates: Readonly<Record<'adamw' | 'muon', number>>;
}

const { bases: _bases, reading: _reading, ...PERSONA } = PERSONA_DEFAULTS;

/** The defaults, plain JSON: these paths and no others can be set. */
export const PRETRAINING_DEFAULTS = {
  ...PERSONA,
  base: {
    ...PERSONA_DEFAULTS.base,
    worldSeed: 1,
    seed: 1,
    dModel: BASE_OF_BLOCK['base.dModel'],
    nLayers: BASE_OF_BLOCK['base.nLayers'],
    steps: 1000,
    documents: 48,
    learningRate: BASE_OF_BLOCK['base.learningRate'],
    initialStd: BASE_OF_BLOCK['base.initialStd'],
  },
  method: { kind: 'matrices' },
  measure: { ...PERSONA_DEFAULTS.measure, update: 'spectra' },
  pretrainedBy: 'adamw',
  earlySteps: 750,
  bases: 6,
  task: { kind: 'finetune' },
  readAt: 0.4,
  rates: { adamw: 1e-4, muon: 2e-3 },
} as const satisfies JsonObject;

/** Persona settings that this study has no use for; its own `bases` is a number. */
const FIXED = { bases: { kind: 'one' }, reading: { kind: 'whole' } } as const satisfies JsonObject;

/** @throws AssayError naming the path, what was expected and what was found. */
export function readPretrainingConfig(config: JsonObject): PretrainingConfig {
  const reader = configReader(config);
  if (reader.has('reading')) reader.refuse('reading', 'nothing (it is fixed in this study)', 'a setting');
  const read = {
    pretrainedBy: reader.oneOf('pretrainedBy', PRETRAININGS),
    earlySteps: reader.number('earlySteps', { min: 1, integer: true }),
    bases: reader.number('bases', { min: 2, integer: true }),
    task: readTask(reader.object('task')),
    readAt: reader.number('readAt', { min: 0 }),
    rates: readRates(reader.object('rates')),
  };
  const rest = Object.fromEntries(Object.entries(config).filter(([name]) => !Object.hasOwn(read, name)));
  const persona = readPersonaConfig({ ...rest, ...FIXED });
  if (persona.domain.kind === 'ofBlock') {
    reader.refuse('domain.kind', 'fixed (bases are compared on the same questions)', '"ofBlock"');
  }
  return { persona, ...read };
}

function readTask(reader: ConfigReader): Task {
  const kind = reader.oneOf('kind', ['finetune', 'fingerprint']);
  const task: Task =
    kind === 'finetune' ? { kind } : { kind, of: reader.oneOf('of', ['finetuning', 'pretraining', 'order', 'seed']) };
  reader.done();
  return task;
}

function readRates(reader: ConfigReader): PretrainingConfig['rates'] {
  const rates = { adamw: reader.number('adamw', { min: 0 }), muon: reader.number('muon', { min: 0 }) };
  reader.done();
  return rates;
}
