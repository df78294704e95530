/**
 * Captions to rows of token ids, as the processors of CLIP, SigLIP and SigLIP 2 make them: the tokenizer's ids with what the
 * model puts around them, cut and padded to the tower's length on the tokenizer's side.
 */
import { join } from 'node:path';

import { AssayError } from '#base/errors.ts';
import type { Json, JsonObject } from '#base/json.ts';
import { folderTokenizer, MAX_TOKENIZER_BYTES } from '#learning/files/hugging-face/folder-tokenizer.ts';
import type { ModelFolder } from '#learning/files/hugging-face/model-folder.ts';
import { sentencePieceJson } from '#learning/files/text/sentencepiece.ts';
import { type TextTokenizer, textTokenizer } from '#learning/files/text/tokenizer.ts';
import { WHITE as WHITE_SPACE } from '#learning/files/text/tokens/pattern.ts';
import type { TowersDescription } from '#learning/files/towers/towers-config.ts';

/** How captions become rows. */
export interface Captions {
  /** The ids of a caption with what stands around them, of any length. */
  ids(text: string): readonly number[];
  /** A row of the tower's length. @throws AssayError on a caption that is longer, unless it may be cut. */
  row(text: string, tooLong: 'refuse' | 'cut'): CaptionRow;
  readonly padId: number;
  readonly paddingSide: 'left' | 'right';
  /** Whether padding is masked: what `model_input_names` of the tokenizer says. */
  readonly masksPadding: boolean;
}

export interface CaptionRow {
  /** Shape [T], T the tower's length. */
  readonly tokens: Int32Array;
  /** How many of them are not padding. */
  readonly count: number;
}

/** The tokenizer of a folder. @throws AssayError when it has none, or one that is not understood. */
export async function folderCaptions(folder: ModelFolder, described: TowersDescription): Promise<Captions> {
  const config = (await folder.json('tokenizer_config.json')) ?? {};
  const encoder = await encoderOf(folder, described, config);
  const { idOf, before, after } = encoder;
  const length = described.config.text.length;
  const padToken = tokenText(config['pad_token']) ?? encoder.padByDefault;
  const padId = idOf(padToken);
  if (padId === undefined)
    throw new AssayError('file', `${folder.path}: expected a pad_token that the vocabulary has.`);
  const names = config['model_input_names'];
  const side = config['padding_side'] ?? encoder.sideByDefault;
  if (side !== 'left' && side !== 'right') {
    throw new AssayError('file', `${folder.path}: expected padding_side to be "left" or "right".`);
  }
  const ids = (text: string): readonly number[] => [...before, ...encoder.plain(text), ...after];
  return {
    padId,
    paddingSide: side,
    masksPadding: !Array.isArray(names) || names.includes('attention_mask'),
    ids,
    row(text, tooLong) {
      const all = ids(text);
      if (all.length > length && tooLong === 'refuse') throw tooLongError(text, all.length, length);
      const kept = all.length <= length ? all : [...all.slice(0, length - after.length), ...after];
      const tokens = new Int32Array(length).fill(padId);
      tokens.set(kept, side === 'left' ? length - kept.length : 0);
      return { tokens, count: kept.length };
    },
  };
}

function tooLongError(text: string, found: number, length: number): AssayError {
  const shown = JSON.stringify(text.slice(0, 80));
  const remedy = 'Shorten it, or allow cutting, which may take away what two captions differ in';
  return new AssayError('data', `Caption ${shown}: expected at most ${length} tokens, found ${found}. ${remedy}.`);
}

/** A family's way from text to ids. */
interface CaptionEncoder {
  plain(text: string): readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
  idOf(token: string): number | undefined;
  readonly padByDefault: string;
  readonly sideByDefault: 'left' | 'right';
}

async function encoderOf(
  folder: ModelFolder,
  { family }: TowersDescription,
  config: JsonObject,
): Promise<CaptionEncoder> {
  const { do_lower_case: lowers, sp_model_kwargs: _, ...settings } = config;
  const pieces = family === 'siglip' ? await folder.bytes('spiece.model', MAX_TOKENIZER_BYTES) : undefined;
  if (pieces !== undefined) {
    const where = join(folder.path, 'spiece.model');
    return siglipEncoder(textTokenizer(sentencePieceJson(pieces, where), {}, where), lowers !== false);
  }
  const isGemma = family === 'siglip2' || config['tokenizer_class'] === 'Siglip2Tokenizer';
  const isSiglip = config['tokenizer_class'] === 'SiglipTokenizer';
  // These three classes have their own way with case, whatever the setting; of others it is read, and refused.
  const read = isGemma || isSiglip || family === 'clip' ? settings : { ...settings, ...config };
  const tokenizer = await folderTokenizer(folder, read, [], family === 'clip' ? await clipJson(folder) : undefined);
  if (tokenizer === undefined) throw noTokenizer(folder.path, family);
  const prepared = isGemma ? lowered : isSiglip ? (text: string) => canonical(text, lowers !== false) : undefined;
  return {
    plain: (text) => tokenizer.encode(prepared?.(text) ?? text, 'plain'),
    ...tokenizer.around,
    idOf: (token) => tokenizer.idOf(token),
    padByDefault: family === 'clip' ? '<|endoftext|>' : isGemma ? '<pad>' : '</s>',
    sideByDefault: isGemma ? 'left' : 'right',
  };
}

