/**
 * The rows a user may train on: conversations, plain text, or a prompt with its completion.
 * A row is checked completely before it is used; nothing is guessed, trimmed or dropped.
 * Formats: OpenAI finetuning (`messages`), Hugging Face `text`, TRL `prompt` and `completion`.
 */
import { AssayError, nearestName } from '#base/errors.ts';
import type { Json, JsonObject } from '#base/json.ts';
import { isJsonObject } from '#base/json.ts';

import { readJsonl } from './jsonl.ts';

/** Who may speak in a conversation. */
export const ROLES = ['system', 'developer', 'user', 'assistant', 'tool'] as const;
export type Role = (typeof ROLES)[number];

/** One turn of a conversation. */
export interface ChatMessage {
  readonly role: Role;
  readonly content: string;
}

/** A turn in a training file; `weight: 0` keeps an assistant's turn out of the loss. */
export interface TrainingMessage extends ChatMessage {
  readonly weight: 0 | 1;
}

/** One row of a training file. */
export type TrainingRow =
  | { readonly kind: 'chat'; readonly messages: readonly TrainingMessage[] }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'completion'; readonly prompt: string; readonly completion: string };

/** A row with the line it stands on. */
export interface NumberedRow {
  readonly line: number;
  readonly row: TrainingRow;
}

/** The key that tells each kind of row, and what to call the kind in a message. */
const KIND_BY_KEY = { messages: 'chat', text: 'text', prompt: 'completion' } as const;

/**
 * The rows of a training file, in order; all must be of one kind.
 * @throws AssayError naming `path:line`, what was expected and what was found; also when there is no row.
 */
export async function readTrainingRows(path: string, maxLineBytes?: number): Promise<NumberedRow[]> {
  const rows: NumberedRow[] = [];
  for await (const { line, value } of readJsonl(path, maxLineBytes)) {
    const where = `${path}:${line}`;
    const row = parseTrainingRow(value, where);
    const first = rows[0];
    if (first !== undefined && first.row.kind !== row.kind) {
      const expected = `rows of one kind (line ${first.line} is ${first.row.kind})`;
      throw new AssayError('data', `${where}: expected ${expected}, found ${row.kind}. Split the file.`);
    }
    rows.push({ line, row });
  }
  if (rows.length === 0) throw new AssayError('data', `${path}: expected at least one row, found none.`);
  return rows;
}

/** A row from its JSON. Keys beside the row's own, such as an id, are left alone. @throws AssayError naming `where`. */
export function parseTrainingRow(value: JsonObject, where: string): TrainingRow {
  const keys = Object.keys(KIND_BY_KEY).filter((key) => Object.hasOwn(value, key));
  if (keys.length !== 1) {
    const found = keys.length > 1 ? keys.join(' and ') : Object.keys(value).slice(0, 8).join(', ') || 'no key';
    throw new AssayError('data', `${where}: expected one of the keys messages, text or prompt, found ${found}.`);
  }
  if (keys[0] === 'messages') return { kind: 'chat', messages: conversation(value['messages'], where) };
  if (keys[0] === 'text') return { kind: 'text', text: filledText(value['text'], 'text', where) };
  const prompt = filledText(value['prompt'], 'prompt', where);
  return { kind: 'completion', prompt, completion: filledText(value['completion'], 'completion', where) };
}

function conversation(value: Json | undefined, where: string): readonly TrainingMessage[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new AssayError('data', `${where}: expected messages to be a list of at least one turn.`);
  }
  const messages = value.map((item: Json, i) => message(item, `${where}: messages[${i}]`));
  const trained = messages.some(({ role, weight }) => role === 'assistant' && weight === 1);
  if (!trained) throw new AssayError('data', `${where}: expected an assistant turn to learn from, found none.`);
  return messages;
}

const MESSAGE_KEYS = ['role', 'content', 'weight'] as const;

function message(value: Json, where: string): TrainingMessage {
  if (!isJsonObject(value)) throw new AssayError('data', `${where}: expected an object with role and content.`);
  const unknown = Object.keys(value).find((key) => !MESSAGE_KEYS.some((known) => known === key));
  if (unknown !== undefined) {
    const near = nearestName(unknown, MESSAGE_KEYS) ?? 'content';
    throw new AssayError('data', `${where}: unknown key ${unknown.slice(0, 80)} (nearest known: ${near}).`);
  }
  const { role, weight = 1 } = value;
  const known = ROLES.find((name) => name === role);
  if (known === undefined) {
    const found = role === undefined ? 'nothing' : JSON.stringify(role).slice(0, 80);
    throw new AssayError('data', `${where}: expected a role among ${ROLES.join(', ')}, found ${found}.`);
  }
  if (weight !== 0 && weight !== 1) throw new AssayError('data', `${where}: expected weight to be 0 or 1.`);
  return { role: known, content: filledText(value['content'], 'content', where), weight };
}

function filledText(value: Json | undefined, key: string, where: string): string {
  const found = value === undefined ? 'nothing' : value === '' ? 'empty text' : JSON.stringify(value).slice(0, 60);
  if (typeof value !== 'string' || value.trim() === '') {
    throw new AssayError('data', `${where}: expected ${key} to be text that is not blank, found ${found}.`);
  }
  if (!value.isWellFormed()) {
    throw new AssayError(
      'data',
      `${where}: ${key} holds half of a surrogate pair (\\ud800 to \\udfff), which is no text.`,
    );
  }
  return value;
}
