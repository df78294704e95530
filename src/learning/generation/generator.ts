/**
 * Text from a model under the weights of the moment, many prompts at once.
 * Invariant: a reply is a function of the weights, its own prompt, the settings and its own stream of random numbers.
 * Neither the other prompts nor their order nor the row it was computed in show in it: programs have fixed shapes, the
 * shapes follow from the prompt alone or change no bit (`promptsAtOnce`), and rows do not meet (tests compare bits).
 */
import { AssayError } from '#base/errors.ts';
import type { Rng } from '#base/rng.ts';
import type { Program } from '#engine/session.ts';
import type { TransformerConfig } from '#learning/models/config.ts';

import { type Cache, cacheOf, type ReadPrompt } from './cache.ts';
import { positionFeeder } from './programs.ts';
import { chooseToken, type TokenChoice } from './sampling.ts';

/** A prompt; the name decides its random numbers. */
export interface Prompt {
  readonly name: string;
  /** Token ids, shape [T]. */
  readonly tokens: Int32Array;
}

export interface GenerationOptions extends TokenChoice {
  /** The longest reply, in tokens; shorter where the model's context ends. */
  readonly maxTokens: number;
  /** Replies a prompt. */
  readonly samples: number;
  /** Tokens that end a reply; they are no part of it. */
  readonly stopTokens: ReadonlySet<number>;
  /** Whether a reply is complete as it stands, for stop strings; asked after each token. */
  readonly isComplete?: (tokens: readonly number[]) => boolean;
  /** The stream that all replies' streams are split from, by prompt name and sample. */
  readonly rng: Rng;
  /** Aborted: `generate` throws its reason. */
  readonly signal?: AbortSignal;
}

/** What a model said. */
export interface Reply {
  readonly tokens: readonly number[];
  /** `stop`: it ended by itself; `length`: it was cut. */
  readonly end: 'stop' | 'length';
}

export interface Generator {
  /**
   * The replies to each prompt, in the prompts' order, `samples` each.
   * @throws AssayError on a prompt that is empty or fills the context, and on logits that are no numbers.
   */
  generate(prompts: readonly Prompt[], options: GenerationOptions): Promise<readonly (readonly Reply[])[]>;
}

/** The sizes a generator works with. */
export interface GeneratorSetup {
  /** Replies under way at once; numbers may depend on it in their last bits. */
  readonly rows: number;
  /** The most tokens of prompt and reply together. */
  readonly contextLength: number;
}

/** Makes a program once it is needed; weights are bound and stay so. */
export interface ProgramSource {
  /** Reads so many prompts at once. */
  prefill(rows: number, length: number): Promise<Program>;
  /** How many prompts of a program's length to read at once; a prompt's numbers must not depend on it. */
  promptsAtOnce(length: number): number;
  decode(rows: number, capacity: number): Promise<Program>;
}

/** A generator whose programs come from `source`; each is asked for once. */
export function generatorOf(config: TransformerConfig, setup: GeneratorSetup, source: ProgramSource): Generator {
  const { rows, contextLength } = setup;
  const most = config.positions.kind === 'learned' ? Math.min(contextLength, config.positions.length) : contextLength;
  const prefills = new Map<string, Promise<Program>>();
  const decoders = new Map<number, Promise<Decoder>>();
  const prefill = async ({ prompts, padded }: Reading): Promise<Program> => {
    const key = `${prompts.length} x ${padded}`;
    const program = await once(prefills, key, async () => source.prefill(prompts.length, padded));
    const [tokens, last] = [program.int32('tokens').fill(0), program.int32('last')];
    for (const [place, prompt] of prompts.entries()) {
      tokens.set(prompt.tokens, place * padded);
      last[place] = place * padded + prompt.tokens.length - 1;
    }
    await program.run();
    return program;
  };
  return {
    async generate(prompts, options) {
      for (const prompt of prompts) checkPrompt(prompt, most);
      const replies = new Map(prompts.map((prompt): [Prompt, Reply[]] => [prompt, []]));
      const needed = ({ tokens }: Prompt): number => programLength(tokens.length + options.maxTokens, most);
      for (const [capacity, group] of Map.groupBy(prompts, needed)) {
        const decoder = await once(decoders, capacity, async () =>
          decoderOf(await source.decode(rows, capacity), config, rows, capacity),
        );
        decoder.cache.clear();
        const readings = readingsOf(group, most, source);
        await decodeAll(decoder, options, jobsOf(readings, options, most, replies), prefill);
      }
      return prompts.map((prompt) => replies.get(prompt) ?? []);
    },
  };
}

/** Prompts that are read at once, in rows of one length. */
interface Reading {
  readonly prompts: readonly Prompt[];
  /** Tokens of a row, the padding included. */
  readonly padded: number;
}

/** Each prompt in one reading; those that fill none are read alone, so that a length needs two programs at most. */
function* readingsOf(
  prompts: readonly Prompt[],
  most: number,
  { promptsAtOnce }: ProgramSource,
): IterableIterator<Reading> {
  for (const [padded, alike] of Map.groupBy(prompts, ({ tokens }) => programLength(tokens.length, most))) {
    const full = promptsAtOnce(padded);
    for (let from = 0; from < alike.length;) {
      const rows = from + full <= alike.length ? full : 1;
      yield { prompts: alike.slice(from, from + rows), padded };
      from += rows;
    }
  }
}

