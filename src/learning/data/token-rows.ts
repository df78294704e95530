/**
 * Training rows as token ids with a mask of what is learned.
 * Invariant: lossMask[t] = 1 says token t is a target, predicted from the tokens before it; it is never 1 at t = 0.
 * Ids are those of the whole text, as transformers gives them; the mask covers each token that reaches into a learned
 * stretch.
 */
import { AssayError, messageOf } from '#base/errors.ts';
import type { ChatTemplate } from '#learning/files/chat-template.ts';
import type { TextTokenizer } from '#learning/files/tokenizer.ts';

import type { LearnedTurns } from './assistant-spans.ts';
import { renderWithSpans } from './assistant-spans.ts';
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

/**
 * Tokenizes rows in order.
 * @param path Named in errors.
 * @throws AssayError naming `path:line` when a row cannot be tokenized or nothing in it would be learned.
 */
export function tokenizeRows(rows: readonly NumberedRow[], setup: TokenizeSetup, path: string): TokenRow[] {
  return rows.map(({ line, row }) => {
    try {
      return { line, ...tokenizeRow(row, setup) };
    } catch (thrown) {
      if (!(thrown instanceof AssayError)) throw thrown;
      throw new AssayError(thrown.kind, `${path}:${line}: ${messageOf(thrown)}`, { cause: thrown });
    }
  });
}

/**
 * Tokenizes one row. Conversations: the chat template's text, the assistant's turns learned. Text: all learned but the
 * first token. Completions: the completion learned. The last two end with the tokenizer's `eos_token`, if it has one.
 */
export function tokenizeRow(row: TrainingRow, setup: TokenizeSetup): Pick<TokenRow, 'ids' | 'lossMask'> {
  const { tokenizer } = setup;
  if (row.kind === 'chat') {
    if (setup.chatTemplate === undefined) {
      throw new AssayError('data', 'The model brings no chat template; use rows of text or of prompt and completion.');
    }
    const { specialTexts } = tokenizer;
    const chat = renderWithSpans(setup.chatTemplate, row.messages, setup.learnedTurns ?? 'all', specialTexts);
    return masked(tokenizer, chat.text, chat.spans, 'plain');
  }
  const end = tokenizer.specialTokens['eos_token'] ?? '';
  const prompt = row.kind === 'text' ? '' : row.prompt;
  const text = `${prompt}${row.kind === 'text' ? row.text : row.completion}${end}`;
  return masked(tokenizer, text, [[prompt.length, text.length]], 'withSpecials');
}

function masked(
  tokenizer: TextTokenizer,
  text: string,
  spans: readonly (readonly [number, number])[],
  extras: 'plain' | 'withSpecials',
): Pick<TokenRow, 'ids' | 'lossMask'> {
  const ids = Int32Array.from(tokenizer.encode(text, extras));
  const lossMask = new Uint8Array(ids.length);
  /** How many of the ids stand wholly before an offset: those that tokenizing only what is before it gives too. */
  const tokensBefore = (offset: number): number => {
    if (offset >= text.length) return ids.length;
    const prefix = tokenizer.encode(text.slice(0, offset), extras);
    let same = 0;
    while (same < prefix.length && prefix[same] === ids[same]) same++;
    return same;
  };
  for (const [start, end] of spans) lossMask.fill(1, start === 0 ? 0 : tokensBefore(start), tokensBefore(end));
  lossMask[0] = 0;
  if (lossMask.includes(1)) return { ids, lossMask };
  throw new AssayError('data', `Expected a token to learn in ${JSON.stringify(text.slice(0, 80))}, found none.`);
}
