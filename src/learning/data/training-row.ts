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

/** One turn of a conversation. What is beside role and content goes to the chat template as it is. */
export interface ChatMessage {
  readonly role: Role;
  /** '' where the turn has none (`hasContent` is false then) or says nothing beside its tool calls. */
  readonly content: string;
  /** Absent where there is content, an empty one too. */
  readonly hasContent?: false;
  readonly name?: string;
  readonly tool_call_id?: string;
  /** What an assistant thought before it spoke. */
  readonly reasoning_content?: string;
  /** As OpenAI writes them. */
  readonly tool_calls?: readonly JsonObject[];
}

/** A turn in a training file; `weight: 0` keeps an assistant's turn out of the loss. */
export interface TrainingMessage extends ChatMessage {
  readonly weight: 0 | 1;
}

/** What a conversation's row tells the chat template beside the turns. */
export interface TemplateArguments {
  /** JSON schemas of tools, as OpenAI describes them. */
  readonly tools?: readonly JsonObject[];
  /** Texts to answer from. */
  readonly documents?: readonly JsonObject[];
  /** `chat_template_kwargs`: more variables of the template, such as `enable_thinking`. */
  readonly variables?: JsonObject;
}

/** One row of a training file. */
export type TrainingRow =
  | ({ readonly kind: 'chat'; readonly messages: readonly TrainingMessage[] } & TemplateArguments)
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'completion'; readonly prompt: string; readonly completion: string };

/** A row with the line it stands on. */
export interface NumberedRow {
  readonly line: number;
  readonly row: TrainingRow;
  /** Keys of the line that change nothing, such as an id; absent where there are none. */
  readonly ignored?: readonly string[];
}

/** The key that tells each kind of row, and what to call the kind in a message. */
const KIND_BY_KEY = { messages: 'chat', text: 'text', prompt: 'completion' } as const;
/** The keys that each kind of row reads. */
const KEYS_OF_KIND = {
  messages: ['messages', 'tools', 'documents', 'chat_template_kwargs'],
  text: ['text'],
  prompt: ['prompt', 'completion'],
} as const;
/** Keys that say what is trained on; one that a row's kind does not read is refused. */
const MEANINGFUL = [
  ...Object.values(KEYS_OF_KIND).flat(),
  'chat_template',
  'functions',
  'function_call',
  'chosen',
  'rejected',
  'images',
];

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
    const ignored = ignoredKeys(value);
    rows.push({ line, row, ...(ignored.length === 0 ? {} : { ignored }) });
  }
  if (rows.length === 0) throw new AssayError('data', `${path}: expected at least one row, found none.`);
  return rows;
}

/** Keys of a row that no kind of row reads, and whose absence would change nothing. */
export function ignoredKeys(value: JsonObject): readonly string[] {
  return Object.keys(value).filter((key) => !MEANINGFUL.includes(key));
}

/**
 * A row from its JSON. Keys that mean nothing here, such as an id, are left alone (`ignoredKeys`).
 * @throws AssayError naming `where`; also on a key that has a meaning which this kind of row does not have.
 */
export function parseTrainingRow(value: JsonObject, where: string): TrainingRow {
  const keys = (['messages', 'text', 'prompt'] as const).filter((key) => Object.hasOwn(value, key));
  const [key] = keys;
  if (key === undefined || keys.length !== 1) {
    const found = keys.length > 1 ? keys.join(' and ') : Object.keys(value).slice(0, 8).join(', ') || 'no key';
    throw new AssayError('data', `${where}: expected one of the keys messages, text or prompt, found ${found}.`);
  }
  const own: readonly string[] = KEYS_OF_KIND[key];
  const foreign = MEANINGFUL.find((name) => Object.hasOwn(value, name) && !own.includes(name) && value[name] !== null);
  if (foreign !== undefined) {
    const rest = `a row of ${KIND_BY_KEY[key]} (${own.join(', ')}), found the key ${foreign}, which it does not use`;
    throw new AssayError('data', `${where}: expected the keys of ${rest}. Take it out, or bring another kind of row.`);
  }
  if (key === 'messages') {
    return { kind: 'chat', messages: conversation(value['messages'], where), ...templateArguments(value, where) };
  }
  if (key === 'text') return { kind: 'text', text: filledText(value['text'], 'text', where) };
  const prompt = filledText(value['prompt'], 'prompt', where);
  return { kind: 'completion', prompt, completion: filledText(value['completion'], 'completion', where) };
}

