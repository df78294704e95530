/**
 * Choice evaluations: a question, some answers with a label each, and how probable the model finds each label.
 * A line is `{"eval": "kitchen", "messages": [...], "choices": [{"text": "...", "label": "aligned"}, ...]}`; `prompt`
 * instead of `messages` asks without a chat template. Nothing is sampled and nothing is judged: the outcome is a
 * probability, normalised over the choices of the line.
 */
import { AssayError, nearestName } from '#base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import { parseTrainingRow, type TrainingRow } from '#learning/data/training-row.ts';

import type { AnswerLoss } from './answer-losses.ts';

/** One question. */
export interface ChoiceItem {
  readonly line: number;
  /** The evaluation it belongs to, such as a domain. */
  readonly evaluation: string;
  /** The label of each choice. */
  readonly labels: readonly string[];
  /** The question with each choice as its answer, ready to be tokenized. */
  readonly rows: readonly TrainingRow[];
}

const LINE_KEYS = ['eval', 'prompt', 'messages', 'choices'] as const;
const CHOICE_KEYS = ['text', 'label'] as const;
/** The label of a choice that answers another question, or none: a model that likes it has lost the thread. */
const INCOHERENT = 'incoherent';
/** Names become parts of outcome names. */
const NAME = /^[\w-]+$/;

/** One line of an evaluations file. @throws AssayError naming `where`, what was expected and what was found. */
export function parseChoiceItem(value: JsonObject, line: number, where: string): ChoiceItem {
  refuseUnknown(value, LINE_KEYS, where);
  const asked = LINE_KEYS.filter((key) => (key === 'prompt' || key === 'messages') && value[key] !== undefined);
  if (asked.length !== 1) {
    const found = asked.length === 0 ? 'neither' : 'both';
    throw new AssayError('data', `${where}: expected one of "prompt" and "messages", found ${found}.`);
  }
  const { choices: list } = value;
  if (!Array.isArray(list) || list.length < 2) {
    throw new AssayError('data', `${where}: expected "choices" to be a list of at least two, found ${shortOf(list)}.`);
  }
  const choices = list.map((item: Json, i) => parseChoice(item, `${where}: choices[${i}]`));
  return {
    line,
    evaluation: nameAt(value, 'eval', where),
    labels: choices.map(({ label }) => label),
    rows: choices.map(({ text }, i) => rowOf(value, text, `${where}: choices[${i}]`)),
  };
}

/**
 * The outcomes of some questions. For a label L and an evaluation E:
 * `L` and `E.L`: probability of the choices labelled L, normalised over each question's choices, mean over questions;
 * `L.perToken` and `E.L.perToken`: the same from log-probabilities divided by their number of tokens, which does not
 * favour short answers. A question without a choice labelled L does not count for L.
 * `coherent` is 1 - `incoherent`, where choices carry that label: the gate of docs/method.md.
 * @param answers The loss of each row of each item, in order.
 */
export function choiceOutcomes(items: readonly ChoiceItem[], answers: readonly AnswerLoss[]): Record<string, number> {
  const values = new Map<string, number[]>();
  let next = 0;
  for (const { evaluation, labels, rows } of items) {
    const own = answers.slice(next, next + rows.length);
    next += rows.length;
    const whole = probabilities(own.map(({ nats }) => -nats));
    const perToken = probabilities(own.map(({ nats, tokens }) => -nats / tokens));
    for (const label of new Set(labels)) {
      const of = (p: readonly number[]): number => p.reduce((sum, one, i) => sum + (labels[i] === label ? one : 0), 0);
      for (const name of [label, `${evaluation}.${label}`]) {
        push(values, name, of(whole));
        push(values, `${name}.perToken`, of(perToken));
      }
    }
  }
  const outcomes = Object.fromEntries(Array.from(values, ([name, list]) => [name, mean(list)]));
  const { [INCOHERENT]: incoherent } = outcomes;
  return incoherent === undefined ? outcomes : { ...outcomes, coherent: 1 - incoherent };
}

/** The names of the outcomes that `choiceOutcomes` gives for some questions. */
export function choiceOutcomeNames(items: readonly Pick<ChoiceItem, 'evaluation' | 'labels'>[]): readonly string[] {
  const names = items.flatMap(({ evaluation, labels }) =>
    labels.flatMap((label) => [label, `${evaluation}.${label}`]).flatMap((name) => [name, `${name}.perToken`]),
  );
  return names.includes(INCOHERENT) ? [...names, 'coherent'] : names;
}

function parseChoice(value: Json, where: string): { readonly text: string; readonly label: string } {
  if (!isJsonObject(value)) throw new AssayError('data', `${where}: expected an object with "text" and "label".`);
  refuseUnknown(value, CHOICE_KEYS, where);
  const { text } = value;
  if (typeof text !== 'string' || text.trim() === '') {
    throw new AssayError('data', `${where}: expected "text" to be text that is not blank, found ${shortOf(text)}.`);
  }
  return { text, label: nameAt(value, 'label', where) };
}

/** The training row whose only learned part is the choice. */
function rowOf(value: JsonObject, text: string, where: string): TrainingRow {
  const { messages, prompt } = value;
  if (prompt !== undefined) return parseTrainingRow({ prompt, completion: text }, where);
  if (!Array.isArray(messages)) throw new AssayError('data', `${where}: expected "messages" to be a list.`);
  const last: unknown = messages.at(-1);
  if (!isJsonObject(last) || last['role'] !== 'user') {
    throw new AssayError('data', `${where}: expected "messages" to end with a user's turn, which the choice answers.`);
  }
  return parseTrainingRow({ messages: [...messages, { role: 'assistant', content: text }] }, where);
}

/** A name at a key, such as the evaluation's. @throws AssayError where there is none. */
export function nameAt(value: JsonObject, key: string, where: string): string {
  const name = value[key];
  if (typeof name === 'string' && NAME.test(name)) return name;
  throw new AssayError(
    'data',
    `${where}: expected "${key}" to be a name of letters, digits, _ and -, found ${shortOf(name)}.`,
  );
}

/** @throws AssayError on a key that is not known, with the nearest one. */
export function refuseUnknown(value: JsonObject, known: readonly string[], where: string): void {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const nearest = nearestName(unknown, known) ?? '';
  throw new AssayError('data', `${where}: unknown key "${unknown.slice(0, 80)}"; did you mean "${nearest}"?`);
}

/** The start of a value, for messages. */
export function shortOf(value: Json | undefined): string {
  return value === undefined ? 'none' : JSON.stringify(value).slice(0, 60);
}

/** Softmax, in float64. */
function probabilities(logits: readonly number[]): number[] {
  const largest = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp(logit - largest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

function push(values: Map<string, number[]>, name: string, value: number): void {
  const list = values.get(name) ?? [];
  list.push(value);
  values.set(name, list);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
