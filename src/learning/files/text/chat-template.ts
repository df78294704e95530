/**
 * Chat templates: Jinja programs that come with a model and turn a conversation into the text it was trained on.
 * Renders what transformers renders, except that the clock is an argument: a template that asks for the date gets
 * the one it is given, so the same conversation gives the same text on any day.
 * A template is code from the model's author: it is sandboxed (no files, no network), but it may run for long.
 */
import { AssayError, messageOf } from '#base/errors.ts';
import type { Json } from '#base/json.ts';

import { place, textArgument, wholeArgument } from './jinja/arguments.ts';
import { renderProgram } from './jinja/interpreter.ts';
import { parseTemplate } from './jinja/parser.ts';
import { str } from './jinja/printing.ts';
import { dict, fromJson, itemsOf, type Named, type Value } from './jinja/values.ts';

/** A turn as templates see it; more keys than these (tool_calls, reasoning_content) are passed through. */
export interface TemplateMessage {
  readonly role: string;
  readonly content?: string;
  readonly [key: string]: Json;
}

/** What a template may be told beside the conversation. */
export interface RenderOptions {
  /** End with the opening of an assistant turn, ready for sampling. */
  readonly addGenerationPrompt?: boolean;
  /** JSON schemas of tools, as OpenAI describes them. */
  readonly tools?: readonly Json[];
  /** Texts to answer from, each an object with title and text. */
  readonly documents?: readonly Json[];
  /** More variables, such as `enable_thinking`. */
  readonly variables?: Readonly<Record<string, Json>>;
}

/** A compiled template. */
export interface ChatTemplate {
  /** The Jinja text. */
  readonly source: string;
  /** Whether the template reads a variable, a key of a turn or a function by that name. */
  reads(name: string): boolean;
  /** The conversation as text. @throws AssayError when the template refuses the conversation. */
  render(messages: readonly TemplateMessage[], options?: RenderOptions): string;
}

/**
 * Compiles a template.
 * @param specialTokens Names a template may use, such as `bos_token`.
 * @param now The date a template is told if it asks; without it, asking is an error.
 * @throws AssayError when the text is no Jinja that is understood.
 */
export function chatTemplate(
  source: string,
  specialTokens: Readonly<Record<string, string>>,
  now?: Date,
): ChatTemplate {
  const program = attempt('could not be read', () => parseTemplate(source));
  const names = namesIn(program);
  return {
    source,
    reads: (name) => names.has(name),
    render: (messages, options = {}) =>
      attempt('refused the conversation', () => {
        const given: Readonly<Record<string, Json>> = {
          ...specialTokens,
          messages: messages.map(withoutNulls),
          tools: options.tools ?? null,
          documents: options.documents ?? null,
          add_generation_prompt: options.addGenerationPrompt ?? false,
          ...options.variables,
        };
        const told = Object.entries(given).map(([name, value]) => [name, fromJson(value)] as const);
        return renderProgram(program, new Map([...globals(now), ...told]));
      }),
  };
}

/** One template for conversations with tools, another for those without, as transformers chooses between them. */
export function withToolTemplate(plain: ChatTemplate, forTools: ChatTemplate): ChatTemplate {
  const chosen = (tools: RenderOptions['tools']): ChatTemplate => (tools === undefined ? plain : forTools);
  return {
    source: plain.source,
    reads: (name) => plain.reads(name) || forTools.reads(name),
    render: (messages, options = {}) => chosen(options.tools).render(messages, options),
  };
}

/** All names, attributes and constant texts of a template: whatever it reads is among them. */
function namesIn(node: unknown, found = new Set<string>()): ReadonlySet<string> {
  if (Array.isArray(node)) for (const part of node) namesIn(part, found);
  else if (typeof node === 'object' && node !== null) {
    for (const [key, part] of Object.entries(node)) {
      if ((key === 'name' || key === 'value') && typeof part === 'string') found.add(part);
      else namesIn(part, found);
    }
  }
  return found;
}

/** Keys without a value are not there, as transformers passes messages on. */
function withoutNulls(message: TemplateMessage): Json {
  return Object.fromEntries(Object.entries(message).filter(([, value]) => value !== null));
}

type Call = (args: readonly Value[], named: Named) => Value;

