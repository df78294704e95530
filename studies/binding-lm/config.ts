/** The config of a run, and how it is read. */
import type { JsonObject } from 'assay';
import { configReader, type ConfigReader } from 'assay/learn';

import { canAskHeldOut, HELD_OUT_OF, type PromptShape, type Wording } from './sentences.ts';
import { SUBJECTS } from './subjects.ts';
import type { TeachingSettings } from './teaching.ts';

/** One token each in SmolLM's tokenizer, behind a space. */
const NAMES =
  'Alice John Mary Tom Anna David Sarah Peter Emma Paul Lucy Mark Jane Henry Laura James Julia Daniel Kate Robert Helen George Maria Simon';
const CITIES =
  'Paris London Rome Berlin Tokyo Madrid Moscow Boston Chicago Toronto Sydney Dublin Vienna Athens Miami Delhi Beijing Seattle Dallas Denver Houston Atlanta Detroit Cairo';

export const DEFAULTS = {
  /** A Hugging Face folder, a GGUF file or hf://org/name; '' for the persona base. */
  model: '',
  subject: 'model',
  /** Of a model from files. Every text brings its own leading space. */
  prompt: {
    start: '',
    sentence: ' {key} lives in {value}.',
    query: ' {key} lives in',
    fillers: [' The day was quiet.', ' Then nobody said anything.', ' Nobody knew the reason.'],
    keys: NAMES.split(' '),
    values: CITIES.split(' '),
  },
  objects: 2,
  slots: 4,
  /** How the persona base is taught. */
  teaching: { steps: 300, rows: 32, learningRate: 0.01 },
  /** Depths that are read, in sixths of the layers. */
  sixths: [1, 2, 3, 4, 5],
  /** Right answers, among the values of a prompt, that a model gives before it is read. */
  gate: 0.75,
  /** Prompts that parts are fitted on, and those that are measured on of each object that is asked for, where so many are answered rightly. */
  prompts: { fit: 256, measured: 64 },
  /** Prompts that are read at a time, and threads. */
  rows: 64,
  threads: 1,
  /** Added to the block. */
  seed: 7100,
} as const satisfies JsonObject;

export interface Config {
  readonly model: string;
  readonly subject: (typeof SUBJECTS)[number];
  readonly wording: Wording;
  readonly shape: PromptShape;
  readonly teaching: TeachingSettings;
  readonly sixths: readonly number[];
  readonly gate: number;
  readonly fit: number;
  readonly measured: number;
  readonly rows: number;
  readonly threads: number;
  readonly seed: number;
}

/** @throws AssayError naming the path, what was expected and what was found. */
export function readConfig(config: JsonObject): Config {
  const reader = configReader(config);
  const whole = (from: ConfigReader, name: string, min: number): number => from.number(name, { min, integer: true });
  const [teaching, prompts] = [reader.object('teaching'), reader.object('prompts')];
  const read: Config = {
    model: textOf(reader, 'model'),
    subject: reader.oneOf('subject', SUBJECTS),
    wording: readWording(reader.object('prompt')),
    shape: { objects: whole(reader, 'objects', 2), slots: whole(reader, 'slots', 2) },
    teaching: {
      steps: whole(teaching, 'steps', 0),
      rows: whole(teaching, 'rows', 1),
      learningRate: teaching.number('learningRate', { min: 0 }),
    },
    sixths: reader.numbers('sixths'),
    gate: reader.number('gate', { min: 0, max: 1 }),
    fit: whole(prompts, 'fit', 32),
    measured: whole(prompts, 'measured', 1),
    rows: whole(reader, 'rows', 1),
    threads: whole(reader, 'threads', 1),
    seed: whole(reader, 'seed', 0),
  };
  const { wording, shape, sixths } = read;
  const words = Math.min(wording.keys.length, wording.values.length);
  if (shape.objects > Math.min(words, shape.slots))
    reader.refuse('objects', `at most the slots (${shape.slots}) and the words (${words})`, `${shape.objects}`);
  // Without it prompts would be drawn for ever.
  if (!canAskHeldOut(wording.keys.length, wording.values.length, shape))
    reader.refuse(
      'prompt.values',
      `enough for each key to have ${shape.objects} of its own, as one pairing in ${HELD_OUT_OF} is asked: ${HELD_OUT_OF * shape.objects} values are`,
      `${wording.values.length}`,
    );
  if (
    sixths.length === 0 ||
    sixths.some((sixth, i) => !Number.isInteger(sixth) || sixth < 0 || sixth > 6 || sixth <= (sixths[i - 1] ?? -1))
  )
    reader.refuse('sixths', 'whole numbers from 0 to 6, ascending', JSON.stringify(sixths));
  for (const part of [teaching, prompts, reader]) part.done();
  return read;
}

function readWording(reader: ConfigReader): Wording {
  const texts = (name: string, least: number): readonly string[] => {
    const list = reader.json(name);
    if (Array.isArray(list) && list.length >= least && list.every((one): one is string => typeof one === 'string'))
      return list;
    return reader.refuse(name, `a list of ${least} texts or more`, JSON.stringify(list));
  };
  const template = (name: string, ...marks: readonly string[]): string => {
    const text = textOf(reader, name);
    const isWhole = marks.every((mark) => text.split(mark).length === 2);
    return isWhole ? text : reader.refuse(name, `a text with ${marks.join(' and ')} in it, once`, JSON.stringify(text));
  };
  const wording = {
    start: textOf(reader, 'start'),
    sentence: template('sentence', '{key}', '{value}'),
    query: template('query', '{key}'),
    fillers: texts('fillers', 1),
    // Maps are fitted on seven of eight keys.
    keys: texts('keys', 8),
    values: texts('values', 2),
  };
  reader.done();
  return wording;
}

function textOf(reader: ConfigReader, name: string): string {
  const text = reader.json(name);
  return typeof text === 'string' ? text : reader.refuse(name, 'a text', JSON.stringify(text));
}
