/** Maps: one number over two factors of the arms, cell by cell; described, never judged. */
import { canonicalJson, type Json } from '#base/json.ts';
import { isOnMap, type StudyMap } from '#study/claim.ts';
import type { Arm, Axis } from '#study/study.ts';
import type { CurveIndex } from '#analysis/matching/pair.ts';
import type { MapRecord } from '#analysis/records/claim-record.ts';
import { estimateOf, intervalOf } from '#analysis/stats/estimate.ts';
import type { Clusters } from '#analysis/verdict/clusters.ts';
import { cellAt, exactMean, readAll } from './cells.ts';
import { spotsOf, type Spot } from './spots.ts';
import type { Sum } from './terms.ts';

/** An arm with its place on the factors. */
export type PlacedArm = Pick<Arm, 'name' | 'at'>;

/** What maps are worked out from. */
export interface Mapping {
  readonly index: CurveIndex;
  readonly arms: readonly PlacedArm[];
  readonly matchOn: readonly Axis[];
  readonly clusters: Clusters | undefined;
}

/** Works out a map. */
export function mapRecord(map: StudyMap, mapping: Mapping): MapRecord {
  const [spot] = spotsOf(map.at, mapping.matchOn);
  const drawn = sumsOf(map, mapping.arms);
  const cells = [...Map.groupBy(drawn, ({ x, y }) => canonicalJson([x, y])).values()].flatMap((own) => {
    const [first] = own;
    if (first === undefined || spot === undefined) return [];
    return [{ x: first.x, y: first.y, ...cellOf(map, own, spot, mapping) }];
  });
  const [xs, ys] = [valuesOf(drawn.map(({ x }) => x)), valuesOf(drawn.map(({ y }) => y))];
  return {
    name: map.name,
    label: map.label,
    x: { factor: map.x, values: xs },
    y: { factor: map.y, values: ys },
    outcome: map.outcome,
    place: `at ${spot?.text ?? 'no place'}`,
    // Row by row in the order of the values, whatever the order of the arms.
    cells: cells.toSorted((a, b) => xs.indexOf(a.x) - xs.indexOf(b.x) || ys.indexOf(a.y) - ys.indexOf(b.y)),
  };
}

/** One arm, or one pair of arms, with its place on the map. */
interface Drawn {
  readonly x: number | string;
  readonly y: number | string;
  readonly plus: string;
  readonly minus?: string;
}

function sumsOf(map: StudyMap, arms: readonly PlacedArm[]): Drawn[] {
  const { x, y, difference } = map;
  const placed = arms
    .filter((arm) => isOnMap(arm, map))
    .flatMap(({ name, at }) => {
      const [ofX, ofY] = [at?.[x], at?.[y]];
      return at === undefined || ofX === undefined || ofY === undefined
        ? []
        : [{ name, at, x: shown(ofX), y: shown(ofY) }];
    });
  if (difference === undefined) return placed.map(({ name, x: ofX, y: ofY }) => ({ x: ofX, y: ofY, plus: name }));
  const { factor, from, to } = difference;
  const isAt = (at: Readonly<Record<string, Json>>, value: Json): boolean => {
    const own = at[factor];
    return own !== undefined && canonicalJson(own) === canonicalJson(value);
  };
  const restOf = (at: Readonly<Record<string, Json>>): string => canonicalJson({ ...at, [factor]: null });
  return placed.flatMap((arm) => {
    if (!isAt(arm.at, to)) return [];
    const partners = placed.filter(({ at }) => isAt(at, from) && restOf(at) === restOf(arm.at));
    return partners.map(({ name }) => ({ x: arm.x, y: arm.y, plus: arm.name, minus: name }));
  });
}

function shown(value: Json): number | string {
  return typeof value === 'number' || typeof value === 'string' ? value : canonicalJson(value);
}

/** Numbers ascending, then names in the order of the arms. */
function valuesOf(values: readonly (number | string)[]): (number | string)[] {
  const different = [...new Set(values)];
  const numbers = different.filter((value) => typeof value === 'number').toSorted((a, b) => a - b);
  return [...numbers, ...different.filter((value) => typeof value === 'string')];
}

function cellOf(
  map: StudyMap,
  drawn: readonly Drawn[],
  spot: Spot,
  mapping: Mapping,
): Pick<MapRecord['cells'][number], 'units' | 'mean' | 'ci95' | 'theory'> {
  const values = unitMeans(map.outcome, drawn, spot, mapping);
  const estimate = estimateOf(values);
  const theory = map.theory === undefined ? [] : unitMeans(map.theory, drawn, spot, mapping);
  return {
    units: values.length,
    mean: values.length === 0 ? null : (estimate?.mean ?? exactMean(values)),
    ci95: estimate === undefined ? null : intervalOf(estimate, 0.95),
    theory: theory.length === 0 ? null : exactMean(theory),
  };
}

/** One number a unit: the mean over the cell's arms (or pairs of arms) and the unit's blocks. */
function unitMeans(outcome: string, drawn: readonly Drawn[], spot: Spot, { index, clusters }: Mapping): number[] {
  const found = drawn.flatMap(({ plus, minus }) => {
    const minusTerm = minus === undefined ? [] : [{ arm: minus, outcome, weight: -1 }];
    const sum: Sum = { terms: [{ arm: plus, outcome, weight: 1 }, ...minusTerm], constant: 0 };
    const blocks = finishedBlocks(index, minus === undefined ? [plus] : [plus, minus]);
    const readings = readAll(index, sum, [spot], blocks, false);
    return blocks.flatMap((block, b) => {
      const cell = cellAt(readings, b, 0);
      return typeof cell === 'string' ? [] : [{ block, value: cell.contrast }];
    });
  });
  const byBlock = Map.groupBy(found, ({ block }) => block);
  const ofBlocks = [...byBlock].map(([block, own]) => ({
    unit: clusters?.of.get(block) ?? block,
    value: exactMean(own.map(({ value }) => value)),
  }));
  return [...Map.groupBy(ofBlocks, ({ unit }) => unit).values()].map((own) => exactMean(own.map(({ value }) => value)));
}

/** Blocks in which all the arms ran to their ends. */
function finishedBlocks(index: CurveIndex, arms: readonly string[]): number[] {
  const [first] = arms;
  const blocks = [...((first === undefined ? undefined : index.get(first))?.keys() ?? [])];
  return blocks
    .filter((block) =>
      arms.every((arm) => {
        const rated = index.get(arm)?.get(block);
        return rated !== undefined && [...rated.values()].every(({ run }) => run.status === 'finished');
      }),
    )
    .toSorted((a, b) => a - b);
}
