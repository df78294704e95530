/**
 * Rotary positions as a GGUF file says them, put into the fields of a `config.json`.
 * llama.cpp keeps the numbers that 'llama3' comes to as divisors of single frequencies, and LongRoPE's in two tensors.
 * Source: `load_hparams` and `llama-context.cpp` of llama.cpp.
 */
import { AssayError } from '#base/errors.ts';
import type { JsonObject } from '#base/json.ts';
import type { Fields } from '#learning/files/fields.ts';
import { finite } from '#learning/files/tensors/tensor-source.ts';

import type { GgufFile } from './gguf.ts';

/** What a family's rotation may be beside plain, linear and YaRN. */
export interface RopeOfFamily {
  /** Whether a head may be turned in part. */
  readonly isPartial?: boolean;
  /** Whether layers with a window turn by another rotation, which llama.cpp would scale by YaRN too. */
  readonly isLayered?: boolean;
  /** Tensors of divisors that its graph applies; others are left, and then refused as tensors without a meaning. */
  readonly divisors?: 'one' | 'longrope';
}

/** The names of divisors: one list, or LongRoPE's two. */
export const ROPE_DIVISORS = 'rope_freqs.weight';
const LONGROPE = { short: 'rope_factors_short.weight', long: 'rope_factors_long.weight' };

/** The tensors that are read with the rotation. */
export function ropeTensors({ divisors }: RopeOfFamily): readonly string[] {
  if (divisors === undefined) return [];
  return divisors === 'one' ? [ROPE_DIVISORS] : Object.values(LONGROPE);
}

/** What a file says of its rotation. */
export interface GgufRope {
  readonly theta: number;
  /** The share of each head that is turned. */
  readonly fraction: number;
  /** The value of `rope_scaling`, in the form that every version of transformers reads; absent where frequencies are plain. */
  readonly scaling?: JsonObject;
}

/** @throws AssayError naming a key that is not supported. */
export async function ggufRope(
  file: GgufFile,
  fields: Fields,
  own: RopeOfFamily,
  sizes: { readonly headDim: number; readonly contextLength: number },
): Promise<GgufRope> {
  const { headDim, contextLength } = sizes;
  const turned = fields.size('rope.dimension_count', headDim);
  const fraction = turned / headDim;
  const isWhole = Math.floor(headDim * fraction) === turned && turned <= headDim;
  if (own.isPartial === true ? !isWhole : turned !== headDim) {
    throw fields.error('rope.dimension_count', `${own.isPartial === true ? 'at most ' : ''}${headDim}`);
  }
  const theta = float(fields, 'rope.freq_base', 10_000);
  const scaling =
    own.divisors === 'longrope' && file.tensors.has(LONGROPE.short)
      ? await longrope(file, fields, turned / 2, contextLength)
      : await scalingOf(file, fields, own, turned / 2, contextLength);
  return { theta, fraction, ...(scaling === undefined ? {} : { scaling }) };
}

/** The fields of a family that has Llama's names for them. */
export function ropeFields({ theta, scaling }: GgufRope): JsonObject {
  return { rope_theta: theta, ...(scaling === undefined ? {} : { rope_scaling: scaling }) };
}

type Kind = 'none' | 'linear' | 'yarn' | 'longrope';

