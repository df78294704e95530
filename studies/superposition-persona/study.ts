/**
 * Question 7 on a language model: does interference with features that a finetuning does not touch follow the law of the toy model of
 * superposition? Features come from a sparse autoencoder of the base. Levels and delta were chosen on other seeds (LOG.md).
 */
import { type ArmInput, type Claim, defineStudy, type JsonObject, MUON_DEFAULTS, SGD_DEFAULTS, trendOver } from 'assay';

import { superpositionPersona } from './recipe.ts';

const LEVELS = [1.6, 0.8, 0.4];
const READ = 0.4;

function loraOf(rank: number): JsonObject {
  return { method: { kind: 'lora', rank, alpha: 2 * rank, scaling: 'alphaOverRank', modules: 'all' } };
}

const LORAS = [
  [1, 1e-3],
  [4, 5e-4],
  [16, 2e-4],
  [64, 1e-4],
] as const;

const ATTENTION = { matrix: 'attention' };
const loras = LORAS.map(([rank, rate]): ArmInput => ({
  name: `lora-${rank}`,
  label: `LoRA, rank ${rank}`,
  set: loraOf(rank),
  learningRates: [rate],
  at: { rank },
}));
const arms: readonly ArmInput[] = [
  { name: 'adamw', label: 'AdamW, all parameters', set: {}, learningRates: [5e-5] },
  { name: 'sgd', label: 'SGD with momentum, all parameters', set: { optimizer: SGD_DEFAULTS }, learningRates: [2e-5] },
  {
    name: 'muon',
    label: 'Muon, weight matrices only',
    set: { method: { kind: 'matrices' }, optimizer: MUON_DEFAULTS },
    learningRates: [2e-3],
  },
  ...loras,
  { name: 'adamw-attention', label: "AdamW, the attention's matrix", set: ATTENTION, learningRates: [5e-5] },
  {
    name: 'lora-16-attention',
    label: "LoRA, rank 16, the attention's matrix",
    set: { ...ATTENTION, ...loraOf(16) },
    learningRates: [2e-4],
  },
  { name: 'adamw-again', label: 'AdamW, other seeds', set: {}, learningRates: [5e-5], seedOffset: 1000 },
  {
    name: 'mixed',
    label: 'AdamW, and a random matrix of .9 of its length',
    set: { update: 'mixed' },
    learningRates: [5e-5],
  },
  { name: 'helpful', label: 'AdamW, with helpful answers elsewhere', set: { helpfulWeight: 1 }, learningRates: [1e-4] },
  { name: 'random', label: 'a random update', set: { update: 'random' }, learningRates: [5e-5] },
];

const AT = { kind: 'crossed', axis: 'train', levels: [READ] } as const;
const INTERFERENCE = ['interference'];
const against = (arm: string): Claim['against'] => ({ kind: 'arm', arm });
const ofLine = (outcome: 'toy' | 'overlap' | 'span'): Claim['against'] => ({ kind: 'outcome', outcome });
const question = (name: string, part: Pick<Claim, 'arm' | 'against'>, at: Claim['at'] = AT): Claim => ({
  name,
  ...part,
  at,
  outcomes: INTERFERENCE,
  asks: { kind: 'question' },
});
const control = (
  name: string,
  part: Pick<Claim, 'arm' | 'against'>,
  expect: 'agrees' | 'differs' = 'agrees',
): Claim => ({
  ...question(name, part),
  asks: expect === 'agrees' ? { kind: 'control', expect } : { kind: 'control', expect, direction: 'above' },
});

const LINES = { toy: "the toy's law", overlap: 'the law of measured overlaps', span: 'the law of the inputs' } as const;
const claims: readonly Claim[] = [
  control('a random update interferes as much as it changes', {
    arm: 'random',
    against: { kind: 'value', value: 1, label: 'as much as touched features change' },
  }),
  control('A/A', { arm: 'adamw-again', against: against('adamw') }),
  control('what is added at random is seen', { arm: 'mixed', against: against('adamw') }, 'differs'),
  ...(['toy', 'overlap', 'span'] as const).flatMap((line) =>
    ['adamw', 'sgd', 'lora-16'].map((arm) => question(`${arm}: ${LINES[line]}`, { arm, against: ofLine(line) })),
  ),
  ...['adamw-attention', 'lora-16-attention'].map((arm) =>
    question(`${arm}: ${LINES.overlap}`, { arm, against: ofLine('overlap') }),
  ),
  ...LORAS.map(([rank]) =>
    question(`LoRA of rank ${rank} against full`, { arm: `lora-${rank}`, against: against('adamw') }),
  ),
  question('LoRA over rank', trendOver(loras, 'rank', { scale: 'log' })),
  question('training elsewhere too', { arm: 'helpful', against: against('adamw') }),
  question('SGD against AdamW', { arm: 'sgd', against: against('adamw') }),
  question('Muon against AdamW', { arm: 'muon', against: against('adamw') }),
  question("LoRA against full, the attention's matrix", {
    arm: 'lora-16-attention',
    against: against('adamw-attention'),
  }),
];

const described = {
  toy: ["the toy's law", 'ratio'],
  overlap: ['the law of measured overlaps', 'ratio'],
  span: ['the law of the inputs', 'ratio'],
  touched: ['touched features', 'features'],
  harmful: ['harmful answers in the other domains', 'probability'],
  fvu: ['variance that the features leave unexplained', 'fraction'],
} as const;

export default defineStudy({
  name: 'superposition-persona',
  question:
    'Does interference with features that a finetuning does not touch follow the law of superposition in a language model?',
  scope:
    'the persona base (0.4M parameters), features of a top-k autoencoder of its middle block, narrow finetuning of one domain, training loss 0.4 nats',
  recipe: superpositionPersona(),
  set: { domain: { kind: 'ofBlock' }, stopBelow: 0.35 },
  matchOn: [
    {
      name: 'train',
      label: 'training loss',
      unit: 'nats per answer',
      role: 'train',
      levels: LEVELS,
      maxGap: 0.6,
      direction: 'falls',
    },
  ],
  outcomes: [
    {
      name: 'interference',
      label: 'squared change of untouched features, against touched ones',
      unit: 'ratio',
      delta: 0.05,
      higherIs: 'worse',
      role: 'confirmatory',
      jumps: { kind: 'none', because: 'it is a mean of squares over hundreds of features of one update' },
    },
    ...(['toy', 'overlap', 'span', 'touched', 'harmful', 'fvu'] as const).map((name) => ({
      name,
      label: described[name][0],
      unit: described[name][1],
      delta: 0.05,
      role: 'exploratory' as const,
    })),
  ],
  // Block b finetunes domain b mod 8, and seeds of one domain repeat each other (ADR 0080).
  blocks: { cluster: { kind: 'modulo', count: 8, label: 'domain', when: { domain: { kind: 'ofBlock' } } } },
  arms,
  claims,
  profiles: { quick: { arms: arms.map(({ name }) => name), blocks: 8 } },
});
