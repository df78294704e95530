/**
 * Where matching begins: small sets of pairs (source -> target) whose products agree. Two pairs come from two products that are far
 * from 0 and alike; sets grow by a pair at a time among features whose products with the set are largest, the best sets of each size
 * are kept, and in the end those stand first that most other pairs of features would support.
 */
import { evidence, lowerCells, LOG_RATIO, PRODUCT, type ProductScores, SQUARES } from './agreement.ts';

/** Which features may be sources, and which targets: 1 where they may. */
export interface Sides {
  readonly source: Uint8Array;
  readonly target: Uint8Array;
}

/** Pairs that are believed together: feature sources[i] belongs to feature targets[i]. */
export interface PairSet {
  readonly sources: readonly number[];
  readonly targets: readonly number[];
}

/** How wide the search is, for a dictionary of F features. */
interface Breadth {
  /** Products that are looked at to begin with. */
  readonly edges: number;
  /** Sets that are kept at sizes 3, 4, ... */
  readonly kept: readonly number[];
}

/** Candidates for a further pair, on each side, and for the support of a set. */
const NEAR = 24;
const WIDE = 84;
const MOST_EDGES = 400;
/** Every set goes on in its best so many ways. */
const CHILDREN = 2;

function breadthOf(count: number): Breadth {
  const edges = Math.min(MOST_EDGES, count);
  return { edges, kept: [0.5, 0.5, 0.4, 0.25, 0.15].map((share) => Math.round((share * edges * edges) / 2)) };
}

/** Sets of one size, in flat arrays: set n has its pairs at n * size. */
interface Sets {
  readonly size: number;
  readonly sources: Int32Array;
  readonly targets: Int32Array;
  readonly evidence: Float64Array;
  count: number;
}

/** The most promising sets of pairs, the best supported first; no feature is in two pairs of a set. */
export function seedSets(scores: ProductScores, sides: Sides, most: number): readonly PairSet[] {
  const breadth = breadthOf(scores.count);
  const search = searchOf(scores, sides);
  let sets = edgePairs(scores, sides, breadth.edges);
  for (const kept of breadth.kept) sets = best(extended(search, sets), kept, scores.count);
  const { size, count } = sets;
  const table = tableFor(size, WIDE);
  const supports = Float64Array.from({ length: count }, (_, n) => support(search, sets, n, table));
  const order = Int32Array.from({ length: count }, (_, n) => n).sort((a, b) => (supports[b] ?? 0) - (supports[a] ?? 0));
  return [...order.subarray(0, most)].map((n) => ({
    sources: [...sets.sources.subarray(n * size, (n + 1) * size)],
    targets: [...sets.targets.subarray(n * size, (n + 1) * size)],
  }));
}

/** What every step of the search needs, and the room it works in. */
interface Search {
  readonly scores: ProductScores;
  /** For each feature the others that may be sources (targets), those with the largest products first. */
  readonly sources: readonly Int32Array[];
  readonly targets: readonly Int32Array[];
  readonly marks: Int32Array;
  mark: number;
}

function searchOf(scores: ProductScores, { source, target }: Sides): Search {
  const { count } = scores;
  const lists = (allowed: Uint8Array): readonly Int32Array[] =>
    Array.from({ length: count }, (_, i) => {
      const others = Int32Array.from({ length: count }, (_, k) => k).filter((k) => allowed[k] === 1 && k !== i);
      const size = (k: number): number => Math.abs(scores.values[i * count + k] ?? 0);
      return others.sort((a, b) => size(b) - size(a));
    });
  return { scores, sources: lists(source), targets: lists(target), marks: new Int32Array(count), mark: 0 };
}

function roomFor(size: number, most: number): Sets {
  const [sources, targets] = [new Int32Array(size * most), new Int32Array(size * most)];
  return { size, sources, targets, evidence: new Float64Array(most), count: 0 };
}