/** A factor and divisors of single frequencies, which both apply; a factor without a type scales linearly, as in llama.cpp. */
async function scalingOf(
  file: GgufFile,
  fields: Fields,
  own: RopeOfFamily,
  count: number,
  contextLength: number,
): Promise<JsonObject | undefined> {
  const kinds: readonly Kind[] = own.isLayered === true ? ['none', 'linear'] : ['none', 'linear', 'yarn'];
  const kind = fields.oneOf('rope.scaling.type', new Map(kinds.map((one) => [one, one])), 'linear');
  const name = fields.spelling('rope.scaling.factor', 'rope.scale_linear');
  const given = fields.value(name) === 0 ? 1 : float(fields, name, 1); // 0 is llama.cpp's "not set"
  const factor = kind === 'none' ? 1 : given;
  const hasDivisors = own.divisors === 'one' && file.tensors.has(ROPE_DIVISORS);
  if (kind === 'yarn') {
    if (!fields.has(name)) throw fields.error(name, 'a number for yarn');
    if (hasDivisors) throw fields.error('rope.scaling.type', `none or linear beside ${ROPE_DIVISORS}`);
    return yarn(fields, factor, contextLength);
  }
  if (!hasDivisors) return factor === 1 ? undefined : { rope_type: 'linear', factor };
  const divisors = (await divisorsIn(file, ROPE_DIVISORS, count)).map((divisor) => factor * divisor);
  return {
    rope_type: 'longrope', // says the same rotation, whatever it was made from
    short_factor: divisors,
    long_factor: divisors,
    factor: 1,
    attention_factor: 1,
    original_max_position_embeddings: contextLength,
  };
}

const [BETA_FAST, BETA_SLOW] = [32, 1];

/**
 * llama.cpp reads neither betas nor an attention factor of these families' files; transformers would, so what they say must
 * be what holds without them.
 */
function yarn(fields: Fields, factor: number, contextLength: number): JsonObject {
  if (factor < 1) throw fields.error('rope.scaling.factor', 'at least 1 for yarn');
  const usual = 1 + 0.1 * Math.log(factor);
  const same = (name: string, expected: number): void => {
    const value = fields.value(name) ?? expected;
    if (typeof value === 'number' && Math.abs(value / expected - 1) < FLOAT32_STEP) return;
    throw fields.error(name, `${expected}: llama.cpp takes no other for this kind of model`);
  };
  same('rope.scaling.yarn_beta_fast', BETA_FAST);
  same('rope.scaling.yarn_beta_slow', BETA_SLOW);
  same('rope.scaling.yarn_attn_factor', usual);
  same('rope.scaling.yarn_ext_factor', 1);
  const original = fields.size('rope.scaling.original_context_length', contextLength);
  const betas = { beta_fast: BETA_FAST, beta_slow: BETA_SLOW };
  return { rope_type: 'yarn', factor, original_max_position_embeddings: original, ...betas };
}

/** Phi's: short factors up to the original context, long ones beyond it. */
async function longrope(file: GgufFile, fields: Fields, count: number, contextLength: number): Promise<JsonObject> {
  fields.oneOf('rope.scaling.type', new Map([['longrope', 'longrope']]), 'longrope');
  for (const name of ['rope.scaling.factor', 'rope.scale_linear']) fields.only(name, [0, 1]);
  return {
    type: 'longrope',
    short_factor: await divisorsIn(file, LONGROPE.short, count),
    long_factor: await divisorsIn(file, LONGROPE.long, count),
    attention_factor: float(fields, 'rope.scaling.attn_factor', 1),
    original_max_position_embeddings: fields.size('rope.scaling.original_context_length', contextLength),
  };
}

async function divisorsIn(file: GgufFile, name: string, count: number): Promise<number[]> {
  if (file.tensors.get(name)?.shape.join() !== String(count)) {
    throw new AssayError('file', `${file.path}: expected ${count} numbers in ${name}.`);
  }
  const divisors = finite(await file.read(name), `${file.path}: tensor ${name}`);
  if (divisors.every((divisor) => divisor > 0)) return Array.from(divisors);
  throw new AssayError('file', `${file.path}: expected positive numbers in ${name}.`);
}

/** Relative: what a float32 may differ by from the number it was made of, and a little more. */
export const FLOAT32_STEP = 2 ** -22;

/** A float32 in the metadata, as the shortest decimal that means it: 1e-5, not 0.00000999999974737875. */
export function float(fields: Fields, name: string, byDefault?: number): number {
  const value = fields.positive(name, byDefault);
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return short;
  }
  return value;
}