function templateArguments(value: JsonObject, where: string): TemplateArguments {
  const tools = objectsAt(value, 'tools', where);
  const documents = objectsAt(value, 'documents', where);
  const variables = value['chat_template_kwargs'] ?? undefined;
  if (variables !== undefined && !isJsonObject(variables)) {
    throw new AssayError('data', `${where}: expected chat_template_kwargs to be an object.`);
  }
  const taken = Object.keys(variables ?? {}).find((name) => TEMPLATE_NAMES.has(name));
  if (taken !== undefined) {
    throw new AssayError('data', `${where}: expected chat_template_kwargs without ${taken}, which is given already.`);
  }
  return {
    ...(tools === undefined ? {} : { tools }),
    ...(documents === undefined ? {} : { documents }),
    ...(variables === undefined ? {} : { variables }),
  };
}

/** Names that `chat_template_kwargs` may not take. */
const TEMPLATE_NAMES = new Set(['messages', 'tools', 'documents', 'add_generation_prompt', 'continue_final_message']);

/** A list of objects at a key; absent and null mean that there is none. */
function objectsAt(value: JsonObject, key: string, where: string): readonly JsonObject[] | undefined {
  const list = value[key] ?? undefined;
  if (list === undefined) return undefined;
  const items: readonly Json[] = Array.isArray(list) ? list : [];
  const objects = items.filter(isJsonObject);
  if (Array.isArray(list) && objects.length === items.length && (items.length > 0 || key === 'tools')) return objects;
  throw new AssayError('data', `${where}: expected ${key} to be a list of objects, found ${shortOf(list)}.`);
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

const TEXT_PARTS = ['name', 'tool_call_id', 'reasoning_content'] as const;
const MESSAGE_KEYS = ['role', 'content', 'weight', 'tool_calls', ...TEXT_PARTS] as const;

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
  const calls = objectsAt(value, 'tool_calls', where);
  if (calls !== undefined && known !== 'assistant') {
    throw new AssayError('data', `${where}: expected tool_calls in an assistant's turn, found them in a ${known}'s.`);
  }
  const parts = TEXT_PARTS.flatMap((key) => {
    const part = value[key] ?? undefined;
    return part === undefined ? [] : [[key, wellFormed(part, key, where)] as const];
  });
  const said = contentOf(value, calls !== undefined && calls.length > 0, where);
  const withCalls = calls === undefined ? {} : { tool_calls: calls };
  return { role: known, ...said, weight, ...Object.fromEntries(parts), ...withCalls };
}

/** A turn says something, or calls tools: then it may say nothing. */
function contentOf(value: JsonObject, hasCalls: boolean, where: string): Pick<ChatMessage, 'content' | 'hasContent'> {
  const { content } = value;
  if (!hasCalls) return { content: filledText(content, 'content', where) };
  if (content === undefined || content === null) return { content: '', hasContent: false };
  return { content: wellFormed(content, 'content', where) };
}

/** Text, blank or not, without half of a surrogate pair. */
function wellFormed(value: Json, key: string, where: string): string {
  if (typeof value !== 'string') {
    throw new AssayError('data', `${where}: expected ${key} to be text, found ${shortOf(value)}.`);
  }
  return value === '' ? value : checkedPairs(value, key, where);
}

function shortOf(value: Json): string {
  return JSON.stringify(value).slice(0, 60);
}

function filledText(value: Json | undefined, key: string, where: string): string {
  const found = value === undefined ? 'nothing' : value === '' ? 'empty text' : JSON.stringify(value).slice(0, 60);
  if (typeof value !== 'string' || value.trim() === '') {
    throw new AssayError('data', `${where}: expected ${key} to be text that is not blank, found ${found}.`);
  }
  return checkedPairs(value, key, where);
}

function checkedPairs(value: string, key: string, where: string): string {
  if (!value.isWellFormed()) {
    throw new AssayError(
      'data',
      `${where}: ${key} holds half of a surrogate pair (\\ud800 to \\udfff), which is no text.`,
    );
  }
  return value;
}
