/**
 * Tokenizers whose folder holds tiktoken's ranks in place of `tokenizer.json`. How text is split and which tokens are special
 * stands in the model's own code, which is not run: they are known by the file's name, or the folder has no tokenizer.
 * What is made of them is a `tokenizer.json`, which an export holds too. Source: `tokenization_arcade100k.py` of StableLM 2;
 * merges from ranks as in `TikTokenConverter` of transformers.
 */
import { AssayError } from '#base/errors.ts';
import type { JsonObject } from '#base/json.ts';
import { BYTE_CHARACTERS } from '#learning/files/text/tokens/splitter.ts';
import { isCount } from '#learning/files/tensors/tensor-source.ts';

interface Encoding {
  /** The regular expression that cuts a text into pieces. */
  readonly split: string;
  /** Special tokens, from `firstId` on. */
  readonly specials: readonly string[];
  readonly firstId: number;
  readonly endToken: string;
}

const numbered = (count: number, name: string): readonly string[] =>
  Array.from({ length: count }, (_, i) => `<|${name}${i}|>`);

/** What the code beside a file of ranks says, by the file's name. */
const ENCODINGS: ReadonlyMap<string, Encoding> = new Map([
  [
    'arcade100k.tiktoken',
    {
      split:
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      firstId: 100_257,
      endToken: '<|endoftext|>',
      specials: [
        '<|endoftext|>',
        ...['prefix', 'middle', 'suffix', 'pad'].map((name) => `<|fim_${name}|>`),
        ...['gh_stars', 'filename', 'issue_start', 'issue_comment', 'issue_closed'].map((name) => `<${name}>`),
        ...['jupyter_start', 'jupyter_text', 'jupyter_code', 'jupyter_output'].map((name) => `<${name}>`),
        ...['empty_output', 'commit_before', 'commit_msg', 'commit_after', 'reponame'].map((name) => `<${name}>`),
        ...['endofprompt', 'im_start', 'im_end', 'pause'].map((name) => `<|${name}|>`),
        ...numbered(8, 'reg'),
        ...numbered(1, 'extra'),
      ],
    },
  ],
]);

/** The files of ranks that are known. */
export const TIKTOKEN_FILES: readonly string[] = [...ENCODINGS.keys()];

/** A tokenizer as `tokenizer.json` and `tokenizer_config.json` say it. */
export interface TokenizerFiles {
  readonly tokenizer: JsonObject;
  readonly config: JsonObject;
}

/**
 * The tokenizer of a file of ranks.
 * @param name The file's, one of `TIKTOKEN_FILES`. @param text Its content: a line a token, its bytes in base64 and its rank.
 * @param config The folder's `tokenizer_config.json`.
 * @throws AssayError where a line is no rank, or a byte has none.
 */
export function tiktokenFiles(name: string, text: string, config: JsonObject, where: string): TokenizerFiles {
  const encoding = ENCODINGS.get(name);
  if (encoding === undefined) throw new AssayError('file', `${where}: expected one of ${TIKTOKEN_FILES.join(', ')}.`);
  const ranks = ranksOf(text, encoding.firstId, where);
  const bytes: JsonObject = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
  const split: JsonObject = { type: 'Split', pattern: { Regex: encoding.split }, behavior: 'Isolated', invert: false };
  const specials = encoding.specials.map((content, i) => [content, encoding.firstId + i] as const);
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const { auto_map: _code, tokenizer_class: _class, ...settings } = config;
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: specials.map(([content, id]) => ({ id, content, ...plain })),
      normalizer: { type: 'NFC' },
      pre_tokenizer: { type: 'Sequence', pretokenizers: [split, bytes] },
      post_processor: null,
      decoder: bytes,
      model: {
        type: 'BPE',
        ignore_merges: true,
        vocab: Object.fromEntries([...ranks, ...specials]), // those too: between ranks and them an id is of no token
        merges: mergesOf(ranks),
      },
    },
    // The class sets the end token itself and cleans nothing up, whatever its config says.
    config: {
      ...settings,
      tokenizer_class: 'PreTrainedTokenizerFast',
      eos_token: encoding.endToken,
      pad_token: encoding.endToken,
      clean_up_tokenization_spaces: false,
    },
  };
}

/** Every split of a token is looked at, so a long one would take for ever; real ones have up to 128 bytes. */
const MAX_TOKEN_BYTES = 512;

/** Ids by token, in letters. @param end Ids from here on are of special tokens. */
function ranksOf(text: string, end: number, where: string): ReadonlyMap<string, number> {
  const ranks = new Map<string, number>();
  const taken = new Set<number>();
  for (const [at, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const [, base64 = '', digits] = /^([A-Za-z0-9+/]+={0,2}) (\d+)\r?$/.exec(line) ?? [];
    const [bytes, rank] = [Buffer.from(base64, 'base64'), Number(digits)];
    const token = Array.from(bytes, (byte) => BYTE_CHARACTERS[byte] ?? '').join('');
    const isGood = isCount(rank) && rank < end && bytes.length > 0 && bytes.length <= MAX_TOKEN_BYTES;
    if (!isGood || ranks.has(token) || taken.has(rank)) {
      const expected = `a token in base64 and its rank below ${end}, each once`;
      throw new AssayError('file', `${where}, line ${at + 1}: expected ${expected}, found ${line.slice(0, 80)}.`);
    }
    ranks.set(token, rank);
    taken.add(rank);
  }
  const missing = BYTE_CHARACTERS.findIndex((letter) => !ranks.has(letter));
  if (missing === -1) return ranks;
  throw new AssayError('file', `${where}: expected a rank for every byte, found none for ${missing}.`);
}

/** Every way to make a token of two others, those of the lowest rank first: which pair tiktoken merges next. */
function mergesOf(ranks: ReadonlyMap<string, number>): readonly [string, string][] {
  const merges: { readonly pair: [string, string]; readonly order: readonly [number, number, number] }[] = [];
  for (const [token, rank] of ranks) {
    for (let at = 1; at < token.length; at++) {
      const pair: [string, string] = [token.slice(0, at), token.slice(at)];
      const [left, right] = [ranks.get(pair[0]), ranks.get(pair[1])];
      if (left !== undefined && right !== undefined) merges.push({ pair, order: [rank, left, right] });
    }
  }
  merges.sort(({ order: a }, { order: b }) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
  return merges.map(({ pair }) => pair);
}
