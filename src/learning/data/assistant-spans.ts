/**
 * Which part of a rendered conversation the assistant said: found by rendering it again, for any chat template.
 * A turn starts where the template leaves the model to continue (its generation prompt) and ends with the special
 * token after the content, which the model has to learn to produce. Nothing is assumed about the template's form.
 */
import { AssayError } from '#base/errors.ts';
import type { ChatTemplate, RenderOptions, TemplateMessage } from '#learning/files/text/chat-template.ts';

import type { ChatMessage, TemplateArguments, TrainingMessage } from './training-row.ts';

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
 * @param given What the template is told beside the turns.
 * @throws AssayError when the template refuses the conversation, leaves a learned turn out, or does not read something
 *   that the conversation holds beside its contents.
 */
export function renderWithSpans(
  template: ChatTemplate,
  messages: readonly TrainingMessage[],
  turns: LearnedTurns,
  specialTexts: readonly string[],
  given: TemplateArguments = {},
): RenderedChat {
  refuseUnread(template, messages, given);
  const said = messages.map(templateMessage);
  const told = renderOptions(given);
  const text = template.render(said, told);
  const learned = messages.flatMap(({ role, weight }, i) => (role === 'assistant' && weight === 1 ? [i] : []));
  const chosen = turns === 'last' ? learned.slice(-1) : learned;
  const spans = chosen.map((turn): readonly [number, number] => {
    const changed = changedRegion(template, said, turn, text, told);
    const prompt = generationPrompt(template, said.slice(0, turn), told);
    const startsAfterPrompt = prompt !== undefined && text.startsWith(prompt) && prompt.length <= changed.end;
    return [startsAfterPrompt ? prompt.length : changed.start, endOfTurn(text, changed.end, specialTexts)];
  });
  return { text, spans };
}

/** A turn as templates see it. */
export function templateMessage({ hasContent, content, ...others }: ChatMessage): TemplateMessage {
  const { role, name, tool_call_id, reasoning_content, tool_calls } = others;
  const parts = { name, tool_call_id, reasoning_content, tool_calls };
  const present = Object.entries(parts).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
  // transformers also gives the thoughts under the name that some templates read.
  const thinking = reasoning_content === undefined ? {} : { thinking: reasoning_content };
  return { role, ...(hasContent === false ? {} : { content }), ...thinking, ...Object.fromEntries(present) };
}

/** What a conversation's row tells a template, as `render` takes it. */
export function renderOptions({ tools, documents, variables }: TemplateArguments): RenderOptions {
  return {
    ...(tools === undefined ? {} : { tools }),
    ...(documents === undefined ? {} : { documents }),
    ...(variables === undefined ? {} : { variables }),
  };
}

/** What a conversation may hold beside contents and that must reach the text, by the names templates read it under. */
const MUST_BE_READ = [['tool_calls'], ['reasoning_content', 'thinking']] as const;

/** @throws AssayError on something beside the contents that would silently be left out of the text. */
export function refuseUnread(
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  given: TemplateArguments = {},
): void {
  const { tools, documents, variables } = given;
  const inTurns = MUST_BE_READ.filter(([key]) => messages.some((message) => message[key] !== undefined));
  const inRow = Object.entries({ tools, documents }).filter(([, value]) => value !== undefined && value.length > 0);
  const held: readonly (readonly string[])[] = [
    ...inTurns,
    ...inRow.map(([name]) => [name]),
    ...Object.keys(variables ?? {}).map((name) => [name]),
  ];
  const [unread] = held.find((names) => !names.some((name) => template.reads(name))) ?? [];
  if (unread === undefined) return;
  throw new AssayError(
    'data',
    `The model's chat template does not read ${unread.slice(0, 80)}, which would be left out. Take it out of the row, or bring a model whose template uses it.`,
  );
}

/** The part of `text` that depends on what was said in a turn: what differs when something else is said. */
function changedRegion(
  template: ChatTemplate,
  said: readonly TemplateMessage[],
  turn: number,
  text: string,
  told: RenderOptions,
): { readonly start: number; readonly end: number } {
  const content = JSON.stringify(said[turn] ?? '');
  const other = PRIVATE_USE.find((character) => !content.includes(character)) ?? '?';
  const changed = template.render(said.with(turn, { role: 'assistant', content: other }), told);
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
function generationPrompt(
  template: ChatTemplate,
  before: readonly TemplateMessage[],
  told: RenderOptions,
): string | undefined {
  try {
    return template.render(before, { ...told, addGenerationPrompt: true });
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
