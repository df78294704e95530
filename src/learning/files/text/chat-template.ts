/**
 * Chat templates: Jinja programs that come with a model and turn a conversation into the text it was trained on.
 * Renders what transformers renders, except that the clock is an argument: a template that asks for the date gets
 * the one it is given, so the same conversation gives the same text on any day.
 * A template is code from the model's author: it is sandboxed (no files, no network), but it may run for long.
 */
import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';

import { AssayError, messageOf } from '#base/errors.ts';
import type { Json } from '#base/json.ts';

/** A turn as templates see it; more keys than these (tool_calls, reasoning_content) are passed through. */
export interface TemplateMessage {
  readonly role: string;
  readonly content: string;
  readonly [key: string]: Json;
}

/** What a template may be told beside the conversation. */
export interface RenderOptions {
  /** End with the opening of an assistant turn, ready for sampling. */
  readonly addGenerationPrompt?: boolean;
  /** JSON schemas of tools, as OpenAI describes them. */
  readonly tools?: readonly Json[];
  /** More variables, such as `enable_thinking`. */
  readonly variables?: Readonly<Record<string, Json>>;
}

/** A compiled template. */
export interface ChatTemplate {
  /** The Jinja text. */
  readonly source: string;
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
  const program = attempt('could not be read', () =>
    parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true })),
  );
  return {
    source,
    render: (messages, options = {}) =>
      attempt('refused the conversation', () => {
        const environment = new Environment();
        const variables = {
          ...pythonNames(now),
          ...specialTokens,
          messages,
          tools: options.tools ?? null,
          documents: null,
          add_generation_prompt: options.addGenerationPrompt ?? false,
          ...options.variables,
        };
        for (const [name, value] of Object.entries(variables)) environment.set(name, value);
        return String(new Interpreter(environment).run(program).value);
      }),
  };
}

/** What transformers defines for every template. */
function pythonNames(now: Date | undefined): Record<string, unknown> {
  return {
    true: true,
    True: true,
    false: false,
    False: false,
    none: null,
    None: null,
    range: pythonRange,
    raise_exception: (message: unknown): never => {
      throw new Error(String(message));
    },
    strftime_now: (format: unknown): string => {
      if (now === undefined) throw new Error('the template asks for the date: pass `now`');
      return formatDate(now, String(format));
    },
  };
}

/** Longer ranges than this are refused: no conversation needs them. */
const LONGEST_RANGE = 100_000;

function pythonRange(first: number, last?: number, step = 1): number[] {
  const [start, stop] = last === undefined ? [0, first] : [first, last];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= LONGEST_RANGE)) throw new Error(`range of ${length} items`);
  return Array.from({ length }, (_, i) => start + i * step);
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
