/** One small autoencoder of each kind that can be written for SAELens, with weights from cosines. */
import { rngOf } from '#base/rng.ts';
import { type SaeActivation, type SaeConfig, wholeSaeConfig } from '#learning/sae/sae-config.ts';
import { saeFixed, saeParameters, saeStart } from '#learning/sae/sae-parameters.ts';
import type { Sae } from '#learning/sae/sae-trainer.ts';

export const [D_IN, D_SAE, ROWS] = [4, 8, 5];

const SIZE = { dIn: D_IN, dSae: D_SAE } as const;
const TOP_K: SaeActivation = { kind: 'topK', k: 3 };
const CONFIGS: Readonly<Record<string, SaeConfig>> = {
  standard: { ...SIZE, activation: { kind: 'relu', l1: 1 }, decoderNorm: 'free' },
  gated: { ...SIZE, activation: { kind: 'gated', l1: 1 } },
  topk: { ...SIZE, activation: TOP_K },
  'topk-centred': { ...SIZE, activation: TOP_K, centre: 'mean' },
  'topk-tied': { ...SIZE, activation: TOP_K, encoder: { kind: 'tied' } },
  'topk-two-slots': {
    ...SIZE,
    activation: TOP_K,
    encoder: { kind: 'tied' },
    decoder: { kind: 'slots', slots: 2, maps: 'orthonormal' },
    centre: 'none',
  },
  abstopk: { ...SIZE, activation: { kind: 'absTopK', k: 3 } },
  batchtopk: { ...SIZE, activation: { kind: 'batchTopK', k: 2 } },
  jumprelu: { ...SIZE, activation: { kind: 'jumpRelu', l0: 1, bandwidth: 0.1, threshold: 0.1 } },
  matryoshka: { ...SIZE, activation: { kind: 'batchTopK', k: 2 }, prefixes: [2, 4, 8] },
};

export const SAES: Readonly<Record<string, Sae>> = Object.fromEntries(
  Object.entries(CONFIGS).map(([name, config]) => [name, saeFrom(config)]),
);

/** The rows that are encoded. */
export const X = wave(ROWS * D_IN, 0);

/** @param seed Moves the cosines. */
export function wave(length: number, seed: number, scale = 1): Float32Array {
  return Float32Array.from({ length }, (_, i) => scale * Math.cos(1.3 * i * Math.sqrt(i) + seed));
}

function saeFrom(sae: SaeConfig): Sae {
  const config = wholeSaeConfig(sae);
  const specs = [...saeParameters(config), ...saeFixed(config)];
  const given = specs.map(({ name, shape }, i): [string, Float32Array] => {
    const values = wave(
      shape.reduce((product, length) => product * length, 1),
      i + 1,
      0.5,
    );
    return [name, name === 'threshold' ? values.map(Math.abs) : values];
  });
  const weights = new Map(saeStart(config, new Map(given), rngOf(0)));
  if (config.activation.kind === 'batchTopK') weights.set('readingThreshold', Float32Array.of(0.25));
  return { config, weights };
}
