/**
 * Question 1 at the gate: does a small rank force the more general solution, beyond loss? A world in which it is so by
 * construction; what it costs in rank, parametrisation and update, and where it ends, is what the study measures.
 * The grids were set from scouting runs that share blocks with the first run (LOG.md).
 */
import { defineStudy, type JsonObject, MUON_DEFAULTS } from 'assay';

import { finetuneGate } from './recipe.ts';

/** Nats an answer. Above them no arm has begun to swap, below them all of them have. */
const LEVELS = { train: [1.4, 1.1, 0.8, 0.6, 0.4], heldOut: [1.4, 1.1, 0.8, 0.6, 0.45] };
const nats = { unit: 'nats per answer', maxGap: 0.6, direction: 'falls' } as const;

/** alpha / rank is the same at every rank, so that rank alone differs. */
const LORA_SCALE = 2;
/** Worlds, starts and orders that nothing of this study was chosen on: the grids were chosen on those of blocks 0 to 7. */
const FRESH = { 'seeds.world': 100, 'seeds.init': 100, 'seeds.data': 100 };
/** Blocks stay worlds: only the adapter's start and the order of the data are drawn anew. */
const OTHER_START = { 'seeds.init': 1000 };
const OTHER_ORDER = { 'seeds.data': 1000 };

const FULL_RATES = [5e-4, 1e-3];
const RANK_1_RATES = [1.25e-3, 2.5e-3];
const RANK_4_RATES = [5e-4, 1e-3];
const RANK_16_RATES = [2.5e-4, 5e-4];
const RANK_64_RATES = [1.25e-4, 2.5e-4];

const QUICK = [
  'adamw-full',
  'muon',
  'lora-1',
  'lora-2',
  'lora-4',
  'lora-16',
  'lora-64',
  'persona',
  'truncated-1',
  'truncated-4',
  'truncated-16',
  'spread',
  'adamw-again',
  'lora-16-again',
];

/** What the map is made of: c, and what is trained. */
/** Nats: where the map is read. */
const MAP_LEVEL = 0.8;
const MAP_SHARED = [0, 0.05, 0.1, 0.3, 0.6, 0.9];
const MAP_METHODS = [
  { name: 'adamw-full', trains: 'whole matrix', set: {}, learningRates: FULL_RATES },
  { name: 'lora-1', trains: 'rank 1', set: loraOf(1), learningRates: RANK_1_RATES },
  { name: 'lora-4', trains: 'rank 4', set: loraOf(4), learningRates: RANK_4_RATES },
  { name: 'lora-16', trains: 'rank 16', set: loraOf(16), learningRates: RANK_16_RATES },
  { name: 'lora-64', trains: 'rank 64', set: loraOf(64), learningRates: RANK_64_RATES },
];
const MAP_ARMS = MAP_SHARED.flatMap((shared) =>
  MAP_METHODS.map(({ name, trains, set, learningRates }) => ({
    name: `${name}-c-${shared}`,
    label: `${name === 'adamw-full' ? 'AdamW' : 'LoRA'}, ${trains}, c = ${shared}`,
    set: { ...set, 'world.shared': shared },
    at: { shared, trains },
    learningRates,
  })),
);

