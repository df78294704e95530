/** What finetuning runs read from files, ready for training: the model's weights, the rows as tokens, the evaluations. */
import { AssayError } from '#base/errors.ts';
import { rngOf } from '#base/rng.ts';
import type { FrozenInputs } from '#engine/session.ts';
import type { LearnedTurns } from '#learning/data/assistant-spans.ts';
import { questionOf, splitHeldOut } from '#learning/data/held-out-split.ts';
import { arrangeRows, type Sequences } from '#learning/data/sequences.ts';
import { tokenizeRows, type TokenizeSetup, type TokenRow } from '#learning/data/token-rows.ts';
import { type NumberedRow, readTrainingRows } from '#learning/data/training-row.ts';
import { type ModelFiles, neededTokenizer } from '#learning/files/model-files.ts';
import { openModel } from '#learning/files/open-model.ts';
import { fileWeights, frozenInputs, writeWeights } from '#learning/files/tensors/weights-file.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { transformerParameters } from '#learning/models/parameters.ts';
import type { Weights } from '#learning/weights.ts';
import type { KnownScores } from '#measures/evaluation-line.ts';

import { type StartingWeights, startingWeights } from './adapter.ts';
import type { FinetuneConfig } from './config.ts';
import { type Evaluations, prepareEvaluations, readEvaluations } from './evaluations.ts';
import { finetunePaths } from './files.ts';

/** So many training rows are kept for readers. */
const FIRST_ROWS = 3;

/** The parts of a config that decide what is read. */
export type MaterialConfig = Pick<FinetuneConfig, 'model' | 'data' | 'evals' | 'adapter' | 'rows'> & {
  readonly probe: Pick<FinetuneConfig['probe'], 'rows'>;
};

/** All of it fixed: the same for every run of the same files. */
export interface Material {
  readonly model: TransformerConfig;
  /** The base's, and the factors of an adapter that is continued. */
  readonly weights: Weights;
  /** The base's as programs map them; absent where they are held in memory. */
  readonly frozen?: FrozenInputs;
  /** The rows to train on. */
  readonly train: Sequences;
  /** Some of the training rows, which measure the training loss. */
  readonly trainProbe: Sequences;
  /** Rows whose questions are never trained on. */
  readonly heldOutProbe: Sequences;
  readonly evaluations: Evaluations;
  /** The first training rows as text, for readers: pieces, with whether they are learned. */
  readonly firstRows: readonly (readonly RowPiece[])[];
}

/** A piece of a row: tokens in a row that are all learned, or none. */
export interface RowPiece {
  readonly text: string;
  readonly learned: boolean;
}

/** Makes a file of weights that the machine's processes share, where `write` says; resolves with its path. */
export type ShareFile = (write: (path: string) => Promise<void>) => Promise<string>;

/**
 * Reads everything.
 * @param share Where given, weights stay in a file that programs map; else they are held in memory.
 * @throws AssayError naming the file and line of what cannot be used.
 */
export async function readMaterial(config: MaterialConfig, known?: KnownScores, share?: ShareFile): Promise<Material> {
  const paths = finetunePaths(config);
  const rows = await readTrainingRows(paths.data);
  const extra = paths.mixIn === '' ? [] : await readTrainingRows(paths.mixIn);
  const items = paths.evals === '' ? [] : await readEvaluations(paths.evals, known);
  const { train, heldOut } = splitHeldOut(rows, config.rows.heldOutFraction);
  refuseLeaks(heldOut, extra, paths.mixIn);
  await using files = await openModel(paths.model, { now: dateOf(config.rows) });
  const most = longestRow(files, config.rows);
  const limit: RowLimit = { most, length: config.rows.length, truncate: config.rows.truncate };
  const tokenize = tokenizerOf(files, config.rows.learnedTurns, limit);
  const probeOf = (part: readonly NumberedRow[]): Sequences =>
    padded(tokenize(someOf(part, config.probe.rows), paths.data), most);
  const trained = [...tokenize(train, paths.data), ...tokenize(extra, paths.mixIn)];
  const whole = tokenizerOf(files, config.rows.learnedTurns, { ...limit, truncate: false });
  return {
    model: files.config,
    ...(await readWeights(files, await startingWeights(files, paths.adapter, config.adapter.use), share)),
    train: config.rows.packing ? arrangeRows(trained, most, 'pack', 0) : padded(trained, most),
    trainProbe: probeOf(train),
    heldOutProbe: probeOf(heldOut),
    firstRows: trained.slice(0, FIRST_ROWS).map((row) => piecesOf(row, files)),
    evaluations: prepareEvaluations(items, files, (asked) => padded(whole(asked, paths.evals), most)),
  };
}

