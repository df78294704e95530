/** The parameters of a sparse autoencoder: their names, shapes and starts. */
import type { Rng } from '#base/rng.ts';
import type { Shape } from '#engine/tensor.ts';
import { fillInitial, type Initial, type ParameterSpec } from '#learning/nn/layers.ts';
import type { Weights } from '#learning/weights.ts';

import { baseFeatures, type SlotMapStart, type WholeSaeConfig } from './sae-config.ts';

/** The name of the map that carries base features to slot 2, 3, ... */
export function mapName(slot: number): string {
  return `map${slot}`;
}

/**
 * What is trained: `wDec` [F, D], or `base` [F / S, D] with `map2` ... `mapS` [D, D]; `wEnc` [F, D] and `bEnc` [F] as the encoder
 * has them; `rMag`, `bMag` [F] where gated (`bEnc` is the gate's bias there); `threshold` [F] for JumpReLU; `bDec` [D] where learned.
 */
export function saeParameters(config: WholeSaeConfig): readonly ParameterSpec[] {
  const { dIn, dSae, encoder, activation, centre } = config;
  const isBiased = encoder.kind !== 'thresholding';
  return [
    ...dictionaryParameters(config),
    ...(encoder.kind === 'untied' ? [matrix('wEnc', [dSae, dIn], { kind: 'zeros' })] : []),
    ...(isBiased ? [vector('bEnc', dSae)] : []),
    ...(activation.kind === 'gated' ? [vector('rMag', dSae), vector('bMag', dSae)] : []),
    ...(activation.kind === 'jumpRelu' ? [vector('threshold', dSae)] : []),
    ...(centre === 'learned' ? [vector('bDec', dIn)] : []),
  ];
}

/** What is read and not trained: the mean where it is taken off. */
export function saeFixed({ centre, dIn }: WholeSaeConfig): readonly { readonly name: string; readonly shape: Shape }[] {
  return centre === 'mean' ? [{ name: 'bDec', shape: [dIn] }] : [];
}

/**
 * Every parameter as it starts: what `given` holds, else features of random directions (of length 1 under a unit norm, else
 * `startScale`), an untied encoder along the dictionary, biases 0, maps as the config says.
 * @param given Some of the parameters by name; features given under a unit norm are scaled to length 1.
 */
export function saeStart(config: WholeSaeConfig, given: Weights, rng: Rng): ReadonlyMap<string, Float32Array> {
  const values = new Map<string, Float32Array>();
  for (const spec of saeParameters(config)) {
    const target = given.get(spec.name)?.slice() ?? drawn(config, spec, rng);
    values.set(spec.name, target);
  }
  for (const { name } of saeFixed(config)) {
    const fixed = given.get(name);
    if (fixed !== undefined) values.set(name, fixed);
  }
  const features = values.get(featuresName(config));
  const isGiven = given.has(featuresName(config));
  if (features !== undefined && (!isGiven || config.decoderNorm === 'unit')) toUnitRows(features, config.dIn);
  const scale = startScale(config);
  if (!given.has('wEnc') && values.has('wEnc')) values.set('wEnc', scaled(dictionaryOf(config, values), scale));
  if (!isGiven && config.decoderNorm === 'free') values.set(featuresName(config), scaled(features, scale));
  return values;
}

/**
 * What untied encoders, and features of free lengths, start at. Codes of which half fire at first would add up to far more than x:
 * they start at a tenth, as SAELens's `decoder_init_norm`; codes that are chosen by number need no such start.
 */
function startScale({ activation }: WholeSaeConfig): number {
  return activation.kind === 'relu' || activation.kind === 'gated' || activation.kind === 'jumpRelu' ? 0.1 : 1;
}

function scaled(values: Float32Array | undefined, factor: number): Float32Array {
  return (values ?? new Float32Array()).map((value) => value * factor);
}

/** The parameter whose rows are features: `wDec`, or `base` of a restricted decoder. */
export function featuresName({ decoder }: WholeSaeConfig): 'wDec' | 'base' {
  return decoder.kind === 'free' ? 'wDec' : 'base';
}

/** Scales rows to length 1; a row of zeros stays. */
export function toUnitRows(values: Float32Array, width: number): void {
  for (let start = 0; start < values.length; start += width) {
    let squares = 0;
    for (let i = start; i < start + width; i++) squares += (values[i] ?? 0) ** 2;
    if (squares === 0) continue;
    const scale = 1 / Math.sqrt(squares);
    for (let i = start; i < start + width; i++) values[i] = (values[i] ?? 0) * scale;
  }
}

/** Features by slot, as `dictionary` of the graph computes them. @returns shape [F, D]. */
export function dictionaryOf(config: WholeSaeConfig, weights: Weights): Float32Array {
  const features = weights.get(featuresName(config)) ?? new Float32Array(0);
  if (config.decoder.kind === 'free') return features.slice();
  const all = new Float32Array(config.dSae * config.dIn);
  all.set(features);
  for (let slot = 2; slot <= config.decoder.slots; slot++) {
    const images = imagesOf(features, weights.get(mapName(slot)) ?? new Float32Array(0), config.dIn);
    if (config.decoderNorm === 'unit') toUnitRows(images, config.dIn);
    all.set(images, (slot - 1) * features.length);
  }
  return all;
}

function dictionaryParameters(config: WholeSaeConfig): readonly ParameterSpec[] {
  const { dIn, decoder } = config;
  const features = matrix(featuresName(config), [baseFeatures(config), dIn], { kind: 'normal', std: 1 });
  if (decoder.kind === 'free') return [features];
  const initial = mapInitial(decoder.maps, dIn);
  const maps = Array.from({ length: decoder.slots - 1 }, (_, i) => matrix(mapName(i + 2), [dIn, dIn], initial));
  return [features, ...maps];
}

function mapInitial(start: SlotMapStart, dIn: number): Initial {
  return start === 'random' ? { kind: 'normal', std: 1 / Math.sqrt(dIn) } : { kind: start };
}

function drawn({ activation }: WholeSaeConfig, spec: ParameterSpec, rng: Rng): Float32Array {
  const values = new Float32Array(spec.shape.reduce((product, length) => product * length, 1));
  if (spec.name === 'threshold' && activation.kind === 'jumpRelu') return values.fill(activation.threshold);
  fillInitial(spec, values, rng);
  return values;
}

/** A M^T: row i is M a_i. */
function imagesOf(features: Float32Array, map: Float32Array, width: number): Float32Array {
  const images = new Float32Array(features.length);
  for (let row = 0; row < features.length; row += width) {
    for (let out = 0; out < width; out++) {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += (map[out * width + i] ?? 0) * (features[row + i] ?? 0);
      images[row + out] = sum;
    }
  }
  return images;
}

function matrix(name: string, shape: Shape, initial: Initial): ParameterSpec {
  return { name, shape, role: 'matrix', initial };
}

function vector(name: string, length: number): ParameterSpec {
  return { name, shape: [length], role: 'vector', initial: { kind: 'zeros' } };
}
