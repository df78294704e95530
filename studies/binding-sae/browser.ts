/** A dictionary to look at: some features, the true one each is nearest to, its bound partner, and the rows where it is strongest. */
import { type PairMatch, recovery, type Sae, saeReader, dictionaryOf } from 'assay/learn';

import { BATCH_ROWS, inOrder } from './models.ts';
import type { Rows, Truth } from './world.ts';

const SHOWN = 12;
const EXAMPLES = 3;

/** A table beside a run's numbers, as reports show it. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The first features of the dictionary over the first rows held out. */
export async function browserOf(sae: Sae, { pairs }: PairMatch, truth: Truth, rows: Rows): Promise<Table> {
  const { dIn: d, dSae } = sae.config;
  const truths = Float32Array.from(truth.features.values);
  const learned = dictionaryOf(sae.config, sae.weights);
  await using reader = await saeReader(sae, BATCH_ROWS);
  const stream = inOrder(rows, d);
  const acts: { readonly row: number; readonly code: number }[][] = Array.from({ length: dSae }, () => []);
  for (let step = 0; step < stream.steps; step++) {
    const { featureActs } = await reader.read(await stream.rows(step));
    for (const [at, code] of featureActs.entries()) {
      if (code > 0) acts[at % dSae]?.push({ row: step * BATCH_ROWS + Math.floor(at / dSae), code });
    }
  }
  const partnerOf = new Map(
    pairs.flatMap(
      ({ source, target }) =>
        [
          [source, `M -> ${target}`],
          [target, `<- M ${source}`],
        ] as const,
    ),
  );
  const shown = Array.from({ length: Math.min(SHOWN, dSae) }, (_, i) => {
    // For one learned feature, its nearest true one.
    const { matched, maxCosines } = recovery(learned.subarray(i * d, (i + 1) * d), truths, d);
    const strongest = (acts[i] ?? []).toSorted((a, b) => b.code - a.code).slice(0, EXAMPLES);
    return [
      String(i),
      `${matched[0] ?? -1} (${(maxCosines[0] ?? 0).toFixed(2)})`,
      partnerOf.get(i) ?? '',
      strongest.map(({ row, code }) => `row ${row}: ${code.toFixed(2)}`).join(', '),
    ];
  });
  return {
    title: 'The first features of the dictionary',
    columns: ['feature', 'nearest true feature (cosine)', 'bound partner', 'strongest in'],
    rows: shown,
  };
}
