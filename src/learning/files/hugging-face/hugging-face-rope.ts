/**
 * Rotary positions as a `config.json` says them: `rope_theta` and `rope_scaling`, or `rope_parameters` of transformers 5, which may
 * hold one rotation or one for each kind of layer.
 * Where a setting stands twice, both must say the same: versions of transformers differ in which one they take.
 * Source: `modeling_rope_utils.py` of transformers.
 */
import { AssayError } from '#base/errors.ts';
import { isJsonObject, type JsonObject } from '#base/json.ts';
import type { RopeScaling, RotaryPositions } from '#learning/models/config.ts';

import { type Fields, fieldsOf } from '#learning/files/fields.ts';

/** Where the settings may stand; transformers 5 writes the first. */
const PLACES = ['rope_parameters', 'rope_scaling'] as const;

/** What a family has of its own. */
export interface RopeDefaults {
  /** Its `max_position_embeddings`. */
  readonly contextLength: number;
  readonly theta?: number;
  /** The share of each head that is turned; left out where the family turns heads whole, and a file may not say otherwise. */
  readonly fraction?: number;
  /** Whether the family turns neighbours together. */
  readonly isInterleaved?: boolean;
  /** The names of `rope_theta` and `partial_rotary_factor` beside the rotation's object, where they are others. */
  readonly thetaName?: string;
  readonly fractionName?: string;
  /** The size of heads whose base an `alpha` beside `dynamic` stretches, whatever a row's length (HunYuan); others may have none. */
  readonly stretchedOver?: number;
  /** The kinds of rotation that the family has; all of them where left out. */
  readonly kinds?: readonly string[];
}

/** Refuses a config without `rope_theta`, of a family whose versions differ in what holds then. */
export function needTheta(fields: Fields): void {
  const inside = PLACES.some((place) => {
    const value = fields.value(place);
    return isJsonObject(value) && (value['rope_theta'] ?? null) !== null;
  });
  if (inside || fields.has('rope_theta')) return;
  throw fields.error('rope_theta', 'given: versions of transformers differ in what holds without it');
}

/** Whether a config says a rotation of its own; an empty object says none. */
export function saysRotation(fields: Fields): boolean {
  return PLACES.some((place) => !isEmpty(fields.value(place)));
}

/** A rotation, and how long rows may be under it. */
export interface Rope {
  readonly positions: RotaryPositions;
  /** Tokens: LongRoPE turns rows beyond its original context by other frequencies, so those are not read. */
  readonly contextLength: number;
}

/**
 * The rotation of a config.
 * @throws AssayError naming what is not supported, or two places that disagree.
 */
export function rotaryPositions(fields: Fields, defaults: RopeDefaults): Rope {
  return agreed(fields, (place, value) => ropeOf(objectAt(place, value, fields), place, fields, defaults), defaults);
}

/** The rotations of two kinds of layers, where `rope_parameters` holds one for each; `rope_scaling` is of those that see all. */
export function layeredPositions(
  fields: Fields,
  defaults: { readonly full: RopeDefaults; readonly sliding: RopeDefaults },
): { readonly full: Rope; readonly sliding: Rope } {
  const nested = fields.value('rope_parameters');
  const isNested = isJsonObject(nested) && ('full_attention' in nested || 'sliding_attention' in nested);
  if (!isNested) {
    return {
      full: rotaryPositions(fields, defaults.full),
      sliding: ropeOf({}, 'rope_parameters', fields, defaults.sliding),
    };
  }
  if (!isEmpty(fields.value('rope_scaling')))
    throw fields.error('rope_scaling', 'absent beside rope_parameters of each kind of layer');
  const { full_attention: full, sliding_attention: sliding, ...rest } = nested;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw fields.error('rope_parameters', `full_attention and sliding_attention alone, not ${unknown}`);
  const at = (kind: string, value: unknown, own: RopeDefaults): Rope =>
    ropeOf(
      value === undefined || value === null ? {} : objectAt(`rope_parameters.${kind}`, value, fields),
      `rope_parameters.${kind}`,
      fields,
      own,
    );
  return {
    full: at('full_attention', full, defaults.full),
    sliding: at('sliding_attention', sliding, defaults.sliding),
  };
}