/** Pairs of products far from 0 that are alike, in both ways of laying one on the other. */
function edgePairs({ count, values }: ProductScores, { source, target }: Sides, edges: number): Sets {
  const strongest = (allowed: Uint8Array): readonly number[] =>
    lowerCells(count)
      .filter((cell) => allowed[Math.floor(cell / count)] === 1 && allowed[cell % count] === 1)
      .toSorted((a, b) => Math.abs(values[b] ?? 0) - Math.abs(values[a] ?? 0))
      .slice(0, edges);
  const [from, to] = [strongest(source), strongest(target)];
  // Where both sides are the same features, the inverse map is the same find.
  const isSame = source.every((may, i) => may === target[i]);
  const sets = roomFor(2, 2 * from.length * to.length);
  for (const [x, edge] of from.entries()) {
    for (const [y, other] of to.entries()) {
      if (isSame && y >= x) break;
      const [a, b] = [Math.floor(edge / count), edge % count];
      const [c, d] = [Math.floor(other / count), other % count];
      const found = evidence(values[edge] ?? 0, values[other] ?? 0);
      if (found < 0 || a === c || a === d || b === c || b === d) continue;
      push(sets, [a, b], [c, d], found);
      push(sets, [a, b], [d, c], found);
    }
  }
  return sets;
}

function push(sets: Sets, sources: ArrayLike<number>, targets: ArrayLike<number>, found: number): void {
  sets.sources.set(sources, sets.count * sets.size);
  sets.targets.set(targets, sets.count * sets.size);
  sets.evidence[sets.count] = found;
  sets.count++;
}

/** Every set with one pair more, in its `CHILDREN` best ways. */
function extended(search: Search, sets: Sets): Sets {
  const { size } = sets;
  const table = tableFor(size, NEAR);
  const next = roomFor(size + 1, CHILDREN * sets.count);
  const [sources, targets] = [new Int32Array(size + 1), new Int32Array(size + 1)];
  for (let n = 0; n < sets.count; n++) {
    fill(search, sets, n, table);
    sources.set(sets.sources.subarray(n * size, (n + 1) * size));
    targets.set(sets.targets.subarray(n * size, (n + 1) * size));
    let below = Infinity;
    for (let child = 0; child < CHILDREN; child++) {
      const cell = largestBelow(table, below);
      if (cell < 0) break;
      below = table.sums[cell] ?? 0;
      sources[size] = table.sources[Math.floor(cell / table.nTargets)] ?? 0;
      targets[size] = table.targets[cell % table.nTargets] ?? 0;
      push(next, sources, targets, (sets.evidence[n] ?? 0) + below);
    }
  }
  return next;
}

/** Evidence of further pairs given a set, `sums[x * nTargets + y]` for candidates x and y. */
interface Table {
  readonly sources: Int32Array;
  readonly targets: Int32Array;
  readonly sums: Float64Array;
  readonly targetScores: Float64Array;
  readonly targetSquares: Float64Array;
  readonly each: number;
  nSources: number;
  nTargets: number;
}

function tableFor(size: number, near: number): Table {
  const each = Math.ceil(near / size);
  const most = each * size;
  return {
    sources: new Int32Array(most),
    targets: new Int32Array(most),
    sums: new Float64Array(most * most),
    targetScores: new Float64Array(most * size),
    targetSquares: new Float64Array(most),
    each,
    nSources: 0,
    nTargets: 0,
  };
}