/** The replies to make, a prompt's samples one after another, so that it is read once. */
function* jobsOf(
  readings: Iterable<Reading>,
  { samples, rng, maxTokens }: GenerationOptions,
  most: number,
  replies: ReadonlyMap<Prompt, Reply[]>,
): IterableIterator<Job> {
  for (const reading of readings) {
    for (const [place, prompt] of reading.prompts.entries()) {
      const own = replies.get(prompt) ?? [];
      const room = Math.min(maxTokens, most - prompt.tokens.length);
      for (let sample = 0; sample < samples; sample++) {
        const done = (reply: Reply): void => {
          own[sample] = reply;
        };
        yield { prompt, reading, place, rng: rng.split(`${prompt.name}/${sample}`), room, done };
      }
    }
  }
}

/** One reply to make. */
interface Job {
  readonly prompt: Prompt;
  /** What reads the prompt, and in which of its rows. */
  readonly reading: Reading;
  readonly place: number;
  readonly rng: Rng;
  /** Tokens it may have. */
  readonly room: number;
  done(reply: Reply): void;
}

/** A reply under way in a row. */
interface Slot {
  readonly job: Job;
  /** At least one: the newest has not been read by the model yet. */
  readonly tokens: number[];
}

/** A decode program with its memory. */
interface Decoder {
  readonly program: Program;
  readonly cache: Cache;
  readonly rows: number;
  /** Feeds the tokens at their positions. */
  feed(slots: readonly (Slot | undefined)[]): void;
}

/** Makes every reply: a row that becomes free takes the next one, so that long replies hold up no others. */
async function decodeAll(
  decoder: Decoder,
  options: GenerationOptions,
  jobs: IterableIterator<Job>,
  prefill: (reading: Reading) => Promise<Program>,
): Promise<void> {
  const { program, cache, rows } = decoder;
  const slots = new Array<Slot | undefined>(rows).fill(undefined);
  let read: { readonly reading: Reading; readonly program: Program } | undefined;
  /** Begins the next reply that does not end at once. */
  const begin = async (row: number): Promise<Slot | undefined> => {
    for (let next = jobs.next(); next.done !== true; next = jobs.next()) {
      const job = next.value;
      const { prompt, reading, place } = job;
      if (read?.reading !== reading) read = { reading, program: await prefill(reading) };
      const slot: Slot = { job, tokens: [] };
      if (isOver(slot, rowOf(read.program, place), options)) continue;
      const found: ReadPrompt = { program: read.program, place, padded: reading.padded, length: prompt.tokens.length };
      cache.begin(row, found);
      return slot;
    }
    return undefined;
  };
  for (;;) {
    for (const row of slots.keys()) slots[row] ??= await begin(row);
    if (slots.every((slot) => slot === undefined)) return;
    await otherEvents();
    options.signal?.throwIfAborted();
    decoder.feed(slots);
    await program.run();
    for (const [row, slot] of slots.entries()) {
      if (slot === undefined) continue;
      cache.append(row, positionOf(slot));
      if (!isOver(slot, rowOf(program, row), options)) continue;
      cache.end(row);
      slots[row] = undefined;
    }
  }
}

/** The logits of a program's row. */
function rowOf(program: Program, row: number): Float32Array {
  const width = program.outputs.find(({ name }) => name === 'logits')?.shape[1] ?? 0;
  return program.float32('logits').subarray(row * width, (row + 1) * width);
}

/** Adds the next token, and hands the reply in where that ended it. */
function isOver({ job, tokens }: Slot, logits: Float32Array, options: GenerationOptions): boolean {
  const token = chooseToken(logits, options, () => job.rng.uniform());
  if (token === -1) {
    throw new AssayError(
      'run',
      `Generation of "${job.prompt.name}": expected numbers as logits, found one that is none.`,
    );
  }
  const isStop = options.stopTokens.has(token);
  if (!isStop) tokens.push(token);
  const isComplete = isStop || options.isComplete?.(tokens) === true;
  if (!isComplete && tokens.length < job.room) return false;
  job.done({ tokens, end: isComplete ? 'stop' : 'length' });
  return true;
}

/** Where the slot's newest token stands. */
function positionOf({ job, tokens }: Slot): number {
  return job.prompt.tokens.length + tokens.length - 1;
}

function decoderOf(program: Program, config: TransformerConfig, rows: number, capacity: number): Decoder {
  const feedPosition = positionFeeder(program, config, capacity);
  return {
    program,
    rows,
    cache: cacheOf(program, config, capacity),
    feed(slots) {
      for (const [row, slot] of slots.entries()) {
        program.int32('tokens')[row] = slot?.tokens.at(-1) ?? 0;
        feedPosition(row, slot === undefined ? 0 : positionOf(slot));
      }
    },
  };
}

function checkPrompt({ name, tokens }: Prompt, most: number): void {
  if (tokens.length > 0 && tokens.length < most) return;
  throw new AssayError(
    'data',
    `Generation of "${name}": expected a prompt of 1 to ${most - 1} tokens (the context holds ${most}), found ${tokens.length}.`,
  );
}

/**
 * Lengths that programs are made for: 32, 48, 64, 96, 128, ...; few programs, and at most half of one is padding.
 * It depends on nothing but the length asked for, since the last bits of a reply's numbers depend on it.
 */
function programLength(length: number, most: number): number {
  let power = 32;
  while (power < length) power *= 2;
  const between = (power / 4) * 3;
  return Math.min(most, between >= Math.max(length, 32) ? between : power);
}

async function once<Key, Value>(known: Map<Key, Promise<Value>>, key: Key, make: () => Promise<Value>): Promise<Value> {
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}

/** Lets messages in: the programs' runs block the thread. */
async function otherEvents(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