/** One rotation from the places that say one, which must agree; from none, the defaults. */
function agreed(fields: Fields, read: (place: string, value: unknown) => Rope, defaults: RopeDefaults): Rope {
  const found = PLACES.filter((place) => !isEmpty(fields.value(place))).map((place): readonly [string, Rope] => [
    place,
    read(place, fields.value(place)),
  ]);
  const [first, second] = found;
  if (first === undefined) return ropeOf({}, PLACES[0], fields, defaults);
  if (second !== undefined && JSON.stringify(first[1]) !== JSON.stringify(second[1])) {
    const expected = `${first[0]} and ${second[0]} to say the same rotation`;
    throw new AssayError('file', `${fields.where}: expected ${expected}, found two. Remove the one that is wrong.`);
  }
  return first[1];
}

/** Python takes an empty object for absent. */
function isEmpty(value: unknown): boolean {
  return value === undefined || (isJsonObject(value) && Object.keys(value).length === 0);
}

function objectAt(place: string, value: unknown, fields: Fields): JsonObject {
  if (isJsonObject(value)) return value;
  throw fields.error(place, 'an object');
}

function ropeOf(value: JsonObject, place: string, fields: Fields, defaults: RopeDefaults): Rope {
  const rope = fieldsOf(new Map(Object.entries(value)), `${fields.where}: ${place}`);
  const number = (name: string, byDefault: number, other?: string): number => {
    const named = other !== undefined && fields.has(other) ? other : name;
    if (named !== name && !rope.has(name)) return fields.positive(named);
    if (fields.isNull(name)) return fields.positive(name); // refused: no reader takes it for absent
    const beside = other === undefined ? joint(name, rope, fields) : undefined; // else it says nothing of this rotation
    return (beside ?? rope).positive(name, byDefault);
  };
  const theta = number('rope_theta', defaults.theta ?? 10_000, defaults.thetaName);
  if (defaults.fraction === undefined) for (const one of [rope, fields]) one.only('partial_rotary_factor', [1]);
  const fraction = number('partial_rotary_factor', defaults.fraction ?? 1, defaults.fractionName);
  if (fraction > 1) throw rope.error('partial_rotary_factor', 'at most 1');
  if (defaults.kinds !== undefined) for (const name of ['rope_type', 'type']) rope.only(name, defaults.kinds);
  const stretch = stretchOf(rope, defaults.stretchedOver);
  const scaled = ropeScaling(rope, fields, defaults.contextLength);
  rope.refuseRest(() => false);
  const { scaling, attentionFactor = 1, contextLength = defaults.contextLength } = scaled;
  return {
    positions: {
      kind: 'rotary',
      theta: theta * stretch,
      ...(fraction === 1 ? {} : { fraction }),
      ...(defaults.isInterleaved === true ? { isInterleaved: true } : {}),
      ...(attentionFactor === 1 ? {} : { attentionFactor }),
      ...(scaling === undefined ? {} : { scaling }),
    },
    contextLength,
  };
}

/** What the base is multiplied by: alpha^(K / (K - 2)), NTK-aware scaling. */
function stretchOf(rope: Fields, headDim: number | undefined): number {
  if (headDim === undefined || !rope.has('alpha')) return 1;
  rope.only(rope.spelling('rope_type', 'type'), ['dynamic']); // beside others it is passed over,
  for (const passedOver of ['beta_fast', 'beta_slow', 'mscale', 'mscale_all_dim']) rope.value(passedOver); // as these are beside it
  return rope.positive('alpha') ** (headDim / (headDim - 2));
}

/** Where a setting stands that may be inside the rotation's object or beside it. @throws AssayError where two disagree. */
function joint(name: string, rope: Fields, fields: Fields): Fields | undefined {
  if (!fields.has(name)) return rope.has(name) ? rope : undefined;
  if (rope.has(name) && rope.value(name) !== fields.value(name)) {
    const found = `${String(rope.value(name))}, and ${String(fields.value(name))} beside it`;
    throw new AssayError('file', `${rope.where}: ${name} is ${found}. Remove the one that is wrong.`);
  }
  return fields.has(name) ? fields : rope;
}

type Kind = 'none' | 'linear' | 'llama3' | 'dynamic' | 'yarn' | 'longrope';