/** Each character by itself, as the `Lowercase` of the tokenizers library, which knows no sigma at the end of a word. */
function lowered(text: string): string {
  return Array.from(text, (character) => character.toLowerCase()).join('');
}

function noTokenizer(path: string, family: string): AssayError {
  const files = family === 'clip' ? 'tokenizer.json, or vocab.json and merges.txt' : 'tokenizer.json or spiece.model';
  return new AssayError('file', `${path}: expected a tokenizer (${files}), found none.`);
}

/** Python's `string.punctuation`. */
const PUNCTUATION = /[!-/:-@[-`{-~]/g;
/** What Python's `\s` matches: white space, and the four separators of ASCII. */
const WHITE = new RegExp(`[${WHITE_SPACE}\\u001C-\\u001F]+`, 'gu');

/** Lower case, no punctuation, single spaces. @see `canonicalize_text` of transformers' `SiglipTokenizer`. */
function canonical(text: string, lowers: boolean): string {
  const cased = lowers ? text.toLowerCase() : text;
  return cased.replaceAll(PUNCTUATION, '').replaceAll(WHITE, ' ').replaceAll(/^ | $/g, '');
}

/**
 * SigLIP's own tokenizer: lower case, no punctuation, single spaces, then SentencePiece with a space before the text.
 * @see `SiglipTokenizer` of transformers.
 */
function siglipEncoder(tokenizer: TextTokenizer, lowers: boolean): CaptionEncoder {
  const END = '</s>';
  const end = tokenizer.idOf(END);
  if (end === undefined) throw new AssayError('file', 'spiece.model: expected a piece </s>, found none.');
  return {
    plain(text) {
      const written = [END, '<unk>'].find((special) => text.includes(special));
      if (written !== undefined) {
        const shown = JSON.stringify(text.slice(0, 80));
        throw new AssayError('data', `Caption ${shown}: expected no special token written out, found ${written}.`);
      }
      const spaced = `\u2581${text.replaceAll('\u2581', ' ')}`;
      const plain = canonical(spaced, lowers);
      return plain === '\u2581' ? [] : tokenizer.encode(plain, 'plain');
    },
    before: [],
    after: [end],
    idOf: (token) => tokenizer.idOf(token),
    padByDefault: END,
    sideByDefault: 'right',
  };
}

/** CLIP's split of a text into words. @see `CLIPTokenizer` of transformers. */
const CLIP_SPLIT =
  "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

/** The `tokenizer.json` of a folder that has CLIP's first files alone, as transformers makes it. */
async function clipJson(folder: ModelFolder): Promise<JsonObject | undefined> {
  const vocab = await folder.json('vocab.json', MAX_TOKENIZER_BYTES);
  const merges = await folder.text('merges.txt', MAX_TOKENIZER_BYTES);
  if (vocab === undefined || merges === undefined) return undefined;
  const [start, end] = ['<|startoftext|>', '<|endoftext|>'];
  const idOf = (token: string): Json => vocab[token] ?? null;
  const special = { special: true, normalized: false };
  const bytes = { type: 'ByteLevel', add_prefix_space: false };
  return {
    added_tokens: [end, start].map((content) => ({ id: idOf(content), content, ...special })),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFC' },
        { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
        { type: 'Lowercase' },
      ],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [{ type: 'Split', pattern: { Regex: CLIP_SPLIT }, behavior: 'Removed', invert: true }, bytes],
    },
    post_processor: { type: 'RobertaProcessing', sep: [end, idOf(end)], cls: [start, idOf(start)] },
    decoder: bytes,
    model: {
      type: 'BPE',
      unk_token: end,
      end_of_word_suffix: '</w>',
      vocab,
      merges: merges.split('\n').filter((line) => line !== '' && !line.startsWith('#version')),
    },
  };
}

function tokenText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || !('content' in value)) return undefined;
  return typeof value.content === 'string' ? value.content : undefined;
}