export default defineStudy({
  name: 'general-or-narrow',
  question: 'Does a small rank force the more general solution, beyond loss?',
  scope:
    'the gate (one 64 x 64 matrix, 16 of 48 keys finetuned to swapped answers), training and held-out loss 0.4-1.4 nats per answer',
  recipe: finetuneGate(),
  // Runs end a little below the lowest level.
  set: { stopBelow: 0.36, 'measure.levels': LEVELS },
  matchOn: [
    { name: 'train', label: 'training loss', role: 'train', levels: LEVELS.train, ...nats },
    {
      name: 'heldOut',
      label: 'held-out loss (other draws of the trained keys)',
      role: 'heldOut',
      levels: LEVELS.heldOut,
      untilBest: true,
      ...nats,
    },
  ],
  outcomes: [
    {
      name: 'swapped',
      label: 'swapped answers to the other keys',
      unit: 'probability',
      higherIs: 'worse',
      delta: 0.1,
      role: 'confirmatory',
    },
    { name: 'stableRank', label: 'stable rank of the update', unit: 'directions', delta: 1, role: 'exploratory' },
    {
      name: 'personaShare',
      label: 'share of the squared update along the persona direction',
      unit: 'fraction',
      delta: 0.1,
      role: 'exploratory',
    },
  ],
  // A half-open gate alone takes coherence to 0.87: both answers stand at half their strength.
  coherence: { outcome: 'coherence', floor: 0.8 },
  arms: [
    { name: 'adamw-full', label: 'AdamW, whole matrix', set: {}, learningRates: FULL_RATES },
    { name: 'muon', label: 'Muon, whole matrix', set: { optimizer: MUON_DEFAULTS }, learningRates: [0.01, 0.02] },
    { name: 'lora-1', label: 'LoRA, rank 1', set: loraOf(1), learningRates: RANK_1_RATES },
    { name: 'lora-2', label: 'LoRA, rank 2', set: loraOf(2), learningRates: RANK_1_RATES },
    { name: 'lora-4', label: 'LoRA, rank 4', set: loraOf(4), learningRates: RANK_4_RATES },
    { name: 'lora-16', label: 'LoRA, rank 16', set: loraOf(16), learningRates: RANK_16_RATES },
    { name: 'lora-64', label: 'LoRA, rank 64', set: loraOf(64), learningRates: RANK_64_RATES },
    {
      name: 'persona',
      label: 'AdamW, along the persona direction only',
      set: { method: { kind: 'persona' } },
      learningRates: [2.5e-3, 5e-3],
    },
    ...[1, 4, 16].map((rank) => ({
      name: `truncated-${rank}`,
      label: `AdamW, whole matrix, update truncated to rank ${rank}`,
      set: { reading: { kind: 'truncated', rank } },
      learningRates: FULL_RATES,
    })),
    {
      name: 'spread',
      label: 'AdamW, whole matrix, swapped answers elsewhere at weight 0.4',
      set: { elsewhereWeight: 0.4 },
      learningRates: FULL_RATES,
    },
    {
      name: 'adamw-again',
      label: 'AdamW, whole matrix, another order of the data',
      set: OTHER_ORDER,
      learningRates: FULL_RATES,
    },
    {
      name: 'lora-1-again',
      label: 'LoRA, rank 1, another order of the data',
      set: { ...loraOf(1), ...OTHER_ORDER },
      learningRates: RANK_1_RATES,
    },
    {
      name: 'lora-16-again',
      label: 'LoRA, rank 16, another start and order of the data',
      set: { ...loraOf(16), ...OTHER_START, ...OTHER_ORDER },
      learningRates: RANK_16_RATES,
    },
    ...MAP_ARMS,
  ],
  contrasts: [
    { kind: 'question', arm: 'lora-1', reference: 'adamw-full' },
    { kind: 'question', arm: 'lora-2', reference: 'adamw-full' },
    { kind: 'question', arm: 'lora-4', reference: 'adamw-full' },
    { kind: 'question', arm: 'lora-16', reference: 'adamw-full' },
    { kind: 'question', arm: 'lora-64', reference: 'adamw-full' },
    { kind: 'question', arm: 'lora-1', reference: 'lora-64' },
    { kind: 'question', arm: 'truncated-1', reference: 'adamw-full' },
    { kind: 'question', arm: 'truncated-4', reference: 'adamw-full' },
    { kind: 'question', arm: 'truncated-16', reference: 'adamw-full' },
    { kind: 'question', arm: 'lora-1', reference: 'truncated-1' },
    { kind: 'question', arm: 'muon', reference: 'adamw-full' },
    { kind: 'question', arm: 'persona', reference: 'adamw-full' },
    // No control: at rank 1 one start in eight falls either way with the order of the data (LOG.md).
    { kind: 'question', arm: 'lora-1-again', reference: 'lora-1' },
    {
      kind: 'control',
      arm: 'spread',
      reference: 'adamw-full',
      name: 'swapped answers elsewhere',
      expect: 'detected',
      direction: 'above',
      outcomes: ['swapped'],
    },
    again('adamw-again', 'adamw-full', 'A/A, another order'),
    again('lora-16-again', 'lora-16', 'A/A at rank 16, another start and order'),
  ],
  claims: MAP_SHARED.map((shared) => ({
    name: `rank 1 against rank 64 at c = ${shared}`,
    arm: `lora-1-c-${shared}`,
    against: { kind: 'arm', arm: `lora-64-c-${shared}` },
    at: { kind: 'crossed', axis: 'train', levels: [MAP_LEVEL] },
    asks: { kind: 'question' },
  })),
  maps: [
    {
      name: 'shared-rank',
      label: `swapped answers to the other keys at training loss ${MAP_LEVEL}`,
      x: 'shared',
      y: 'trains',
      outcome: 'swapped',
      at: { kind: 'crossed', axis: 'train', levels: [MAP_LEVEL] },
    },
  ],
  pilot: { blocks: 1, axis: 'heldOut', margin: 0.3, maxRates: 2 },
  profiles: {
    quick: { arms: QUICK, blocks: 8 },
    standard: { arms: [...QUICK, 'lora-1-again'], blocks: 16, set: FRESH },
    // The map over c and rank.
    full: { arms: MAP_ARMS.map(({ name }) => name), blocks: 8, set: FRESH },
  },
});

function loraOf(rank: number): JsonObject {
  return { method: { kind: 'lora', rank, alpha: LORA_SCALE * rank } };
}

function again(arm: string, reference: string, name: string) {
  return { kind: 'control', arm, reference, name, expect: 'notDetected' } as const;
}