const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['default', 'none'],
  ['linear', 'linear'],
  ['llama3', 'llama3'],
  ['dynamic', 'dynamic'],
  ['yarn', 'yarn'],
  ['longrope', 'longrope'],
  ['su', 'longrope'], // as the first Phi-3 files have it
]);

interface Scaled {
  readonly scaling?: RopeScaling;
  readonly attentionFactor?: number;
  readonly contextLength?: number;
}

function ropeScaling(rope: Fields, fields: Fields, contextLength: number): Scaled {
  const kind = rope.oneOf(rope.spelling('rope_type', 'type'), KINDS, 'default');
  const original = (): number => {
    const name = 'original_max_position_embeddings';
    return (joint(name, rope, fields) ?? rope).size(name, contextLength);
  };
  switch (kind) {
    case 'none':
      // transformers 5 writes what Phi-3 was before its context was made longer beside plain rotations too
      rope.value('original_max_position_embeddings');
      return {};
    case 'linear':
      return { scaling: { kind, factor: rope.positive('factor') } };
    case 'dynamic':
      // changes frequencies of rows beyond the context alone, and those are refused
      rope.positive('factor');
      rope.value('original_max_position_embeddings');
      return {};
    case 'llama3':
      return { scaling: llama3(rope, original()) };
    case 'yarn':
      return yarn(rope, original(), contextLength);
    case 'longrope':
      return longrope(rope, original(), contextLength);
    default:
      return kind satisfies never;
  }
}

function llama3(rope: Fields, originalContextLength: number): RopeScaling {
  const scaling = {
    kind: 'llama3',
    factor: rope.positive('factor'),
    lowFreqFactor: rope.positive('low_freq_factor'),
    highFreqFactor: rope.positive('high_freq_factor'),
    originalContextLength,
  } as const;
  if (scaling.highFreqFactor > scaling.lowFreqFactor) return scaling;
  throw rope.error('high_freq_factor', 'a number above low_freq_factor');
}

function yarn(rope: Fields, originalContextLength: number, contextLength: number): Scaled {
  if (!rope.has('factor') && !rope.isNull('factor')) throw rope.error('factor', 'given, a number or null');
  const factor = rope.positive('factor', contextLength / originalContextLength);
  const optional = (name: string): number | undefined => (rope.has(name) ? rope.positive(name) : undefined);
  const grown = (scale: number, by = 1): number => (scale <= 1 ? 1 : 0.1 * by * Math.log(scale) + 1);
  const [by, byAll] = [optional('mscale'), optional('mscale_all_dim')];
  const usual = by !== undefined && byAll !== undefined ? grown(factor, by) / grown(factor, byAll) : grown(factor);
  const isNested = rope.where.includes('rope_parameters.');
  if (isNested) rope.only('truncate', [true]); // transformers looks for it beside the kinds of layers, and finds none
  return {
    attentionFactor: optional('attention_factor') ?? usual,
    scaling: {
      kind: 'yarn',
      factor,
      betaFast: optional('beta_fast') ?? 32,
      betaSlow: optional('beta_slow') ?? 1,
      originalContextLength,
      truncate: isNested || rope.flag('truncate', true),
    },
  };
}

/** Where short and long factors differ, rows up to the original context are read, which turn by the short ones. */
function longrope(rope: Fields, originalContextLength: number, contextLength: number): Scaled {
  const [short, long] = [factorsOf(rope, 'short_factor'), factorsOf(rope, 'long_factor')];
  const factor = rope.positive('factor', contextLength / originalContextLength);
  const usual = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalContextLength));
  const isOne = JSON.stringify(short) === JSON.stringify(long);
  return {
    attentionFactor: rope.has('attention_factor') ? rope.positive('attention_factor') : usual,
    scaling: { kind: 'divisors', divisors: short },
    ...(isOne ? {} : { contextLength: Math.min(contextLength, originalContextLength) }),
  };
}

function factorsOf(rope: Fields, name: string): readonly number[] {
  const value = rope.value(name);
  const isDivisor = (one: unknown): one is number => typeof one === 'number' && one > 0 && Number.isFinite(one);
  if (Array.isArray(value) && value.every(isDivisor)) return value;
  throw rope.error(name, 'a list of positive numbers');
}
