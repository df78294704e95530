/** What is in the files of a finetuning config, tokenized as its runs will: for the user to check before any training. */
import { splitHeldOut } from '#learning/data/held-out-split.ts';
import { arrangeRows } from '#learning/data/sequences.ts';
import type { TokenRow } from '#learning/data/token-rows.ts';
import { type NumberedRow, readTrainingRows } from '#learning/data/training-row.ts';
import { openModel } from '#learning/files/open-model.ts';
import type { FileSummary } from '#study/recipe.ts';

import type { FinetuneConfig } from './finetune-config.ts';
import { finetunePaths } from './finetune-files.ts';
import { longestRow, readChoices, tokenizerOf } from './finetune-material.ts';

/** One entry a file. @throws AssayError naming the file and line of what cannot be used. */
export async function summarizeFiles(config: FinetuneConfig): Promise<readonly FileSummary[]> {
  const paths = finetunePaths(config);
  await using files = await openModel(paths.model);
  const most = longestRow(files, config);
  const tokenize = tokenizerOf(files, config.learnedTurns, { most, length: config.length, truncate: config.truncate });
  const whole = tokenizerOf(files, config.learnedTurns, { most, length: config.length, truncate: false });
  const trained = (path: string, rows: readonly NumberedRow[]): Readonly<Record<string, number>> =>
    countsOf(tokenize(rows, path), most, config.packing);
  const rows = await readTrainingRows(paths.data);
  const { heldOut } = splitHeldOut(rows, config.heldOutFraction);
  const summaries: FileSummary[] = [
    { file: config.data, counts: { ...trained(paths.data, rows), 'held-out rows': heldOut.length } },
  ];
  if (paths.mixIn !== '') {
    summaries.push({ file: config.mixIn, counts: trained(paths.mixIn, await readTrainingRows(paths.mixIn)) });
  }
  if (paths.evals === '') return summaries;
  const items = await readChoices(paths.evals);
  const answers = items.flatMap(({ line, rows: asked }) => asked.map((row) => ({ line, row })));
  const { rows: choices = 0, ...counts } = countsOf(whole(answers, paths.evals), most, false);
  return [...summaries, { file: config.evals, counts: { questions: items.length, choices, ...counts } }];
}

function countsOf(rows: readonly TokenRow[], most: number, packing: boolean): Record<string, number> {
  const { report } = arrangeRows(rows, most, packing ? 'pack' : 'pad', 0);
  const cut = { 'truncated rows': report.truncatedRows, 'dropped rows': report.droppedLines.length };
  return {
    rows: rows.length,
    tokens: rows.reduce((sum, { ids }) => sum + ids.length, 0),
    'learned tokens': report.learnedTokens,
    'longest row': rows.reduce((longest, { ids }) => Math.max(longest, ids.length), 0),
    ...(report.truncatedRows > 0 ? { ...cut, 'truncated tokens': report.truncatedTokens } : {}),
    ...(packing ? { sequences: report.sequences } : {}),
  };
}
