/**
 * A SentencePiece model (`spiece.model`) put into the form of a `tokenizer.json`: unigram models alone, without a space put
 * before a text (whose caller does that, as SigLIP's tokenizer). Fields that are not known to change nothing are refused.
 * @see sentencepiece_model.proto of SentencePiece.
 */
import { AssayError } from '#base/errors.ts';
import type { Json, JsonObject } from '#base/json.ts';

/** Kinds of pieces. */
const KIND = { normal: 1, unknown: 2, userDefined: 4, unused: 5, byte: 6 } as const;
/** `TrainerSpec.model_type`. */
const UNIGRAM = 1;

/** @throws AssayError on a file that is no such model, or one of another kind. */
export function sentencePieceJson(bytes: Uint8Array, where: string): JsonObject {
  const model = fieldsIn(bytes, where);
  const pieces = model
    .filter(({ field }) => field === 1)
    .map(({ bytes: piece }) => pieceOf(fieldsIn(piece, where), where));
  const trainer = fieldsIn(messageOf(model, 2), where);
  const normalizer = fieldsIn(messageOf(model, 3), where);
  const kind = numberOf(trainer, 3, UNIGRAM);
  if (kind !== UNIGRAM) throw refusal(where, 'a unigram model', `model_type ${kind}`);
  if (numberOf(normalizer, 4, 1) !== 1) throw refusal(where, 'remove_extra_whitespaces', 'it to be off');
  if (numberOf(normalizer, 5, 1) !== 1) throw refusal(where, 'escape_whitespaces', 'it to be off');
  const odd = pieces.find(({ kind: type }) => type === KIND.userDefined || type === KIND.unused);
  if (odd !== undefined) throw refusal(where, 'no user-defined or unused pieces', JSON.stringify(odd.piece));
  const unknown = pieces.findIndex(({ kind: type }) => type === KIND.unknown);
  if (unknown === -1) throw refusal(where, 'an unknown piece', 'none');
  const charsMap = Buffer.from(messageOf(normalizer, 2)).toString('base64');
  const steps: Json[] = charsMap === '' ? [] : [{ type: 'Precompiled', precompiled_charsmap: charsMap }];
  const vocab = pieces.map(({ piece, score }): Json => [piece, score]);
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: {
      type: 'Sequence',
      normalizers: [...steps, { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' }],
    },
    pre_tokenizer: null,
    post_processor: null,
    decoder: { type: 'Metaspace', replacement: '\u2581', prepend_scheme: 'always', split: false },
    model: {
      type: 'Unigram',
      unk_id: unknown,
      vocab,
      byte_fallback: pieces.some(({ kind: type }) => type === KIND.byte),
    },
  };
}

interface Piece {
  readonly piece: string;
  readonly score: number;
  readonly kind: number;
}

function pieceOf(fields: readonly Field[], where: string): Piece {
  const [text, score] = [messageOf(fields, 1), messageOf(fields, 2)];
  if (score.length !== 4 && score.length !== 0) throw refusal(where, 'scores as float32', `${score.length} bytes`);
  return {
    piece: new TextDecoder('utf-8', { fatal: true }).decode(text),
    score: score.length === 0 ? 0 : Buffer.from(score).readFloatLE(0),
    kind: numberOf(fields, 3, KIND.normal),
  };
}

/** One field of a protocol-buffer message: its bytes, or the number it holds. */
interface Field {
  readonly field: number;
  readonly bytes: Uint8Array;
  readonly number: number;
}

function messageOf(fields: readonly Field[], field: number): Uint8Array {
  return fields.findLast((one) => one.field === field)?.bytes ?? new Uint8Array();
}

function numberOf(fields: readonly Field[], field: number, byDefault: number): number {
  return fields.findLast((one) => one.field === field)?.number ?? byDefault;
}

/** The fields of a message, in order. @see protobuf.dev/programming-guides/encoding. */
function fieldsIn(bytes: Uint8Array, where: string): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) throw refusal(where, 'a whole SentencePiece model', 'its end inside a number');
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw refusal(where, 'a SentencePiece model', 'a number of more than 64 bits');
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw refusal(where, 'a whole SentencePiece model', 'its end inside a field');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = varint();
    const wire = key % 8;
    const field = Math.floor(key / 8);
    if (wire === 0) fields.push({ field, number: varint(), bytes: new Uint8Array() });
    else if (wire === 2) fields.push({ field, number: 0, bytes: take(varint()) });
    else if (wire === 5 || wire === 1) fields.push({ field, number: 0, bytes: take(wire === 5 ? 4 : 8) });
    else throw refusal(where, 'a SentencePiece model', `a field of wire type ${wire}`);
  }
  return fields;
}

function refusal(where: string, expected: string, found: string): AssayError {
  return new AssayError('file', `${where}: expected ${expected}, found ${found}.`);
}