/** A row's text by whether it is learned, special tokens and all: what the model met. */
function piecesOf({ ids, lossMask }: TokenRow, { tokenizer }: ModelFiles): readonly RowPiece[] {
  const pieces: { ids: number[]; learned: boolean }[] = [];
  for (const [t, id] of ids.entries()) {
    const learned = lossMask[t] === 1;
    const last = pieces.at(-1);
    if (last?.learned === learned) last.ids.push(id);
    else pieces.push({ ids: [id], learned });
  }
  return pieces.map((piece) => ({ text: tokenizer?.decode(piece.ids) ?? '', learned: piece.learned }));
}

/** The day that chat templates are told which ask for it. */
export function dateOf({ date }: Pick<FinetuneConfig['rows'], 'date'>): Date {
  return new Date(`${date}T00:00:00Z`);
}

/** The held-out set shares no question with anything that is trained on. */
function refuseLeaks(heldOut: readonly NumberedRow[], extra: readonly NumberedRow[], path: string): void {
  const kept = new Map(heldOut.map(({ row, line }) => [questionOf(row), line]));
  for (const { row, line } of extra) {
    const leaked = kept.get(questionOf(row));
    if (leaked === undefined) continue;
    throw new AssayError(
      'data',
      `${path}:${line}: expected questions that the data does not hold out, found that of its line ${leaked}.`,
    );
  }
}

/** The same rows for every run: drawn once, kept in file order. */
function someOf(rows: readonly NumberedRow[], most: number): readonly NumberedRow[] {
  const chosen = rngOf('probe rows').permutation(rows.length).subarray(0, most).toSorted();
  return Array.from(chosen, (index) => rows[index]).filter((row) => row !== undefined);
}

/** One row a sequence, as long as the longest, cut where that is longer than allowed. */
function padded(rows: readonly TokenRow[], most: number): Sequences {
  const longest = rows.reduce((longer, { ids }) => Math.max(longer, ids.length), 2);
  return arrangeRows(rows, Math.min(longest, most), 'pad', 0);
}

/** How long rows may be, in tokens. */
export interface RowLimit {
  readonly most: number;
  /** What the config allows; `most` is less where the model takes less. */
  readonly length: number;
  /** Whether longer rows pass here, to be cut later. */
  readonly truncate: boolean;
}

/** The longest row of a config on its model, in tokens. */
export function longestRow(files: ModelFiles, { length }: Pick<FinetuneConfig['rows'], 'length'>): number {
  return Math.min(length, files.contextLength);
}

/** Tokenizes rows of a file; the result throws AssayError naming `path:line` of a row that is too long. */
export function tokenizerOf(
  files: ModelFiles,
  learnedTurns: LearnedTurns,
  { most, length, truncate }: RowLimit,
): (rows: readonly NumberedRow[], path: string) => TokenRow[] {
  const setup: TokenizeSetup = { tokenizer: neededTokenizer(files), chatTemplate: files.chatTemplate, learnedTurns };
  return (rows, path) => {
    const tokenized = tokenizeRows(rows, setup, path);
    for (const { line, ids } of tokenized) {
      if (ids.length > most && !truncate) throw tooLong(`${path}:${line}`, ids.length, most, length);
      const unknown = ids.find((id) => id >= files.config.vocabulary);
      if (unknown === undefined) continue;
      throw new AssayError(
        'file',
        `${path}:${line}: token ${unknown} is beyond the model's ${files.config.vocabulary}.`,
      );
    }
    return tokenized;
  };
}

function tooLong(where: string, found: number, most: number, length: number): AssayError {
  const remedy =
    most < length ? 'the model takes no more' : 'raise rows.length, set rows.truncate=true, or shorten the row';
  return new AssayError('data', `${where}: expected at most ${most} tokens, found ${found}; ${remedy}.`);
}

async function readWeights(
  files: ModelFiles,
  { tensor, factors }: StartingWeights,
  share: ShareFile | undefined,
): Promise<Pick<Material, 'weights' | 'frozen'>> {
  const specs = transformerParameters(files.config);
  if (share === undefined) {
    const weights = new Map(factors);
    for (const { name } of specs) weights.set(name, await tensor(name));
    return { weights };
  }
  const path = await share((temporary) => writeWeights(temporary, specs, tensor));
  const base = fileWeights(path, specs);
  const weights: Weights = {
    has: (name) => factors.has(name) || base.has(name),
    get: (name) => factors.get(name) ?? base.get(name),
    fill: (name, target) => {
      const factor = factors.get(name);
      if (factor === undefined) base.fill?.(name, target);
      else target.set(factor);
    },
  };
  return { weights, frozen: frozenInputs(path, specs) };
}
