/**
 * Rotary positions as a `config.json` says them: `rope_theta` and `rope_scaling`, or `rope_parameters` of transformers 5.
 * Where a setting stands twice, both must say the same: versions of transformers differ in which one they take.
 * Source: `modeling_rope_utils.py` of transformers.
 */
import { AssayError } from '#base/errors.ts';
import { isJsonObject } from '#base/json.ts';
import type { RopeScaling, RotaryPositions } from '#learning/models/config.ts';

import { type Fields, fieldsOf } from '#learning/files/fields.ts';

/** Where the settings may stand; transformers 5 writes the first. */
const PLACES = ['rope_parameters', 'rope_scaling'] as const;

/**
 * The rotation of a config.
 * @param contextLength Its `max_position_embeddings`, which 'llama3' falls back to.
 * @throws AssayError naming what is not supported, or two places that disagree.
 */
export function rotaryPositions(fields: Fields, contextLength: number): RotaryPositions {
  const found = PLACES.filter((place) => !isEmpty(fields.value(place))).map(
    (place): readonly [string, RotaryPositions] => [place, ropeAt(place, fields, contextLength)],
  );
  const [first, second] = found;
  if (first === undefined) return { kind: 'rotary', theta: fields.positive('rope_theta', 10_000) };
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

function ropeAt(place: string, fields: Fields, contextLength: number): RotaryPositions {
  const value = fields.value(place);
  if (!isJsonObject(value)) throw fields.error(place, 'an object');
  const rope = fieldsOf(new Map(Object.entries(value)), `${fields.where}: ${place}`);
  rope.only('partial_rotary_factor', [1]);
  const theta = (joint('rope_theta', rope, fields) ?? rope).positive('rope_theta', 10_000);
  const scaling = ropeScaling(rope, fields, contextLength);
  rope.refuseRest(() => false);
  return { kind: 'rotary', theta, ...(scaling === undefined ? {} : { scaling }) };
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

type Kind = RopeScaling['kind'] | 'none';

const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['default', 'none'],
  ['linear', 'linear'],
  ['llama3', 'llama3'],
  ['longrope', 'divisors'],
]);

function ropeScaling(rope: Fields, fields: Fields, contextLength: number): RopeScaling | undefined {
  const kind = rope.oneOf(rope.spelling('rope_type', 'type'), KINDS, 'default');
  if (kind === 'none') return undefined;
  if (kind === 'linear') return { kind, factor: rope.positive('factor') };
  if (kind === 'divisors') return { kind, divisors: ropeDivisors(rope) };
  const original = 'original_max_position_embeddings';
  const llama3 = {
    kind,
    factor: rope.positive('factor'),
    lowFreqFactor: rope.positive('low_freq_factor'),
    highFreqFactor: rope.positive('high_freq_factor'),
    originalContextLength: (joint(original, rope, fields) ?? rope).size(original, contextLength),
  } as const;
  if (llama3.highFreqFactor > llama3.lowFreqFactor) return llama3;
  throw rope.error('high_freq_factor', 'a number above low_freq_factor');
}

/** 'longrope' whose factors do not depend on the length: a divisor a frequency, as Assay writes models that came from GGUF. */
function ropeDivisors(rope: Fields): readonly number[] {
  rope.only('attention_factor', [1]);
  if (!rope.has('attention_factor')) throw rope.error('attention_factor', '1');
  // these two decide only between the short and the long factors, and what attention_factor is where it is not given
  for (const idle of ['factor', 'original_max_position_embeddings']) rope.value(idle);
  const [short, long] = [rope.value('short_factor'), rope.value('long_factor')];
  if (JSON.stringify(short) !== JSON.stringify(long)) throw rope.error('long_factor', 'the same as short_factor');
  const isDivisor = (value: unknown): value is number =>
    typeof value === 'number' && value > 0 && Number.isFinite(value);
  if (Array.isArray(short) && short.every(isDivisor)) return short;
  throw rope.error('short_factor', 'a list of positive numbers');
}
