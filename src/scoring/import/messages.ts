/**
 * Conversations as chat endpoints speak them: OpenAI's messages with tool calls, the fields in which endpoints give
 * reasoning (`reasoning`, `reasoning_content`, `reasoning_details`), parts of content as OpenAI, Anthropic and Inspect write
 * them, and reasoning inside the content (`thought-tags.ts`).
 * Invariant: every part becomes a step of one channel, or is refused by name.
 */
import { AssayError } from '#base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import { parseStrictJsonText } from '#base/strict-json.ts';
import type { Step } from '#scoring/transcript.ts';

import { listIn, nameIn, objectIn, refuse, refuseOthers, shown, textIn } from './fields.ts';
import { splitThought } from './thought-tags.ts';

/** Who speaks -> what the channel of plain text is. */
const SPEAKERS = {
  system: 'instruction',
  developer: 'instruction',
  user: 'request',
  assistant: 'utterance',
  tool: 'result',
  function: 'result',
} as const;
type Role = keyof typeof SPEAKERS;

/** Read, or known to say nothing of what the agent thought, said or did. */
const MESSAGE_KEYS = [
  'role',
  'content',
  'reasoning',
  'reasoning_content',
  'reasoning_details',
  'refusal',
  'tool_calls',
  'function_call',
  'tool_call_id',
  'function',
  'name',
  'error',
  'id',
  'source',
  'model',
  'metadata',
  'annotations',
  'weight',
] as const;

type Thought = Extract<Step, { channel: 'thought' }>;

/** Words that stand elsewhere under a name, as Inspect's attachments do. */
export type Resolve = (text: string, where: string) => string;

/** The steps of a conversation. @throws AssayError naming the message and part. */
export function stepsOfMessages(
  messages: readonly Json[],
  where: string,
  resolve: Resolve = (text) => text,
): readonly Step[] {
  return messages.flatMap((message, i) =>
    stepsOfMessage(objectIn(message, `${where}, message ${i}`), `${where}, message ${i}`, resolve),
  );
}

function stepsOfMessage(message: JsonObject, where: string, resolve: Resolve): readonly Step[] {
  refuseOthers(message, MESSAGE_KEYS, where);
  const role = roleOf(message['role'], where);
  const { content, reasoning, reasoning_content: reasoningContent, refusal } = message;
  const isAgent = role === 'assistant';
  const thoughts = [reasoning, reasoningContent].flatMap((text, i) =>
    isEmpty(text) ? [] : [thought(textIn(text, `${where}, ${i === 0 ? 'reasoning' : 'reasoning_content'}`))],
  );
  // Some endpoints give the same reasoning under several names.
  const details = detailsOf(message['reasoning_details'], where).filter(
    (step) => step.text === '' || !thoughts.some(({ text }) => text.includes(step.text)),
  );
  const first = thoughts.slice(0, isSameThought(reasoning, reasoningContent) ? 1 : 2);
  const said = isEmpty(content) ? [] : stepsOfContent(content, { role, where, resolve, of: toolOf(message) });
  const refused = isEmpty(refusal)
    ? []
    : [{ channel: 'utterance', text: textIn(refusal, `${where}, refusal`) } as const];
  const error = isEmpty(message['error']) ? [] : [result(errorText(message['error'], where), toolOf(message))];
  const steps = [...first, ...details, ...said, ...refused, ...error, ...callsOf(message, where)];
  const foreign = isAgent ? undefined : steps.find(({ channel }) => channel === 'thought' || channel === 'action');
  if (foreign !== undefined) refuse(where, 'thoughts and actions of the assistant alone', `one of "${role}"`);
  return steps;
}

function roleOf(value: Json | undefined, where: string): Role {
  const roles = Object.keys(SPEAKERS);
  if (typeof value === 'string' && isRole(value)) return value;
  return refuse(where, `a role among ${roles.join(', ')}`, shown(value));
}

function isRole(value: string): value is Role {
  return Object.hasOwn(SPEAKERS, value);
}

interface Place {
  readonly role: Role;
  readonly where: string;
  readonly resolve: Resolve;
  readonly of: string | undefined;
}

function stepsOfContent(content: Json | undefined, place: Place): readonly Step[] {
  if (typeof content === 'string') return stepsOfText(content, place);
  return listIn(content, `${place.where}, content`).flatMap((part, i) => {
    const where = `${place.where}, part ${i}`;
    if (typeof part === 'string') return stepsOfText(part, { ...place, where });
    return stepsOfPart(objectIn(part, where), { ...place, where });
  });
}

function stepsOfText(given: string, { role, where, resolve, of }: Place): readonly Step[] {
  const text = resolve(given, where);
  if (role !== 'assistant') return text === '' ? [] : [spoken(role, text, of)];
  const { thought: inside, said } = splitThought(text);
  return [
    ...(inside === undefined || inside === '' ? [] : [thought(inside)]),
    ...(said === '' ? [] : [spoken(role, said, of)]),
  ];
}

function spoken(role: Role, text: string, of: string | undefined): Step {
  const channel = SPEAKERS[role];
  return channel === 'result' ? result(text, of) : { channel, text };
}

/** What writers add to a part that says nothing of what was thought, said or done. */
const PART_EXTRAS = ['type', 'cache_control', 'cache_breakpoint', 'internal', 'annotations', 'citations', 'id'];

