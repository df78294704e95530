/** Which hyperparameters are dosed, and over which decades. */
import { ADAMW_DEFAULTS, type JsonObject } from 'assay';

/** One arm of a series: a dose, and all it sets; the learning rate is part of it, chosen so that losses fall alike fast. */
export interface Dose {
  readonly name: string;
  readonly label: string;
  /** The hyperparameter's value. */
  readonly value: number;
  readonly set: JsonObject;
}

/** One hyperparameter over decades, everything else at the centre of the study. */
export interface Series {
  readonly name: string;
  readonly label: string;
  /** Lowest first. */
  readonly doses: readonly Dose[];
}

/** AdamW, all parameters, batch 16, no decay: what series without an adapter go through. */
export const CENTRE_RATE = 5e-5;

/** All series. */
export const SERIES: readonly Series[] = [
  {
    name: 'rank',
    label: 'rank (LoRA, alpha / rank 2)',
    doses: [
      { rank: 1, learningRate: 7e-4 },
      { rank: 4, learningRate: 4e-4 },
      { rank: 16, learningRate: 1.5e-4 },
      { rank: 64, learningRate: 7e-5 },
    ].map(({ rank, learningRate }) => ({
      name: `rank-${rank}`,
      label: `LoRA, rank ${rank}`,
      value: rank,
      set: { method: loraMethod(rank, 2), learningRate },
    })),
  },
  {
    name: 'alpha',
    label: 'alpha / rank (LoRA, rank 8)',
    doses: [
      { scale: 0.2, learningRate: 1e-3 },
      { scale: 6, learningRate: 9e-5 },
      { scale: 200, learningRate: 3.5e-6 },
    ].map(({ scale, learningRate }) => ({
      name: `alpha-${scale}`,
      label: `LoRA, rank 8, alpha / rank ${scale}`,
      value: scale,
      set: { method: loraMethod(8, scale), learningRate },
    })),
  },
  {
    name: 'rate',
    label: 'learning rate (AdamW, all parameters)',
    doses: [
      { learningRate: 4e-6, probeEvery: 8, steps: 1500 },
      { learningRate: 2e-5, probeEvery: 2, steps: 400 },
      { learningRate: 1e-4, probeEvery: 1, steps: 300 },
    ].map((set) => ({
      name: `rate-${set.learningRate}`,
      label: `AdamW, learning rate ${set.learningRate}`,
      value: set.learningRate,
      set,
    })),
  },
  {
    name: 'batch',
    label: 'questions a step (AdamW, all parameters)',
    doses: [1, 4, 16, 64, 256].map((batch) => ({
      name: `batch-${batch}`,
      label: `AdamW, ${batch} question${batch === 1 ? '' : 's'} a step`,
      value: batch,
      set: { batch, learningRate: CENTRE_RATE },
    })),
  },
  {
    name: 'decay',
    label: 'weight decay (AdamW, all parameters)',
    doses: [0.1, 1, 10].map((weightDecay) => ({
      name: `decay-${weightDecay}`,
      label: `AdamW, weight decay ${weightDecay}`,
      value: weightDecay,
      set: { optimizer: { ...ADAMW_DEFAULTS, weightDecay }, learningRate: 7e-5 },
    })),
  },
];

function loraMethod(rank: number, scale: number): JsonObject {
  return { kind: 'lora', rank, alpha: scale * rank, scaling: 'alphaOverRank', modules: 'all' };
}
