/**
 * Training rows as token ids with a mask of what is learned.
 * Invariant: lossMask[t] = 1 says token t is a target, predicted from the tokens before it; it is never 1 at t = 0.
 * Ids are those of the whole text, as transformers gives them; the mask covers each token that reaches into a learned
 * stretch.
 */
import { AssayError, messageOf } from '#base/errors.ts';
import type { ChatTemplate } from '#learning/files/text/chat-template.ts';
import { withTimeLimit } from '#learning/files/text/time-limit.ts';
import type { TextTokenizer } from '#learning/files/text/tokenizer.ts';

import type { LearnedTurns } from './assistant-spans.ts';
import { renderWithSpans } from './assistant-spans.ts';
import { encodeOnce } from './around-text.ts';
import type { NumberedRow, TrainingRow } from './training-row.ts';

/** A row ready for training. */
export interface TokenRow {
  /** The line it came from. */
  readonly line: number;
  /** Shape [T]. */
  readonly ids: Int32Array<ArrayBuffer>;
  /** Shape [T]: 1 where the token is learned. */
  readonly lossMask: Uint8Array<ArrayBuffer>;
}

/** What rows are tokenized with. */
export interface TokenizeSetup {
  readonly tokenizer: TextTokenizer;
  /** Needed for conversations. */
  readonly chatTemplate?: ChatTemplate | undefined;
  /** Which assistant turns are learned; all when left out. */
  readonly learnedTurns?: LearnedTurns;
}

/** Rows tokenized under one time limit; a row takes milliseconds. */
const BATCH_ROWS = 64;
const BATCH_LIMIT_MS = 60_000;

/**
 * Tokenizes rows in order.
 * @param path Named in errors.
 * @param batchLimitMs Time for 64 rows, after which the model's template or tokenizer is taken to run for ever.
 * @throws AssayError naming `path:line` when a row cannot be tokenized or nothing in it would be learned.
 */
export function tokenizeRows(
  rows: readonly NumberedRow[],
  setup: TokenizeSetup,
  path: string,
  batchLimitMs: number = BATCH_LIMIT_MS,
): TokenRow[] {
  const done: TokenRow[] = [];
  const lineAt = (index: number): string => `${path}:${rows[index]?.line}`;
  const tooSlow = (): string =>
    `${lineAt(done.length)}: the model's chat template or tokenizer did not finish this row in ${batchLimitMs} ms.`;
  for (let from = 0; from < rows.length; from += BATCH_ROWS) {
    withTimeLimit(batchLimitMs, tooSlow, () => {
      for (const { line, row } of rows.slice(from, from + BATCH_ROWS)) {
        done.push({ line, ...located(lineAt(done.length), () => tokenizeRow(row, setup)) });
      }
    });
  }
  return done;
}

/** Puts where it happened before the message of an AssayError. */
export function located<T>(where: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (!(thrown instanceof AssayError)) throw thrown;
    throw new AssayError(thrown.kind, `${where}: ${messageOf(thrown)}`, { cause: thrown });
  }
}

/**
 * Tokenizes one row. Conversations: the chat template's text, the assistant's turns learned. Text: all learned but the
 * first token. Completions: the completion learned. The last two stand between one start token and one end token, as far
 * as the tokenizer has them: what a text brings itself is not added again.
 */
export function tokenizeRow(row: TrainingRow, setup: TokenizeSetup): Pick<TokenRow, 'ids' | 'lossMask'> {
  const { tokenizer } = setup;
  if (row.kind === 'chat') {
    if (setup.chatTemplate === undefined) {
      throw new AssayError('data', 'The model brings no chat template; use rows of text or of prompt and completion.');
    }
    const { specialTexts } = tokenizer;
    const chat = renderWithSpans(setup.chatTemplate, row.messages, setup.learnedTurns ?? 'all', specialTexts, row);
    return masked(tokenizer, chat.text, chat.spans, (text) => tokenizer.encode(text, 'plain'));
  }
  const prompt = row.kind === 'text' ? '' : row.prompt;
  const text = `${prompt}${row.kind === 'text' ? row.text : row.completion}`;
  const whole = text + missingEnd(tokenizer, text);
  return masked(tokenizer, whole, [[prompt.length, whole.length]], (part) => encodeOnce(tokenizer, part));
}

/** The end token to write after a text: none where the text or the tokenizer brings one. */
function missingEnd(tokenizer: TextTokenizer, text: string): string {
  const end = tokenizer.specialTokens['eos_token'] ?? '';
  const id = tokenizer.idOf(end);
  const hasEnd = text.trimEnd().endsWith(end) || encodeOnce(tokenizer, text).at(-1) === id;
  return id === undefined || hasEnd ? '' : end;
}

function masked(
  tokenizer: TextTokenizer,
  text: string,
  spans: readonly (readonly [number, number])[],
  encode: (text: string) => readonly number[],
): Pick<TokenRow, 'ids' | 'lossMask'> {
  const ids = Int32Array.from(encode(text));
  const lossMask = new Uint8Array(ids.length);
  /** How many ids stand wholly before an offset: those that the text before it gives alone. */
  const idsBefore = (offset: number): number => {
    const alone = encode(text.slice(0, offset));
    let same = 0;
    while (same < alone.length && alone[same] === ids[same]) same++;
    return same;
  };
  /** How many ids stand wholly after an offset: those that the text after it gives alone. */
  const idsAfter = (offset: number): number => {
    const alone = tokenizer.encode(text.slice(offset), 'plain');
    let same = 0;
    while (same < alone.length && alone.at(-1 - same) === ids.at(-1 - same)) same++;
    return same;
  };
  for (const [start, end] of spans) {
    lossMask.fill(1, start === 0 ? 0 : idsBefore(start), end === text.length ? ids.length : ids.length - idsAfter(end));
  }
  lossMask[0] = 0;
  if (lossMask.includes(1)) return { ids, lossMask };
  throw new AssayError('data', `Expected a token to learn in ${JSON.stringify(text.slice(0, 80))}, found none.`);
}
