/**
 * A toy model of superposition, y = ReLU(W^T H W x + b): D sparse features share d < D dimensions. H is the identity while W and b
 * are pretrained; then W and b stay, and H = 1 + dH is finetuned for a task on m features, one at a time.
 * With w_j the column of feature j, the task says what dH w_k is to be for the m touched features; interference is what dH w_j then
 * is for the others. @see Elhage et al. 2022, arXiv:2209.10652; Hu et al. 2021, arXiv:2106.09685
 */
import {
  add,
  constant,
  input,
  linear,
  matmul,
  mul,
  type ParameterSpec,
  relu,
  type Rng,
  square,
  sub,
  sum,
  type Tensor,
} from 'assay/learn';

export const BASES = ['pretrained', 'random'] as const;
/**
 * Touched features are doubled; or each takes the place of the next one; or each takes that of a partner, beside which it is shown,
 * and the partner alone stays what it is. Behind a ReLU a feature that is off cannot be learned; the partner is on.
 */
export const TASKS = ['scale', 'reroute', 'beside'] as const;
/** Where the task is read: at the model's outputs, or in the stream, before W^T, ReLU and bias. */
export const READS = ['outputs', 'stream'] as const;
/** dH itself; dH = B A; or dH = B A with A as it was drawn. */
export const METHODS = ['full', 'lora', 'frozen'] as const;

export interface Superposition {
  /** D, d, and m. */
  readonly features: number;
  readonly dimensions: number;
  readonly touched: number;
  /** How often a feature is there, in pretraining. */
  readonly probability: number;
  readonly base: (typeof BASES)[number];
  readonly task: (typeof TASKS)[number];
  readonly read: (typeof READS)[number];
  readonly method: (typeof METHODS)[number];
  readonly rank: number;
  /** c: the expected length of a row of A at the start. */
  readonly scale: number;
}

/** The base's weights: row j of `columns`, shape [D, d], is w_j; `bias` has shape [D]. */
export interface Base {
  readonly columns: Float32Array;
  readonly bias: Float32Array;
}

/** What a base is drawn as, before pretraining; a random one stays so. */
export function baseWeights({
  features,
  dimensions,
}: Pick<Superposition, 'features' | 'dimensions'>): readonly ParameterSpec[] {
  const columns = { name: 'columns', shape: [features, dimensions], role: 'matrix' } as const;
  return [
    { ...columns, initial: { kind: 'normal', std: dimensions ** -0.5 } },
    { name: 'bias', shape: [features], role: 'vector', initial: { kind: 'zeros' } },
  ];
}

/** What is trained on top of the base, and what is drawn for it and stays. */
export function finetunedWeights({ dimensions: d, method, rank, scale }: Superposition): {
  readonly trained: readonly ParameterSpec[];
  readonly drawn: readonly ParameterSpec[];
} {
  const matrix = (name: string, dOut: number, dIn: number, initial: ParameterSpec['initial']): ParameterSpec => ({
    name,
    shape: [dOut, dIn],
    role: 'matrix',
    initial,
  });
  if (method === 'full') return { trained: [matrix('change', d, d, { kind: 'zeros' })], drawn: [] };
  const a = matrix('A', rank, d, { kind: 'normal', std: scale * d ** -0.5 });
  const b = matrix('B', d, rank, { kind: 'zeros' });
  return method === 'lora' ? { trained: [a, b], drawn: [] } : { trained: [b], drawn: [a] };
}

/** dH h for rows h, shape [N, d]. */
export function changeOf({ dimensions: d, method, rank }: Superposition, rows: Tensor): Tensor {
  if (method === 'full') return linear(rows, input('change', [d, d]));
  return linear(linear(rows, input('A', [rank, d])), input('B', [d, rank]));
}

/** The model's outputs where the stream is h, shape [N, d]; shape [N, D]. */
export function outputsOf({ features: D, dimensions: d }: Superposition, stream: Tensor): Tensor {
  return relu(add(linear(stream, input('columns', [D, d])), input('bias', [D])));
}

