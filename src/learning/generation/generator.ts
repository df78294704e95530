/**
 * Text from a model under the weights of the moment, many prompts at once.
 * Invariant: a reply is a function of the weights, its own prompt, the settings and its own stream of random numbers.
 * Neither the other prompts nor their order nor the row it was computed in show in it: programs have fixed shapes, the
 * shapes follow from the prompt alone, and rows do not meet (a test compares bits).
 */
import { AssayError } from '#base/errors.ts';
import type { Rng } from '#base/rng.ts';
import type { Program } from '#engine/session.ts';
import type { TransformerConfig } from '#learning/models/config.ts';

import { type Cache, cacheOf } from './cache.ts';
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
  prefill(length: number): Promise<Program>;
  decode(rows: number, capacity: number): Promise<Program>;
}

/** A generator whose programs come from `source`; each is asked for once. */
export function generatorOf(config: TransformerConfig, setup: GeneratorSetup, source: ProgramSource): Generator {
  const { rows, contextLength } = setup;
  const most = config.positions.kind === 'learned' ? Math.min(contextLength, config.positions.length) : contextLength;
  const prefills = new Map<number, Promise<Program>>();
  const decoders = new Map<number, Promise<Decoder>>();
  const prefill = async (prompt: Prompt): Promise<Prefilled> => {
    const length = programLength(prompt.tokens.length, most);
    const program = await once(prefills, length, async () => source.prefill(length));
    const tokens = program.int32('tokens');
    tokens.fill(0);
    tokens.set(prompt.tokens);
    program.int32('last')[0] = prompt.tokens.length - 1;
    await program.run();
    return { prompt, program, padded: length };
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
        await decodeAll(decoder, options, jobsOf(group, options, most, replies), prefill);
      }
      return prompts.map((prompt) => replies.get(prompt) ?? []);
    },
  };
}

/** The replies to make, a prompt's samples one after another, so that it is read once. */
function* jobsOf(
  prompts: readonly Prompt[],
  { samples, rng, maxTokens }: GenerationOptions,
  most: number,
  replies: ReadonlyMap<Prompt, Reply[]>,
): IterableIterator<Job> {
  for (const prompt of prompts) {
    const own = replies.get(prompt) ?? [];
    const room = Math.min(maxTokens, most - prompt.tokens.length);
    for (let sample = 0; sample < samples; sample++) {
      const done = (reply: Reply): void => {
        own[sample] = reply;
      };
      yield { prompt, rng: rng.split(`${prompt.name}/${sample}`), room, done };
    }
  }
}

/** One reply to make. */
interface Job {
  readonly prompt: Prompt;
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

/** A prompt that a prefill program has just read. */
interface Prefilled {
  readonly prompt: Prompt;
  readonly program: Program;
  /** Tokens the program reads, the padding included. */
  readonly padded: number;
}

/** Makes every reply: a row that becomes free takes the next one, so that long replies hold up no others. */
async function decodeAll(
  decoder: Decoder,
  options: GenerationOptions,
  jobs: IterableIterator<Job>,
  prefill: (prompt: Prompt) => Promise<Prefilled>,
): Promise<void> {
  const { program, cache, rows } = decoder;
  const slots = new Array<Slot | undefined>(rows).fill(undefined);
  let read: Prefilled | undefined;
  /** Begins the next reply that does not end at once. */
  const begin = async (row: number): Promise<Slot | undefined> => {
    for (let next = jobs.next(); next.done !== true; next = jobs.next()) {
      const job = next.value;
      if (read?.prompt !== job.prompt) read = await prefill(job.prompt);
      const slot: Slot = { job, tokens: [] };
      if (isOver(slot, read.program.float32('logits'), options)) continue;
      cache.begin(row, read.program, read.padded, job.prompt.tokens.length);
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
    const logits = program.float32('logits');
    const width = logits.length / rows;
    for (const [row, slot] of slots.entries()) {
      if (slot === undefined) continue;
      cache.append(row, positionOf(slot));
      if (!isOver(slot, logits.subarray(row * width, (row + 1) * width), options)) continue;
      cache.end(row);
      slots[row] = undefined;
    }
  }
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

async function once<Value>(
  known: Map<number, Promise<Value>>,
  key: number,
  make: () => Promise<Value>,
): Promise<Value> {
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}

/** Lets messages in: the programs' runs block the thread. */
async function otherEvents(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
