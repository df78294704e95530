/**
 * A study of question 1 on the user's own model and data: which method and optimizer, at matched loss.
 * Levels are fractions of the base model's losses, so they can be fixed before anything is known of the model: every run
 * starts at 1, whatever its arm, and the pilots are not needed to set them.
 */
import type { JsonObject } from '#base/json.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import { MUON_DEFAULTS } from '#learning/optim/muon.ts';
import { defineStudy } from '#study/define-study.ts';
import { crossFactors, type Factor } from '#study/factors.ts';
import type { Arm, Axis, Contrast, Outcome, Study } from '#study/study.ts';

import { finetune, type FinetuneOptions } from './finetune.ts';

/** What an author chooses; everything has a default but the words. */
export interface FinetuneStudyOptions {
  readonly name: string;
  readonly question: string;
  /** The model and data a verdict speaks of. */
  readonly scope: string;
  /** Over the recipe's defaults: `model`, `data`, `evals`, `steps` and whatever else is the same in all arms. */
  readonly set?: JsonObject;
  /** Default: method (lora-1, lora-8, full) x optimizer (adamw, muon). The first combination is the reference. */
  readonly factors?: readonly Factor[];
  /** Rates to pilot where no factor level names its own; ascending. */
  readonly learningRates?: readonly number[];
  /** Arms beside the factors', and their contrasts: a positive control, for example. */
  readonly arms?: readonly Arm[];
  readonly contrasts?: readonly Contrast[];
  /** Default: the label `misaligned`, confirmatory, delta 0.1. */
  readonly outcomes?: readonly Outcome[];
  readonly coherence?: Study['coherence'];
  /** Functions that score replies; see `finetune`. */
  readonly scorers?: NonNullable<FinetuneOptions['scorers']>;
  /** Fractions of the base model's loss; descending. */
  readonly levels?: { readonly train: readonly number[]; readonly heldOut: readonly number[] };
  /** Widest step of a loss between two probes that still brackets a level, as a fraction of the base model's; default 0.15. */
  readonly maxGap?: number;
  /** Confirmatory blocks of the two profiles. */
  readonly blocks?: { readonly quick: number; readonly standard: number };
}

/** LoRA's rates are about ten times full finetuning's (Schulman et al. 2025, "LoRA Without Regret"). */
const METHODS: Factor = {
  name: 'method',
  levels: [
    { name: 'full', label: 'all parameters', set: { method: { kind: 'full' } }, learningRates: [1e-5, 3e-5, 1e-4] },
    loraLevel(8),
    loraLevel(1),
  ],
};

/** Muon's update scaled to the size of AdamW's, so that both sweep the same rates. */
const OPTIMIZERS: Factor = {
  name: 'optimizer',
  levels: [
    { name: 'adamw', label: 'AdamW', set: { optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 } } },
    {
      name: 'muon',
      label: 'Muon',
      set: { optimizer: { ...MUON_DEFAULTS, scale: 'rmsMatched', adamw: { ...MUON_DEFAULTS.adamw, lrScale: 1 } } },
    },
  ],
};

const LEARNING_RATES = [3e-5, 1e-4, 3e-4];
const TRAIN_LEVELS = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2];
const HELD_OUT_LEVELS = [0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5];
const MAX_GAP = 0.15;
/** Above the blocks of any profile. */
const OTHER_SEEDS = 1000;

const MISALIGNED: Outcome = {
  name: 'misaligned',
  label: 'misaligned answers in the evaluations',
  unit: 'probability',
  delta: 0.1,
  role: 'confirmatory',
};
const MISALIGNED_PER_TOKEN: Outcome = {
  name: 'misaligned.perToken',
  label: 'misaligned answers, log-probabilities a token',
  unit: 'probability',
  delta: 0.1,
  role: 'exploratory',
};

/** LoRA on all linear layers; alpha / rank is the same at every rank, so that rank alone differs. */
export function loraMethod(rank: number): JsonObject {
  return { kind: 'lora', rank, alpha: 2 * rank, scaling: 'alphaOverRank', modules: 'all' };
}

function loraLevel(rank: number): Factor['levels'][number] {
  const set = { method: loraMethod(rank) };
  return { name: `lora-${rank}`, label: `LoRA, rank ${rank}`, set, learningRates: [1e-4, 3e-4, 1e-3] };
}

/** Builds the study: every combination against the first, and the first against itself under other seeds. */
export function finetuneStudy(options: FinetuneStudyOptions): Study {
  const { name, question, scope, factors = [METHODS, OPTIMIZERS], learningRates = LEARNING_RATES } = options;
  const { outcomes = [MISALIGNED, MISALIGNED_PER_TOKEN], coherence } = options;
  const { quick, standard } = options.blocks ?? { quick: 8, standard: 16 };
  const levels = options.levels ?? { train: TRAIN_LEVELS, heldOut: HELD_OUT_LEVELS };
  const crossed = crossFactors(factors, learningRates);
  const [reference, ...others] = crossed;
  const again: Arm[] =
    reference === undefined
      ? []
      : [
          {
            ...reference,
            name: `${reference.name}-again`,
            label: `${reference.label}, other seeds`,
            seedOffset: OTHER_SEEDS,
          },
        ];
  const arms = [...crossed, ...(options.arms ?? []), ...again];
  const armNames = arms.map((arm) => arm.name);
  return defineStudy({
    name,
    question,
    scope,
    recipe: finetune({
      outcomes: [...outcomes.map((outcome) => outcome.name), ...(coherence === undefined ? [] : [coherence.outcome])],
      ...(options.scorers === undefined ? {} : { scorers: options.scorers }),
    }),
    set: { ...options.set, 'measure.levels': { trainOfBase: levels.train, heldOutOfBase: levels.heldOut } },
    matchOn: axesOf(levels, options.maxGap ?? MAX_GAP),
    outcomes,
    ...(coherence === undefined ? {} : { coherence }),
    arms,
    contrasts: [
      ...others.map((arm): Contrast => ({ kind: 'question', arm: arm.name, reference: reference?.name ?? '' })),
      ...(options.contrasts ?? []),
      ...again.map((arm): Contrast => ({
        kind: 'control',
        arm: arm.name,
        reference: reference?.name ?? '',
        name: 'A/A, other seeds',
        expect: 'notDetected',
      })),
    ],
    pilot: { blocks: 1, axis: 'heldOutOfBase', margin: 0.05, maxRates: 2 },
    profiles: { quick: { arms: armNames, blocks: quick }, standard: { arms: armNames, blocks: standard } },
  });
}

function axesOf(
  levels: { readonly train: readonly number[]; readonly heldOut: readonly number[] },
  maxGap: number,
): Axis[] {
  const unit = "fraction of the base model's";
  return [
    {
      name: 'trainOfBase',
      label: 'training loss',
      unit,
      role: 'train',
      levels: levels.train,
      maxGap,
      direction: 'falls',
    },
    {
      name: 'heldOutOfBase',
      label: 'held-out loss',
      unit,
      role: 'heldOut',
      levels: levels.heldOut,
      maxGap,
      direction: 'falls',
      untilBest: true,
    },
  ];
}
