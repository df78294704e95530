/** What is in the files of a finetuning config, tokenized as its runs will: for the user to check before any training. */
import { fileStatistics } from '#learning/data/file-statistics.ts';
import { splitHeldOut } from '#learning/data/held-out-split.ts';
import { arrangeRows } from '#learning/data/sequences.ts';
import type { TokenRow } from '#learning/data/token-rows.ts';
import { type NumberedRow, readTrainingRows } from '#learning/data/training-row.ts';
import type { GenerationConfig as ModelSampling } from '#learning/files/model-files.ts';
import { openModel } from '#learning/files/open-model.ts';
import { applyMethod } from '#learning/method.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import type { KnownScores } from '#measures/evaluation-line.ts';
import { checkWeights } from '#recipes/text-model-files.ts';
import type { FileSummary } from '#study/recipe.ts';

import { checkContinues, startingWeights } from './adapter.ts';
import type { FinetuneConfig } from './config.ts';
import type { GenerationConfig } from './evaluation-config.ts';
import { prepareEvaluations, readEvaluations } from './evaluations.ts';
import { finetunePaths } from './files.ts';
import { dateOf, longestRow, tokenizerOf } from './material.ts';

interface Limit {
  /** Tokens a row may have. */
  readonly most: number;
  readonly packing: boolean;
  /** The tokenizer's special tokens as they are written. */
  readonly specialTexts: readonly string[];
}

/** The files of a config, read: an entry a file, and what the model is. */
export interface ReadFiles {
  readonly summaries: readonly FileSummary[];
  readonly model: TransformerConfig;
}

/**
 * Refuses a method under which no run of a config could begin.
 * @throws AssayError naming what the model lacks, or how an adapter that is continued differs.
 */
export async function checkMethod(
  { method, adapter, ...config }: FinetuneConfig,
  model: TransformerConfig,
): Promise<void> {
  applyMethod(method, model);
  if (adapter.path === '' || adapter.use !== 'continue') return;
  await checkContinues(finetunePaths({ ...config, adapter }).adapter, method, model);
}

/** Reads the files of a config. @throws AssayError naming the file and line of what cannot be used. */
export async function readFiles(config: FinetuneConfig, known: KnownScores): Promise<ReadFiles> {
  const paths = finetunePaths(config);
  await using files = await openModel(paths.model, { now: dateOf(config.rows) });
  await startingWeights(files, paths.adapter, config.adapter.use);
  await checkWeights(files); // What is broken is refused here, not in the first run of every arm.
  const most = longestRow(files, config.rows);
  const { learnedTurns, length, truncate, packing, heldOutFraction, mixIn } = config.rows;
  const tokenize = tokenizerOf(files, learnedTurns, { most, length, truncate });
  const whole = tokenizerOf(files, learnedTurns, { most, length, truncate: false });
  const specialTexts = files.tokenizer?.specialTexts ?? [];
  const trained = (path: string, rows: readonly NumberedRow[]): Readonly<Record<string, number>> =>
    countsOf(rows, tokenize(rows, path), { most, packing, specialTexts });
  const rows = await readTrainingRows(paths.data);
  const { heldOut } = splitHeldOut(rows, heldOutFraction);
  const summaries: FileSummary[] = [
    { file: config.data, counts: { ...trained(paths.data, rows), 'held-out rows': heldOut.length } },
  ];
  if (paths.mixIn !== '') {
    summaries.push({ file: mixIn, counts: trained(paths.mixIn, await readTrainingRows(paths.mixIn)) });
  }
  const read = { summaries, model: files.config };
  if (paths.evals === '') return read;
  const items = await readEvaluations(paths.evals, known);
  const scored = items.flatMap((item) =>
    item.kind === 'choices' ? item.rows.map((row) => ({ line: item.line, row })) : item.kind === 'text' ? [item] : [],
  );
  const replies = items.filter(({ kind }) => kind === 'reply');
  // Lines whose replies are generated have nothing to score beforehand, and a file may hold no others.
  const scoredCounts = (): Readonly<Record<string, number>> => {
    if (scored.length === 0) return {};
    const { rows: texts = 0, ...counts } = countsOf(scored, whole(scored, paths.evals), {
      most,
      packing: false,
      specialTexts,
    });
    return { 'texts to score': texts, ...counts };
  };
  prepareEvaluations(replies, files, () => arrangeRows([], 2, 'pad', 0)); // Refuses questions the model cannot take.
  summaries.push({
    file: config.evals,
    counts: {
      questions: items.length,
      ...scoredCounts(),
      ...(replies.length === 0 ? {} : { 'replies to generate': replies.length * config.replies.generation.samples }),
    },
    ...(replies.length === 0 ? {} : { notes: samplingNotes(files.generation, config.replies.generation) }),
  });
  return read;
}

/** Where a model's own file says other than how replies are sampled: replies are compared across models, so it is not followed. */
function samplingNotes(own: ModelSampling, used: GenerationConfig): readonly string[] {
  const names = ['temperature', 'topP', 'topK', 'maxTokens'] as const;
  const others = names.filter((name) => own[name] !== undefined && own[name] !== used[name]);
  const isOther = own.isSampled !== undefined && own.isSampled !== used.temperature > 0;
  const choice = isOther ? [own.isSampled ? 'sampled tokens' : 'the most probable tokens'] : [];
  const said = [...choice, ...others.map((name) => `${name} ${own[name]}`), ...(own.unread ?? [])];
  if (said.length === 0) return [];
  const sampled = names.map((name) => `${name} ${used[name]}`).join(', ');
  return [
    `The model's ${own.from ?? 'file'} asks for ${said.join(', ')}; replies are sampled at ${sampled} (replies.generation)`,
  ];
}

function countsOf(rows: readonly NumberedRow[], tokenRows: readonly TokenRow[], limit: Limit): Record<string, number> {
  const { differentQuestions, repeatedRows, tokens, ignoredKeys, rowsWithSpecialText } = fileStatistics(
    rows,
    tokenRows,
    limit.specialTexts,
  );
  const ignored = Object.entries(ignoredKeys ?? {}).map(([key, count]) => [
    `rows with an unused key "${key.slice(0, 80)}"`,
    count,
  ]);
  const { report } = arrangeRows(tokenRows, limit.most, limit.packing ? 'pack' : 'pad', 0);
  const cut = {
    'truncated rows': report.truncatedRows,
    'truncated tokens': report.truncatedTokens,
    'dropped rows': report.droppedLines.length,
  };
  return {
    rows: rows.length,
    'different questions': differentQuestions,
    ...(repeatedRows > 0 ? { 'repeated rows': repeatedRows } : {}),
    tokens: tokens?.total ?? 0,
    'learned tokens': report.learnedTokens,
    'tokens in the longest row': tokens?.max ?? 0,
    ...(report.truncatedRows > 0 ? cut : {}),
    ...(rowsWithSpecialText > 0 ? { 'rows whose text holds special tokens': rowsWithSpecialText } : {}),
    ...Object.fromEntries(ignored),
    ...(limit.packing ? { sequences: report.sequences } : {}),
  };
}
