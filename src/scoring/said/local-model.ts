/**
 * A model of this machine, read without training: how probable given continuations are, and what it goes on to say.
 * Invariant: what it answers is a function of its weights, the text before and the settings; nothing is kept between questions.
 */
import { AssayError } from '#base/errors.ts';
import type { Rng } from '#base/rng.ts';
import type { Program } from '#engine/session.ts';
import { encodeOpening } from '#learning/data/around-text.ts';
import { arrangeRows } from '#learning/data/sequences.ts';
import { tokenizeRows, type TokenRow } from '#learning/data/token-rows.ts';
import { type ModelFiles, neededTokenizer } from '#learning/files/model-files.ts';
import { openModel } from '#learning/files/open-model.ts';
import { withTimeLimit } from '#learning/files/text/time-limit.ts';
import type { TextTokenizer } from '#learning/files/text/tokenizer.ts';
import { stopTokens } from '#learning/generation/stop-tokens.ts';
import { applyMethod } from '#learning/method.ts';
import { transformerParameters } from '#learning/models/parameters.ts';
import { type BranchedScorer, type Readers, readersOf } from '#learning/readers.ts';
import { answerRows, questionsOf } from '#measures/answer-rows.ts';

/** Who spoke, and what. */
export interface Spoken {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** What stands before a continuation: a conversation, and how the assistant's next turn begins. */
export interface Opening {
  readonly messages: readonly Spoken[];
  /** Such as a thought, with the words that lead on from it. */
  readonly begun: string;
}

/** How a continuation is drawn. */
export interface Drawing {
  readonly maxTokens: number;
  /** 0 takes the most probable token at each step. */
  readonly temperature: number;
  readonly rng: Rng;
  readonly signal?: AbortSignal;
}

/** A model that is open. */
export interface LocalModel extends AsyncDisposable {
  /**
   * How probable each continuation is, given that it is one of these, shape [options]; they sum to 1. The model's end token
   * stands behind each, so that none is the beginning of another. These are probabilities, as sampling would meet them: longer
   * continuations are less probable for the length alone.
   * @throws AssayError where text is longer than the model takes.
   */
  shares(opening: Opening, continuations: readonly string[]): Promise<readonly number[]>;
  /** What it goes on to say, without the tokens that end a turn. */
  say(opening: Opening, drawing: Drawing): Promise<string>;
}

/** Rows are scored in shapes of whole steps, so that few programs are compiled, in tokens. */
const [LENGTH_STEP, LABELS_STEP] = [128, 32];
const TEXT_LIMIT_MS = 60_000;

/**
 * Opens a model folder or GGUF file.
 * @param threads Of its programs.
 * @throws AssayError naming what is missing, wrong or not supported.
 */
export async function openLocalModel(path: string, threads = 1): Promise<LocalModel> {
  await using files = await openModel(path);
  const { config, chatTemplate, contextLength } = files;
  const tokenizer = neededTokenizer(files);
  const weights = new Map<string, Float32Array<ArrayBuffer>>();
  for (const { name } of transformerParameters(config)) weights.set(name, await files.tensor(name));
  const programs: Program[] = [];
  const attach = (program: Program): Program => {
    for (const [name, values] of weights) program.bindIfKnown(name, values);
    programs.push(program);
    return program;
  };
  const readers = readersOf(
    { config, model: applyMethod({ kind: 'full' }, config), frozen: undefined, threads },
    attach,
  );
  const reading: Reading = { path, tokenizer, chatTemplate, contextLength, ends: stopTokens(files) };
  return {
    shares: continuationShares(reading, readers),
    say: sayer(reading, readers),
    async [Symbol.asyncDispose]() {
      for (const program of programs) await program[Symbol.asyncDispose]();
    },
  };
}

/** What text becomes tokens with, weights apart. */
export interface TextReading extends Pick<ModelFiles, 'path' | 'chatTemplate' | 'contextLength'> {
  readonly tokenizer: TextTokenizer;
}

interface Reading extends TextReading {
  readonly ends: ReadonlySet<number>;
}

/**
 * The tokens of each continuation behind its opening, as `LocalModel.shares` reads them: to be asked before there are weights.
 * @throws AssayError where the model's chat template takes no such messages, or text is longer than the model takes.
 */
export function continuationTokens(
  reading: TextReading,
  opening: Opening,
  continuations: readonly string[],
): readonly TokenRow[] {
  const { path, tokenizer, contextLength } = reading;
  const prompt = promptText(reading, opening);
  const rows = continuations.map((completion, i) => ({
    line: i + 1,
    row: { kind: 'completion', prompt, completion } as const,
  }));
  const tokens = tokenizeRows(rows, { tokenizer }, path);
  const longest = Math.max(...tokens.map(({ ids }) => ids.length));
  if (longest > contextLength) throw tooLong(path, longest, contextLength);
  return tokens;
}

function continuationShares(reading: Reading, readers: Readers): LocalModel['shares'] {
  const { path } = reading;
  const scorers = new Map<string, Promise<BranchedScorer>>();
  return async (opening, continuations) => {
    const tokens = continuationTokens(reading, opening, continuations);
    const longest = Math.max(...tokens.map(({ ids }) => ids.length));
    const questions = questionsOf(arrangeRows(tokens, longest, 'pad', 0), [continuations.length]);
    const shape = {
      length: stepped(Math.max(...questions.map(({ length }) => length)), LENGTH_STEP),
      labels: stepped(Math.max(...questions.map(({ labels }) => labels)), LABELS_STEP),
    };
    const key = `${shape.length} ${shape.labels}`;
    const scorer = scorers.get(key) ?? readers.branchedScorer(shape);
    scorers.set(key, scorer);
    const sums = new Float64Array(continuations.length);
    for (const row of answerRows(questions, shape).flatMap((one) => one.rows)) {
      const losses = await (await scorer).losses(row);
      row.sequences.forEach((sequence, i) => {
        sums[sequence] = (sums[sequence] ?? 0) + (losses[i] ?? Number.NaN);
      });
    }
    return normalised(
      Array.from(sums, (nats) => -nats),
      path,
    );
  };
}

function sayer(reading: Reading, readers: Readers): LocalModel['say'] {
  const { path, tokenizer, contextLength, ends } = reading;
  const generator = readers.generator({ rows: 1, contextLength });
  return async (opening, { maxTokens, temperature, rng, signal }) => {
    const prompt = promptText(reading, opening);
    const encode = (): readonly number[] => encodeOpening(tokenizer, prompt);
    const ids = Int32Array.from(withTimeLimit(TEXT_LIMIT_MS, () => slow(path), encode));
    if (ids.length >= contextLength) throw tooLong(path, ids.length, contextLength - 1);
    const options = { maxTokens, temperature, topP: 1, samples: 1, stopTokens: ends, rng, ...(signal && { signal }) };
    const [replies] = await generator.generate([{ name: 'continuation', tokens: ids }], options);
    // A model's embedding may have more rows than its tokenizer has tokens: those have no text.
    const known = (replies?.[0]?.tokens ?? []).filter((id) => tokenizer.tokenOf(id) !== undefined);
    return tokenizer.decode(known, 'skip');
  };
}

/** A conversation by the model's template, or as plain lines where it brings none; then how the assistant began. */
function promptText(
  { chatTemplate, path }: Pick<ModelFiles, 'chatTemplate' | 'path'>,
  { messages, begun }: Opening,
): string {
  const render = (): string =>
    chatTemplate === undefined
      ? `${messages.map(({ role, content }) => `${role}: ${content}\n`).join('')}assistant: `
      : chatTemplate.render(
          messages.map(({ role, content }) => ({ role, content })),
          { addGenerationPrompt: true },
        );
  return `${withTimeLimit(TEXT_LIMIT_MS, () => slow(path), render)}${begun}`;
}

function slow(path: string): string {
  return `${path}: the model's chat template or tokenizer did not finish in ${TEXT_LIMIT_MS} ms.`;
}

function tooLong(path: string, found: number, most: number): AssayError {
  return new AssayError(
    'data',
    `${path}: expected text of at most ${most} tokens, found ${found}; the model takes no more.`,
  );
}

function stepped(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/** exp of log-probabilities, normalised. @throws AssayError where one is no number. */
function normalised(logs: readonly number[], path: string): readonly number[] {
  const most = Math.max(...logs);
  const weights = logs.map((log) => Math.exp(log - most));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (!Number.isFinite(sum))
    throw new AssayError('run', `${path}: expected finite log-probabilities, found ${logs.join(', ')}.`);
  return weights.map((weight) => weight / sum);
}