/** Fills the table for set n: candidates are the nearest neighbours of each member that are in no pair of the set. */
function fill(search: Search, sets: Sets, n: number, table: Table): void {
  const { values, count } = search.scores;
  const { size } = sets;
  table.nSources = candidates(search, search.sources, sets, n, sets.sources, table.each, table.sources);
  table.nTargets = candidates(search, search.targets, sets, n, sets.targets, table.each, table.targets);
  const { nSources, nTargets, targetScores, targetSquares, sums } = table;
  targetSquares.fill(0);
  for (let q = 0; q < size; q++) {
    const row = (sets.targets[n * size + q] ?? 0) * count;
    for (let y = 0; y < nTargets; y++) {
      const score = values[row + (table.targets[y] ?? 0)] ?? 0;
      targetScores[q * nTargets + y] = score;
      targetSquares[y] = (targetSquares[y] ?? 0) + SQUARES * score * score;
    }
  }
  for (let x = 0; x < nSources; x++) {
    const at = x * nTargets;
    for (let y = 0; y < nTargets; y++) sums[at + y] = size * LOG_RATIO - (targetSquares[y] ?? 0);
    for (let q = 0; q < size; q++) {
      const score = values[(sets.sources[n * size + q] ?? 0) * count + (table.sources[x] ?? 0)] ?? 0;
      const [own, slope] = [SQUARES * score * score, PRODUCT * score];
      for (let y = 0; y < nTargets; y++) {
        sums[at + y] = (sums[at + y] ?? 0) - own + slope * (targetScores[q * nTargets + y] ?? 0);
      }
    }
    for (let y = 0; y < nTargets; y++) if (table.sources[x] === table.targets[y]) sums[at + y] = -Infinity;
  }
}

function candidates(
  search: Search,
  lists: readonly Int32Array[],
  sets: Sets,
  n: number,
  members: Int32Array,
  each: number,
  into: Int32Array,
): number {
  const { marks } = search;
  const { size } = sets;
  const mark = ++search.mark;
  for (let q = n * size; q < (n + 1) * size; q++) {
    marks[sets.sources[q] ?? 0] = mark;
    marks[sets.targets[q] ?? 0] = mark;
  }
  let found = 0;
  for (let q = n * size; q < (n + 1) * size; q++) {
    for (const k of lists[members[q] ?? 0]?.subarray(0, each) ?? []) {
      if (marks[k] === mark) continue;
      marks[k] = mark;
      into[found] = k;
      found++;
    }
  }
  return found;
}

/** The cell of the largest sum above 0 and below a bound; -1 where there is none. */
function largestBelow({ sums, nSources, nTargets }: Table, bound: number): number {
  let [largest, at] = [0, -1];
  for (let cell = 0; cell < nSources * nTargets; cell++) {
    const sum = sums[cell] ?? 0;
    if (sum > largest && sum < bound) [largest, at] = [sum, cell];
  }
  return at;
}

/** The sets of most evidence, each once. */
function best(sets: Sets, most: number, count: number): Sets {
  const { size } = sets;
  const order = Int32Array.from({ length: sets.count }, (_, n) => n);
  order.sort((a, b) => (sets.evidence[b] ?? 0) - (sets.evidence[a] ?? 0));
  const kept = roomFor(size, Math.min(most, sets.count));
  const seen = new Set<string>();
  for (const n of order) {
    if (kept.count >= most) break;
    const [sources, targets] = [sets.sources, sets.targets].map((of) => of.subarray(n * size, (n + 1) * size));
    if (sources === undefined || targets === undefined) break;
    const key = sources
      .map((source, q) => source * count + (targets[q] ?? 0))
      .sort()
      .join();
    if (seen.has(key)) continue;
    seen.add(key);
    push(kept, sources, targets, sets.evidence[n] ?? 0);
  }
  return kept;
}

/** What further pairs speak for a set: over candidates, the evidence of the best partner beyond what the best of so many has by chance. */
function support(search: Search, sets: Sets, n: number, table: Table): number {
  fill(search, sets, n, table);
  const chance = Math.log(table.nTargets);
  let total = 0;
  for (let x = 0; x < table.nSources; x++) {
    let largest = chance;
    for (let y = 0; y < table.nTargets; y++) largest = Math.max(largest, table.sums[x * table.nTargets + y] ?? 0);
    total += largest - chance;
  }
  return total;
}
