/** The parts of a config that say how replies are generated and judged: defaults, and the readers that refuse everything else. */
import type { ConfigReader } from '#base/config-reader.ts';
import { isEverywhere, isJsonObject, type JsonObject } from '#base/json.ts';
import type { JudgeConfig } from '#measures/judge.ts';

/** How replies are sampled. */
export interface GenerationConfig {
  /** Longest reply, in tokens. */
  readonly maxTokens: number;
  /** 0 takes the most probable token at each step. */
  readonly temperature: number;
  readonly topP: number;
  /** 0 keeps all tokens. */
  readonly topK: number;
  /** Replies a question. */
  readonly samples: number;
  /** Added to the block's number. */
  readonly seed: number;
  /** Texts that end a reply, beside the model's own stop tokens; they are no part of it. */
  readonly stop: readonly string[];
  /** Replies under way at once; no effect on results but the last bits of the numbers they come from. */
  readonly rows: number;
}

export const GENERATION_DEFAULTS = {
  maxTokens: 128,
  temperature: 1,
  topP: 1,
  topK: 0,
  samples: 1,
  seed: 0,
  stop: [],
  rows: 8,
} as const satisfies JsonObject;

export const JUDGE_DEFAULTS = {
  url: '',
  model: '',
  keyVariable: 'OPENAI_API_KEY',
  rubrics: {},
  extra: {},
  concurrency: 4,
  missingFraction: 0.1,
  price: { prompt: 0, completion: 0 },
} as const satisfies JsonObject;

/** @throws AssayError naming the path, what was expected and what was found. */
export function readGeneration(reader: ConfigReader): GenerationConfig {
  const stop = reader.json('stop');
  const isTexts = Array.isArray(stop) && stop.every((text): text is string => typeof text === 'string' && text !== '');
  const read = {
    maxTokens: reader.number('maxTokens', { min: 1, integer: true }),
    temperature: reader.number('temperature', { min: 0 }),
    topP: reader.number('topP', { min: 0, max: 1 }),
    topK: reader.number('topK', { min: 0, integer: true }),
    samples: reader.number('samples', { min: 1, integer: true }),
    seed: reader.number('seed', { integer: true }),
    stop: isTexts ? stop : reader.refuse('stop', 'a list of texts that are not empty', JSON.stringify(stop)),
    rows: reader.number('rows', { min: 1, integer: true }),
  };
  reader.done();
  return read;
}

/** @throws AssayError naming the path, what was expected and what was found. */
export function readJudge(reader: ConfigReader): JudgeConfig {
  const price = reader.object('price');
  const read: JudgeConfig = {
    url: readUrl(reader),
    model: text(reader, 'model'),
    keyVariable: text(reader, 'keyVariable'),
    rubrics: readRubrics(reader),
    extra: object(reader, 'extra'),
    concurrency: reader.number('concurrency', { min: 1, max: 256, integer: true }),
    missingFraction: reader.number('missingFraction', { min: 0, max: 1 }),
    price: { prompt: price.number('prompt', { min: 0 }), completion: price.number('completion', { min: 0 }) },
  };
  price.done();
  reader.done();
  return read;
}

/** The API's address without a slash at its end. It is stored with every run, so it may hold no password. */
function readUrl(reader: ConfigReader): string {
  const given = text(reader, 'url');
  if (given === '') return given;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    return reader.refuse('url', 'an address such as https://api.openai.com/v1', JSON.stringify(given));
  }
  if (url.username !== '' || url.password !== '' || url.search !== '') {
    return reader.refuse('url', 'an address without user, password or query; keys come from the environment', 'one');
  }
  return given.replace(/\/+$/, '');
}

function readRubrics(reader: ConfigReader): Readonly<Record<string, string>> {
  const entries = Object.entries(object(reader, 'rubrics'));
  const isFilled = (entry: (typeof entries)[number]): entry is [string, string] =>
    /^[\w-]+$/.test(entry[0]) && !isEverywhere(entry[0]) && typeof entry[1] === 'string' && entry[1].trim() !== '';
  if (!entries.every(isFilled)) {
    return reader.refuse('rubrics', 'names of letters, digits, _ and -, each with its text', JSON.stringify(entries));
  }
  return Object.fromEntries(entries);
}

function object(reader: ConfigReader, name: string): JsonObject {
  const value = reader.json(name);
  return isJsonObject(value) ? value : reader.refuse(name, 'an object', JSON.stringify(value));
}

function text(reader: ConfigReader, name: string): string {
  const value = reader.json(name);
  return typeof value === 'string' ? value : reader.refuse(name, 'text', JSON.stringify(value));
}