/** How many rows the task shows: each touched feature, and its partner where it has one. */
export function shownRows({ task, touched }: Pick<Superposition, 'task' | 'touched'>): number {
  return task === 'beside' ? 2 * touched : touched;
}

/** Half the summed squared distance of the touched features' results from what is wanted, and the distances squared, shape []. */
export function taskLoss(world: Superposition): Tensor {
  const shape = [shownRows(world), world.dimensions];
  const rows = input('shown', shape);
  const stream = add(rows, changeOf(world, rows));
  const wanted = input('wanted', shape);
  const error = world.read === 'stream' ? sub(stream, wanted) : sub(outputsOf(world, stream), outputsOf(world, wanted));
  return mul(sum(square(error)), 0.5);
}

/** Squared length of every feature's change, in the stream and at the outputs where it is alone; each of shape [D]. */
export function changes(world: Superposition): { readonly stream: Tensor; readonly outputs: Tensor } {
  const columns = input('columns', [world.features, world.dimensions]);
  const change = changeOf(world, columns);
  const moved = sub(outputsOf(world, add(columns, change)), outputsOf(world, columns));
  return { stream: sum(square(change), [1]), outputs: sum(square(moved), [1]) };
}

/** The loss of pretraining on rows x, shape [N, D]: mean over rows of the summed squared errors. */
export function pretrainingLoss(world: Superposition, rows: number): Tensor {
  const { features: D, dimensions: d } = world;
  const x = input('x', [rows, D]);
  const stream = matmul(x, input('columns', [D, d]));
  return mul(sum(square(sub(outputsOf(world, stream), x))), constant(Float32Array.of(1 / rows), []));
}

/** Rows of sparse features, each there with the world's probability and then uniform in [0, 1]; shape [count, D]. */
export function sparseRows(
  { features, probability }: Pick<Superposition, 'features' | 'probability'>,
  count: number,
  rng: Rng,
): Float32Array {
  const rows = new Float32Array(count * features);
  // Gaps between features that are there are geometric.
  const gap = (): number => Math.floor(Math.log1p(-rng.uniform()) / Math.log1p(-probability));
  for (let at = gap(); at < rows.length; at += 1 + gap()) rows[at] = rng.uniform();
  return rows;
}

/** Squared length of every column, and so of every feature: below .25 a feature counts as not represented. */
export function isRepresented(columns: Float32Array, dimensions: number): readonly boolean[] {
  return Array.from({ length: columns.length / dimensions }, (_, j) => {
    const own = columns.subarray(j * dimensions, (j + 1) * dimensions);
    return own.reduce((total, value) => total + value * value, 0) >= 0.25;
  });
}

/** The features of a block's task. */
export interface TaskFeatures {
  readonly touched: readonly number[];
  /** One for each touched feature under `beside`, else none. */
  readonly partners: readonly number[];
}

/** Drawn among those that are represented. @throws Error where too few are. */
export function taskFeatures(world: Superposition, { columns }: Base, rng: Rng): TaskFeatures {
  const represented = isRepresented(columns, world.dimensions);
  const order = [...rng.permutation(represented.length)].filter((j) => represented[j]);
  const count = shownRows(world);
  if (order.length < count) throw new Error(`${order.length} features are represented, the task needs ${count}`);
  return { touched: order.slice(0, world.touched), partners: order.slice(world.touched, count) };
}

/** What is shown and the stream that the task wants for each, both of shape [shownRows, d]. */
export function taskRows(
  { dimensions: d, task }: Superposition,
  { columns }: Base,
  { touched, partners }: TaskFeatures,
): { readonly shown: Float32Array; readonly wanted: Float32Array } {
  const column = (feature = 0): Float32Array => columns.subarray(feature * d, (feature + 1) * d);
  const rows = (all: readonly Float32Array[]): Float32Array => Float32Array.from(all.flatMap((row) => [...row]));
  const twice = (row: Float32Array): Float32Array => row.map((value) => 2 * value);
  const alone = touched.map(column);
  if (task === 'scale') return { shown: rows(alone), wanted: rows(alone.map(twice)) };
  if (task === 'reroute') {
    return { shown: rows(alone), wanted: rows(touched.map((_, i) => column(touched[(i + 1) % touched.length]))) };
  }
  const targets = partners.map(column);
  const both = alone.map((row, i) => row.map((value, at) => value + (targets[i]?.[at] ?? 0)));
  return { shown: rows([...both, ...targets]), wanted: rows([...targets.map(twice), ...targets]) };
}