function stepsOfPart(part: JsonObject, place: Place): readonly Step[] {
  const { where, resolve } = place;
  const only = (...keys: readonly string[]): void => refuseOthers(part, [...PART_EXTRAS, ...keys], where);
  const text = (key: string): string => resolve(textIn(part[key], `${where}, ${key}`), where);
  const type = shown(part['type']);
  switch (type) {
    case '"text"':
    case '"input_text"':
    case '"output_text"':
      only('text', 'refusal', 'logprobs');
      return stepsOfText(textIn(part['text'], `${where}, text`), place);
    case '"refusal"':
      only('refusal');
      return [{ channel: 'utterance', text: text('refusal') }];
    case '"reasoning"':
      only('reasoning', 'text', 'summary', 'signature', 'redacted');
      return [
        part['redacted'] === true
          ? withheld(part)
          : thought(text(part['reasoning'] === undefined ? 'text' : 'reasoning')),
      ];
    case '"thinking"':
      only('thinking', 'signature');
      return [thought(text('thinking'))];
    case '"redacted_thinking"':
      only('data');
      return [withheld(part)];
    case '"tool_use"':
      return toolUse(part, place);
    case '"tool_result"':
      only('tool_use_id', 'content', 'is_error');
      return isEmpty(part['content']) ? [] : stepsOfContent(part['content'], { ...place, role: 'tool' });
    default:
      return refuse(
        where,
        'a part of type text, refusal, reasoning, thinking, redacted_thinking, tool_use or tool_result',
        `type ${type}`,
        'Images, sound and files are not read; what is not understood is never skipped.',
      );
  }
}

/** Anthropic's calls of the agent's tools have `input`; Inspect's record of a tool that the provider ran has its `result` too. */
function toolUse(part: JsonObject, { where }: Place): readonly Step[] {
  refuseOthers(part, [...PART_EXTRAS, 'name', 'input', 'tool_type', 'context', 'arguments', 'result', 'error'], where);
  const name = nameIn(part['name'], `${where}, name`);
  const call = action(name, part['input'] ?? part['arguments'] ?? {}, where);
  const answers = [part['result'], part['error']].filter((one) => !isEmpty(one));
  return [call, ...answers.map((one) => result(textIn(one, `${where}, result`), name))];
}

function detailsOf(value: Json | undefined, where: string): readonly Thought[] {
  if (isEmpty(value)) return [];
  return listIn(value, `${where}, reasoning_details`).map((item, i) => {
    const at = `${where}, reasoning_details ${i}`;
    const detail = objectIn(item, at);
    refuseOthers(detail, ['type', 'text', 'summary', 'data', 'format', 'index', 'id', 'signature'], at);
    switch (shown(detail['type'])) {
      case '"reasoning.text"':
        return thought(textIn(detail['text'], `${at}, text`));
      case '"reasoning.summary"':
        return thought(textIn(detail['summary'], `${at}, summary`));
      case '"reasoning.encrypted"':
        return withheld({});
      default:
        return refuse(at, 'type reasoning.text, reasoning.summary or reasoning.encrypted', shown(detail['type']));
    }
  });
}

function callsOf(message: JsonObject, where: string): readonly Step[] {
  const { tool_calls: calls, function_call: single } = message;
  const all = isEmpty(calls) ? [] : listIn(calls, `${where}, tool_calls`);
  return [...all, ...(isEmpty(single) ? [] : [single ?? null])].map((item, i) =>
    callOf(objectIn(item, `${where}, tool call ${i}`), `${where}, tool call ${i}`),
  );
}

/** OpenAI: `{ function: { name, arguments } }`; Inspect: `{ function, arguments }`; before tools: `{ name, arguments }`. */
function callOf(call: JsonObject, where: string): Step {
  refuseOthers(
    call,
    ['id', 'type', 'index', 'function', 'name', 'arguments', 'view', 'parse_error', 'custom', 'internal'],
    where,
  );
  const { function: called, type } = call;
  if (!isEmpty(type) && type !== 'function') refuse(where, 'a call of type function', `type ${shown(type)}`);
  const inner = isJsonObject(called) ? called : call;
  if (inner !== call) refuseOthers(inner, ['name', 'arguments', 'description', 'strict'], where);
  const name = nameIn(typeof called === 'string' ? called : inner['name'], `${where}, name`);
  return action(name, inner['arguments'] ?? {}, where);
}

/** Arguments are an object, or the text of one; what an agent wrote may be no JSON, and is kept as it is. */
function action(name: string, given: Json, where: string): Step {
  if (isJsonObject(given)) return { channel: 'action', name, arguments: given };
  const text = textIn(given, `${where}, arguments`);
  try {
    const parsed = text.trim() === '' ? {} : parseStrictJsonText(text, where);
    if (isJsonObject(parsed)) return { channel: 'action', name, arguments: parsed };
  } catch (thrown) {
    if (!(thrown instanceof AssayError)) throw thrown;
  }
  return { channel: 'action', name, arguments: { unreadable: text } };
}

function toolOf({ name, function: called }: JsonObject): string | undefined {
  return [called, name].find((one) => typeof one === 'string');
}

function result(text: string, of: string | undefined): Step {
  return { channel: 'result', text, ...(of !== undefined && { of }) };
}

function errorText(value: Json | undefined, where: string): string {
  if (typeof value === 'string') return value;
  const { message } = objectIn(value, `${where}, error`);
  return textIn(message, `${where}, error`);
}

function thought(text: string): Thought {
  return { channel: 'thought', text };
}

/** A summary that stands in the place of what was withheld is what can be read. */
function withheld({ summary }: JsonObject): Thought {
  return typeof summary === 'string' && summary !== ''
    ? thought(summary)
    : { channel: 'thought', text: '', isWithheld: true };
}

function isSameThought(a: Json | undefined, b: Json | undefined): boolean {
  return typeof a === 'string' && a === b;
}

function isEmpty(value: Json | undefined): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}
