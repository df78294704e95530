/**
 * The lines of an evaluations file. Each names its evaluation and says by its keys how it is scored:
 * `choices`: how probable given answers are (choices.ts); `text`: the perplexity of given text; `answer`, `judge`,
 * `score`, one or more of them: a generated reply, by a rule, by a judge, by the user's function.
 * Invariant: all lines of one evaluation are scored alike, so that an outcome is one thing.
 */
import { AssayError, nearestName } from '#base/errors.ts';
import type { Json, JsonObject } from '#base/json.ts';
import {
  type ChatMessage,
  parseTrainingRow,
  type TrainingMessage,
  type TrainingRow,
} from '#learning/data/training-row.ts';

import { type AnswerRule, parseAnswerRule } from './answer-rules.ts';
import { type ChoiceItem, nameAt, parseChoiceItem, refuseUnknown, shortOf } from './choices.ts';

/** What a model is asked: a conversation that ends with the user, or plain text to go on from. */
export type Question =
  | { readonly kind: 'chat'; readonly messages: readonly ChatMessage[] }
  | { readonly kind: 'prompt'; readonly prompt: string };

/** A question whose reply is generated and scored. */
export interface ReplyItem {
  readonly kind: 'reply';
  readonly line: number;
  /** `path:line`, for messages. */
  readonly where: string;
  readonly evaluation: string;
  readonly question: Question;
  readonly answer?: AnswerRule;
  /** Rubrics a judge scores the reply by. */
  readonly judges: readonly string[];
  /** The user's functions that score the reply. */
  readonly scorers: readonly string[];
}

/** Text whose perplexity is measured. */
export interface TextItem {
  readonly kind: 'text';
  readonly line: number;
  readonly evaluation: string;
  readonly row: TrainingRow;
}

/** One line. */
export type EvaluationItem = ({ readonly kind: 'choices' } & ChoiceItem) | TextItem | ReplyItem;

/** The names a line may refer to. */
export interface KnownScores {
  readonly rubrics: readonly string[];
  readonly scorers: readonly string[];
}

/** Takes a file's lines in order. @throws AssayError naming `where`, what was expected and what was found. */
export type EvaluationParser = (value: JsonObject, line: number, where: string) => EvaluationItem;

const SCORED_BY = ['choices', 'text', 'answer', 'judge', 'score'] as const;
const REPLY_KEYS = ['eval', 'prompt', 'messages', 'answer', 'judge', 'score'] as const;
const TEXT_KEYS = ['eval', 'text'] as const;

/** A parser of one file. */
export function evaluationParser(known: KnownScores): EvaluationParser {
  const formOf = new Map<string, { readonly form: string; readonly line: number }>();
  return (value, line, where) => {
    const item = parseItem(value, line, where, known);
    const form = formOfItem(item);
    const first = formOf.get(item.evaluation) ?? { form, line };
    formOf.set(item.evaluation, first);
    if (first.form === form) return item;
    throw new AssayError(
      'data',
      `${where}: expected evaluation "${item.evaluation}" to be scored by ${first.form} as on line ${first.line}, found ${form}. Give it another name.`,
    );
  };
}

function parseItem(value: JsonObject, line: number, where: string, known: KnownScores): EvaluationItem {
  const scoredBy = SCORED_BY.filter((key) => Object.hasOwn(value, key));
  if (scoredBy.length === 0) {
    const unknown = Object.keys(value).find((key) => key !== 'eval' && key !== 'messages' && key !== 'prompt');
    const hint =
      unknown === undefined ? '' : `; did you mean "${nearestName(unknown, SCORED_BY)}" by "${unknown.slice(0, 80)}"?`;
    throw new AssayError(
      'data',
      `${where}: expected one of the keys ${SCORED_BY.join(', ')}, found none${hint || '.'}`,
    );
  }
  if (scoredBy.includes('choices')) return { kind: 'choices', ...parseChoiceItem(value, line, where) };
  if (scoredBy.includes('text')) {
    refuseUnknown(value, TEXT_KEYS, where);
    const row = parseTrainingRow({ text: value['text'] ?? null }, where);
    return { kind: 'text', line, evaluation: nameAt(value, 'eval', where), row };
  }
  return parseReplyItem(value, line, where, known);
}

function parseReplyItem(value: JsonObject, line: number, where: string, known: KnownScores): ReplyItem {
  refuseUnknown(value, REPLY_KEYS, where);
  const item = {
    kind: 'reply',
    line,
    where,
    evaluation: nameAt(value, 'eval', where),
    question: questionAt(value, where),
    judges: namesAt(value['judge'], 'judge', known.rubrics, where),
    scorers: namesAt(value['score'], 'score', known.scorers, where),
  } as const;
  return value['answer'] === undefined ? item : { ...item, answer: parseAnswerRule(value['answer'], where) };
}

function questionAt(value: JsonObject, where: string): Question {
  const { messages, prompt } = value;
  if ((messages === undefined) === (prompt === undefined)) {
    const found = messages === undefined ? 'neither' : 'both';
    throw new AssayError('data', `${where}: expected one of "prompt" and "messages", found ${found}.`);
  }
  // A row with some answer is checked as every training row is.
  if (prompt !== undefined) {
    const row = parseTrainingRow({ prompt, completion: '.' }, where);
    return { kind: 'prompt', prompt: row.kind === 'completion' ? row.prompt : '' };
  }
  if (!Array.isArray(messages)) throw new AssayError('data', `${where}: expected "messages" to be a list.`);
  const row = parseTrainingRow({ messages: [...messages, { role: 'assistant', content: '.' }] }, where);
  const turns = row.kind === 'chat' ? row.messages.slice(0, -1) : [];
  if (turns.at(-1)?.role !== 'user') {
    throw new AssayError('data', `${where}: expected "messages" to end with a user's turn, which the model answers.`);
  }
  return { kind: 'chat', messages: turns.map(withoutWeight) };
}

function withoutWeight(turn: TrainingMessage): ChatMessage {
  const message: ChatMessage & { weight?: 0 | 1 } = { ...turn };
  delete message.weight;
  return message;
}

/** One known name or a list of some, each once. */
function namesAt(value: Json | undefined, key: string, known: readonly string[], where: string): readonly string[] {
  if (value === undefined) return [];
  const list: readonly Json[] = Array.isArray(value) ? value : [value];
  const names = list.filter((name): name is string => typeof name === 'string');
  if (names.length === 0 || names.length !== list.length || new Set(names).size !== names.length) {
    throw new AssayError(
      'data',
      `${where}: expected "${key}" to be a name or a list of names, found ${shortOf(value)}.`,
    );
  }
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return names;
  const what = key === 'judge' ? 'a rubric' : "one of the recipe's scorers";
  const nearest = nearestName(unknown, known);
  const hint = nearest === undefined ? 'there is none' : `known: ${known.join(', ')}; did you mean "${nearest}"?`;
  throw new AssayError('data', `${where}: expected "${key}" to be ${what}, found "${unknown.slice(0, 80)}" (${hint}).`);
}

function formOfItem(item: EvaluationItem): string {
  if (item.kind !== 'reply') return item.kind;
  return [...(item.answer === undefined ? [] : ['answer']), ...item.judges, ...item.scorers].join(' and ');
}
