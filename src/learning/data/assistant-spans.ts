/**
 * Which part of a rendered conversation the assistant said: found by rendering it again, for any chat template.
 * A turn starts where the template leaves the model to continue (its generation prompt) and ends with the special
 * token after the content, which the model has to learn to produce. Nothing is assumed about the template's form.
 */
import { AssayError } from '#base/errors.ts';
import type { ChatTemplate, TemplateMessage } from '#learning/files/text/chat-template.ts';

import type { TrainingMessage } from './training-row.ts';

/** A rendered conversation and the stretches of it that are learned, in order. */
export interface RenderedChat {
  readonly text: string;
  /** Offsets [start, end) into `text`. */
  readonly spans: readonly (readonly [number, number])[];
}

/** Which assistant turns are learned; turns with weight 0 never are. */
export type LearnedTurns = 'all' | 'last';

/**
 * Renders a conversation and finds the assistant's turns in it.
 * @param specialTexts The tokenizer's special tokens, one of which ends a turn in most templates.
 * @throws AssayError when the template refuses the conversation, or leaves a learned turn out.
 */
export function renderWithSpans(
  template: ChatTemplate,
  messages: readonly TrainingMessage[],
  turns: LearnedTurns,
  specialTexts: readonly string[],
): RenderedChat {
  const said = messages.map(({ role, content }) => ({ role, content }));
  const text = template.render(said);
  const learned = messages.flatMap(({ role, weight }, i) => (role === 'assistant' && weight === 1 ? [i] : []));
  const chosen = turns === 'last' ? learned.slice(-1) : learned;
  const spans = chosen.map((turn): readonly [number, number] => {
    const changed = changedRegion(template, said, turn, text);
    const prompt = generationPrompt(template, said.slice(0, turn));
    const startsAfterPrompt = prompt !== undefined && text.startsWith(prompt) && prompt.length <= changed.end;
    return [startsAfterPrompt ? prompt.length : changed.start, endOfTurn(text, changed.end, specialTexts)];
  });
  return { text, spans };
}

/** The part of `text` that depends on what was said in a turn: what differs when something else is said. */
function changedRegion(
  template: ChatTemplate,
  said: readonly TemplateMessage[],
  turn: number,
  text: string,
): { readonly start: number; readonly end: number } {
  const content = said[turn]?.content ?? '';
  const other = PRIVATE_USE.find((character) => !content.includes(character)) ?? '?';
  const changed = template.render(said.with(turn, { role: 'assistant', content: other }));
  let start = 0;
  while (start < text.length && text[start] === changed[start]) start++;
  let tail = 0;
  const longestTail = Math.min(text.length, changed.length) - start;
  while (tail < longestTail && text.at(-1 - tail) === changed.at(-1 - tail)) tail++;
  if (start < text.length - tail) return { start, end: text.length - tail };
  throw new AssayError('data', `The model's chat template leaves out what was said in messages[${turn}].`);
}

/** Characters no one writes (Unicode's private use area). */
const PRIVATE_USE = ['\uE000', '\uE001', '\uE002', '\uE003'];

/** What the model is given before it speaks; undefined when the template cannot render a conversation that short. */
function generationPrompt(template: ChatTemplate, before: readonly TemplateMessage[]): string | undefined {
  try {
    return template.render(before, { addGenerationPrompt: true });
  } catch {
    return undefined;
  }
}

/** Moves the end of a turn over its special token, if one follows (after nothing but white space). */
function endOfTurn(text: string, end: number, specialTexts: readonly string[]): number {
  const gap = /^\s*/u.exec(text.slice(end))?.[0].length ?? 0;
  const special = specialTexts.find((token) => text.startsWith(token, end + gap));
  return special === undefined ? end : end + gap + special.length;
}