/** What jinja2 and transformers define for every template. */
function globals(now: Date | undefined): ReadonlyMap<string, Value> {
  const calls: Readonly<Record<string, Call>> = {
    range: (args, named) => pythonRange(args, named),
    dict: ([from], named) => {
      const pairs = from === undefined ? [] : pairsOf(from);
      return dict([...pairs, ...named]);
    },
    namespace: ([from], named) => {
      const pairs = from === undefined ? [] : pairsOf(from);
      return {
        kind: 'namespace',
        attributes: new Map([...pairs.map(([key, value]) => [str(key), value] as const), ...named]),
      };
    },
    raise_exception: (args, named) => {
      throw new Error(str(place('raise_exception', ['message'], 1, args, named)[0] ?? null));
    },
    strftime_now: (args, named) => {
      if (now === undefined) throw new Error('the template asks for the date: pass `now`');
      const [format] = place('strftime_now', ['format'], 1, args, named);
      return formatDate(now, textArgument(format, 'strftime_now'));
    },
    ...Object.fromEntries(NOT_BUILT.map((name) => [name, refused(name)])),
  };
  return new Map(Object.entries(calls).map(([name, call]) => [name, { kind: 'function', name, call } as const]));
}

/** Globals of jinja2 that chat templates have no use for. */
const NOT_BUILT = ['lipsum', 'cycler', 'joiner', 'self'];

function refused(name: string): Call {
  return () => {
    throw new Error(`${name}() is not supported`);
  };
}

function pairsOf(value: Value): readonly (readonly [Value, Value])[] {
  if (typeof value === 'object' && value?.kind === 'dict') {
    return Array.from(value.entries.values(), (entry) => [entry.key, entry.value] as const);
  }
  return itemsOf(value).map((pair) => {
    const [key, item, ...more] = itemsOf(pair);
    if (key === undefined || item === undefined || more.length > 0) throw new Error('dict() expects pairs');
    return [key, item] as const;
  });
}

/** Longer ranges than this are refused, as in the sandbox of jinja2. */
const LONGEST_RANGE = 100_000;

function pythonRange(args: readonly Value[], named: Named): Value {
  const [first, last, step = 1] = place('range', ['start', 'stop', 'step'], 1, args, named).map((value) =>
    value === undefined ? undefined : wholeArgument(value, 'range'),
  );
  const [start, stop] = last === undefined ? [0, first ?? 0] : [first ?? 0, last];
  if (step === 0) throw new Error('range() arg 3 must not be zero');
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (length > LONGEST_RANGE) throw new Error(`range of ${length} items`);
  const printed = `range(${start}, ${stop}${step === 1 ? '' : `, ${step}`})`;
  return { kind: 'view', name: 'range', printed, items: Array.from({ length }, (_, i) => start + i * step) };
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const WEEKDAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

/** Python's strftime in English, of the date's own UTC fields, for the codes templates use. */
export function formatDate(date: Date, format: string): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const month = MONTHS[date.getUTCMonth()] ?? '';
  const weekday = WEEKDAYS[date.getUTCDay()] ?? '';
  return format.replaceAll(/%(.)/gsu, (code, letter: string) => {
    switch (letter) {
      case 'y':
        return two(date.getUTCFullYear() % 100);
      case 'I':
        return two(date.getUTCHours() % 12 || 12);
      case 'p':
        return date.getUTCHours() < 12 ? 'AM' : 'PM';
      case 'F':
        return formatDate(date, '%Y-%m-%d');
      case 'T':
        return formatDate(date, '%H:%M:%S');
      case 'Y':
        return String(date.getUTCFullYear());
      case 'm':
        return two(date.getUTCMonth() + 1);
      case 'd':
        return two(date.getUTCDate());
      case 'b':
        return month.slice(0, 3);
      case 'B':
        return month;
      case 'a':
        return weekday.slice(0, 3);
      case 'A':
        return weekday;
      case 'H':
        return two(date.getUTCHours());
      case 'M':
        return two(date.getUTCMinutes());
      case 'S':
        return two(date.getUTCSeconds());
      case '%':
        return '%';
      default:
        throw new Error(`the date code ${code} is not supported`);
    }
  });
}

function attempt<T>(failure: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw new AssayError('data', `The model's chat template ${failure}: ${messageOf(thrown)}`, { cause: thrown });
  }
}
