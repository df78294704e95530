/**
 * Low-rank adapters: a linear layer W x gains scale * B A x, with A [r, dIn] normal and B [dOut, r] zero at the start.
 * @see Hu et al. 2021, arXiv:2106.09685, Eq. 3; rsLoRA, Kalajdzievski 2023, arXiv:2312.03732.
 */
import { AssayError, nearestName } from '#base/errors.ts';
import { add } from '#engine/ops/elementwise.ts';
import { matmul } from '#engine/ops/linear-algebra.ts';
import { input } from '#engine/ops/sources.ts';
import type { Tensor } from '#engine/tensor.ts';
import type { Layers, ParameterSpec } from '#learning/nn/layers.ts';

/** An adapter as PEFT describes it. */
export interface LoraConfig {
  readonly rank: number;
  readonly alpha: number;
  /** The effective scale: alpha / r, or alpha / sqrt(r) for rsLoRA. */
  readonly scaling: 'alphaOverRank' | 'alphaOverSqrtRank';
  /** Which linear modules: all of them, or those whose name ends in one of these (PEFT's target_modules). */
  readonly modules: 'all' | readonly string[];
  /** Which layers; all of them where left out (PEFT's layers_to_transform). */
  readonly layers?: readonly number[];
}

/** The factor on B A x. */
export function loraScale({ rank, alpha, scaling }: LoraConfig): number {
  return scaling === 'alphaOverRank' ? alpha / rank : alpha / Math.sqrt(rank);
}

/** The two factors of an adapted linear layer: A [r, dIn] and B [dOut, r]. */
export interface LoraFactors {
  readonly dIn: number;
  readonly dOut: number;
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** W + scale * B A, shape [dOut, dIn], each value summed in float64 and rounded once; W itself is left as it is. */
export function mergedWeight(weight: Float32Array, { dIn, dOut, a, b }: LoraFactors, scale: number): Float32Array {
  const rank = a.length / dIn;
  const merged = new Float32Array(dOut * dIn);
  const row = new Float64Array(dIn);
  for (let o = 0; o < dOut; o++) {
    row.set(weight.subarray(o * dIn, (o + 1) * dIn));
    for (let k = 0; k < rank; k++) {
      const factor = scale * (b[o * rank + k] ?? 0);
      for (let i = 0; i < dIn; i++) row[i] = (row[i] ?? 0) + factor * (a[k * dIn + i] ?? 0);
    }
    merged.set(row, o * dIn);
  }
  return merged;
}

/**
 * The adapted modules among a model's linear ones. @throws AssayError where a name or layer fits none.
 * @param experts Those that are adapted only where a name fits them.
 */
export function adaptedModules(
  config: LoraConfig,
  linear: readonly string[],
  experts: readonly string[] = [],
): readonly string[] {
  const { modules, layers } = config;
  const linearModules = modules === 'all' ? linear : [...linear, ...experts];
  if (!Number.isInteger(config.rank) || config.rank < 1) {
    throw new AssayError('config', `LoRA rank: expected a whole number of at least 1, found ${config.rank}.`);
  }
  const suffixes = modules === 'all' ? [''] : modules;
  for (const suffix of suffixes) {
    if (linearModules.some((module) => endsIn(module, suffix))) continue;
    const known = [...new Set(linearModules.map((module) => module.split('.').at(-1) ?? module))];
    throw new AssayError(
      'config',
      `LoRA modules: no linear layer ends in "${suffix}". Known: ${known.join(', ')}; did you mean "${nearestName(suffix, known)}"?`,
    );
  }
  const named = linearModules.filter((module) => suffixes.some((suffix) => endsIn(module, suffix)));
  const known = new Set(named.map(layerOf));
  const missing = layers?.filter((layer) => !known.has(layer)) ?? [];
  if (missing.length > 0 || layers?.length === 0) {
    const expected = `expected layers of the model that have such modules, which are ${[...known].join(', ')}`;
    throw new AssayError(
      'config',
      `LoRA layers [${layers?.join(', ')}]: ${expected}; found ${missing.join(', ') || 'none'}.`,
    );
  }
  return layers === undefined ? named : named.filter((module) => layers.includes(layerOf(module)));
}

/** The adapter's parameters, named as in PEFT: `<module>.lora_A.weight` [r, dIn] and `<module>.lora_B.weight` [dOut, r]. */
export function loraParameters(
  { rank }: LoraConfig,
  modules: readonly string[],
  base: readonly ParameterSpec[],
): readonly ParameterSpec[] {
  return modules.flatMap((module): readonly ParameterSpec[] => {
    const [dOut = 0, dIn = 0] = base.find(({ name }) => name === `${module}.weight`)?.shape ?? [];
    // PEFT's start: kaiming_uniform(a = sqrt 5), whose variance is 1 / (3 dIn); normal here, with the same variance.
    const std = Math.sqrt(1 / (3 * dIn));
    return [
      { name: `${module}.lora_A.weight`, shape: [rank, dIn], role: 'matrix', initial: { kind: 'normal', std } },
      { name: `${module}.lora_B.weight`, shape: [dOut, rank], role: 'matrix', initial: { kind: 'zeros' } },
    ];
  });
}

/** Layers in which the given modules carry an adapter. */
export function withLora(layers: Layers, config: LoraConfig, specs: readonly ParameterSpec[]): Layers {
  const adapters = new Map(specs.map(({ name, shape }): readonly [string, Tensor] => [name, input(name, shape)]));
  const scale = loraScale(config);
  return {
    ...layers,
    parameter: (name) => adapters.get(name) ?? layers.parameter(name),
    linear: (module, x) => {
      const y = layers.linear(module, x);
      const [a, b] = [adapters.get(`${module}.lora_A.weight`), adapters.get(`${module}.lora_B.weight`)];
      if (a === undefined || b === undefined) return y;
      return add(y, matmul(matmul(x, a, { transposeB: true }), b, { transposeB: true, alpha: scale }));
    },
  };
}

function endsIn(module: string, suffix: string): boolean {
  return suffix === '' || module === suffix || module.endsWith(`.${suffix}`);
}

function layerOf(module: string): number {
  return Number(/\.(\d+)\./.exec(module)?.[1] ?? Number.NaN);
}
