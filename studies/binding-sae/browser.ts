/** A dictionary to look at: some features, the true one each is nearest to, its bound partner, and the rows where it is strongest. */
import { type PairMatch, recovery, type Sae, saeReader, dictionaryOf } from 'assay/learn';

import { BATCH_ROWS, inOrder } from './models.ts';
import type { BindingWorld, Rows, Truth } from './world.ts';

const SHOWN = 12;
const EXAMPLES = 3;

/** A table beside a run's numbers, as reports show it. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The first features of the dictionary over the first rows held out. */
export async function browserOf(
  sae: Sae,
  { pairs }: PairMatch,
  { world, truth }: { readonly world: BindingWorld; readonly truth: Truth },
  rows: Rows,
): Promise<Table> {
  const { dIn: d, dSae } = sae.config;
  const truths = Float32Array.from(truth.features.values);
  const learned = dictionaryOf(sae.config, sae.weights);
  const nearest = (i: number): string => {
    const { matched, maxCosines } = recovery(learned.subarray(i * d, (i + 1) * d), truths, d);
    return `${trueName(world, matched[0] ?? 0)} (${(maxCosines[0] ?? 0).toFixed(2)})`;
  };
  const partnerOf = new Map(
    pairs.flatMap(({ source, target }) => [
      [source, `M of it is ${target}: ${nearest(target)}`] as const,
      [target, `it is M of ${source}: ${nearest(source)}`] as const,
    ]),
  );
  const codes = await codesOf(sae, rows);
  return {
    title: 'The first features of the dictionary',
    columns: ['feature', 'nearest true feature (cosine)', 'bound partner', 'strongest in (with the features)'],
    rows: Array.from({ length: Math.min(SHOWN, dSae) }, (_, i) => [
      `${i}`,
      nearest(i),
      partnerOf.get(i) ?? 'none',
      strongest(codes, i) || 'no row',
    ]),
  };
}

/** Codes of a row that are not 0, by feature. */
type Codes = ReadonlyMap<number, number>;

async function codesOf(sae: Sae, rows: Rows): Promise<readonly Codes[]> {
  const { dIn, dSae } = sae.config;
  await using reader = await saeReader(sae, BATCH_ROWS);
  const stream = inOrder(rows, dIn);
  const codes: Codes[] = [];
  for (let step = 0; step < stream.steps; step++) {
    const { featureActs } = await reader.read(await stream.rows(step));
    for (let row = 0; row < BATCH_ROWS; row++) {
      const own = featureActs.subarray(row * dSae, (row + 1) * dSae);
      codes.push(new Map(Array.from(own.entries()).filter(([, code]) => code > 0)));
    }
  }
  return codes;
}

function strongest(codes: readonly Codes[], feature: number): string {
  return codes
    .map((own, row) => ({ row, code: own.get(feature) ?? 0, others: [...own.keys()].filter((i) => i !== feature) }))
    .filter(({ code }) => code > 0)
    .toSorted((a, b) => b.code - a.code)
    .slice(0, EXAMPLES)
    .map(({ row, code, others }) => `row ${row}: ${code.toFixed(2)} (${others.join(', ')})`)
    .join('; ');
}

/** What a true feature is called: a5 of slot 1; in further slots M a5 where a map carries it there, else b5, c5, ... */
function trueName({ binding, features: n, boundFraction, slots }: BindingWorld, row: number): string {
  const [slot, i] = [Math.floor(row / n), row % n];
  if (slot > 0 && binding === 'matrix' && i < boundFraction * n) return `M${slots > 2 ? slot + 1 : ''} a${i}`;
  return `${String.fromCharCode('a'.charCodeAt(0) + slot)}${i}`;
}
