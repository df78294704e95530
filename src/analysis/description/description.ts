/** What stands beside the verdicts: variance shares, ANCOVA, the map of what would change a verdict, and the screen. */
import type { Rng } from '#base/rng.ts';
import type { Study } from '#study/study.ts';
import type { Description, ExploratoryRecord } from '#analysis/records/analysis-record.ts';
import { ancovaOf, decompositionOf } from './ancova.ts';
import { familyP, pByName, testableTables, type ContrastResult } from '#analysis/verdict/contrast-result.ts';
import { heatMapOf } from './heat-map.ts';
import { observationsOf } from './observations.ts';
import { matchingResults } from '#analysis/records/record.ts';
import { benjaminiHochberg } from '#analysis/stats/benjamini-hochberg.ts';
import { contrastName, type Judged } from '#analysis/verdict/verdict.ts';

/** The description beside one verdict; none where there is no verdict. */
export function descriptionOf(
  result: ContrastResult,
  judged: Judged | undefined,
  study: Pick<Study, 'matchOn'>,
): Description[] {
  if (judged === undefined) return [];
  const { contrast, outcome, pair, matched } = result;
  const observations = observationsOf(pair, matched, study.matchOn, outcome.name);
  const { evidence, rule, blockers } = judged;
  const tables = new Map(testableTables(result).map((table) => [table.name, table]));
  return [
    {
      contrast: contrastName(contrast),
      outcome: outcome.name,
      decomposition: decompositionOf(observations),
      ancova: ancovaOf(observations),
      ...(evidence === undefined
        ? {}
        : {
            heatMap: heatMapOf(
              evidence,
              (matching, level) => tables.get(matching)?.levels[level] ?? 'all',
              rule,
              blockers.length > 0,
            ),
          }),
    },
  ];
}

/** Exploratory outcomes: each tested alone, screened together by Benjamini-Hochberg. */
export function exploratoryRecords(results: readonly ContrastResult[], rng: Rng): ExploratoryRecord[] {
  const screened = results.map((result) => {
    const p = pByName(result, familyP([result], rng).single);
    const singles = testableTables(result).filter((table) => table.name !== 'joint');
    const largest = singles.length === 0 ? null : Math.max(...singles.map((table) => p(table.name)));
    return { result, p, largest };
  });
  const known = screened.flatMap(({ largest }) => (largest === null ? [] : [largest]));
  const qs = benjaminiHochberg(known);
  let next = 0;
  return screened.map(({ result, p, largest }) => ({
    contrast: contrastName(result.contrast),
    outcome: result.outcome.name,
    matchings: matchingResults(result.matched, p),
    p: largest,
    q: largest === null ? null : (qs[next++] ?? null),
  }));
}