/** Mean over untouched features, partners apart, of a squared change, against the mean over touched ones. @throws Error where nothing has changed. */
export function interferenceOf(squares: Float32Array, features: TaskFeatures): number {
  const [isTouched, isPartner] = [new Set(features.touched), new Set(features.partners)];
  const mean = (of: Float32Array): number => of.reduce((total, value) => total + value, 0) / of.length;
  const touched = mean(squares.filter((_, j) => isTouched.has(j)));
  if (touched === 0) {
    throw new Error(
      'interference: expected a change of the touched features, found none: a level is passed between the start and the first ' +
        'probe. Lower learningRate or probeEvery.',
    );
  }
  return mean(squares.filter((_, j) => !isTouched.has(j) && !isPartner.has(j))) / touched;
}

/** Mean squared overlap of two columns times d: 1 where columns are random, (D - d)/(D - 1) where they spread as far as they can. */
export function kappa({ features, dimensions, base }: Pick<Superposition, 'features' | 'dimensions' | 'base'>): number {
  return base === 'random' ? 1 : (features - dimensions) / (features - 1);
}

/**
 * What interference should be under full finetuning, dH = a sum_k w_k w_k^T over unit columns of a tight frame:
 * (m kappa/d) / (1 + (m - 1) kappa/d).
 */
export function fullLine(
  world: Omit<Superposition, 'method' | 'rank' | 'scale' | 'task' | 'read' | 'probability'>,
): number {
  const overlap = kappa(world) / world.dimensions;
  return (world.touched * overlap) / (1 + (world.touched - 1) * overlap);
}

/**
 * What a LoRA adds to full finetuning because its A starts at random. Where A and B follow the gradient from A0 and B = 0, and touched
 * columns w are unit and nearly orthogonal, B = sum_k w_k b_k^T, and b' = A w, (A w)' = b: with q = |A0 w|^2 = c^2 r/d a change of
 * length g is there once |b|^2 = (sqrt(q^2 + 4 g^2) - q)/2. What is left of A0 then moves each other feature, outside the span of
 * the touched ones, by |b|^2 c^2/d for each of them. For small c it is m c^2/d whatever the rank, for large c m/r.
 */
export function loraExtra(world: Superposition): number {
  const { dimensions: d, touched: m, rank, scale, task } = world;
  // |w|^2 = 1, or |w_other - w|^2 = 2.
  const squared = task === 'scale' ? 1 : 2;
  const q = (scale ** 2 * rank) / d;
  const b = (Math.sqrt(q ** 2 + 4 * squared) - q) / (2 * squared);
  return (1 - (m * kappa(world)) / d) * m * (scale ** 2 / d) * b;
}

/**
 * The line that belongs to a world's method. Read in the stream, full finetuning finds the least dH with dH w_k as wanted, which
 * projects on the span of the touched columns: m kappa/d; through a frozen random A it is the least B, with
 * (1 - m/d) m/(r - m - 1) + m kappa/d. LoRA has the line of full finetuning and `loraExtra`. Beside partners that stay, dH reads each
 * touched feature along the part of its column that is orthogonal to the 2m - 1 others, and is longer by what that part lacks.
 */
export function theoryOf(world: Superposition): number {
  const { dimensions: d, touched: m, method, rank, read, task } = world;
  const projected = (m * kappa(world)) / d;
  if (method === 'frozen') return ((1 - m / d) * m) / (rank - m - 1) + projected;
  const alone = 1 - ((2 * m - 1) * kappa(world)) / d;
  const whole = task === 'beside' ? projected / alone : read === 'stream' ? projected : fullLine(world);
  return method === 'lora' ? whole + loraExtra(world) : whole;
}
