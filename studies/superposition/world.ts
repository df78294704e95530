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
/** Touched features are doubled, or each takes the place of the next one. */
export const TASKS = ['scale', 'reroute'] as const;
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

/** Half the summed squared distance of the touched features' results from what is wanted, and the distances squared, shape []. */
export function taskLoss(world: Superposition): Tensor {
  const { dimensions: d, touched: m, read } = world;
  const rows = input('touched', [m, d]);
  const stream = add(rows, changeOf(world, rows));
  const wanted = input('wanted', [m, d]);
  const error = read === 'stream' ? sub(stream, wanted) : sub(outputsOf(world, stream), outputsOf(world, wanted));
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

/** The touched features of a block: m of those that are represented, in a random order. @throws Error where too few are. */
export function touchedFeatures(
  { touched, dimensions }: Superposition,
  { columns }: Base,
  rng: Rng,
): readonly number[] {
  const represented = isRepresented(columns, dimensions);
  const order = [...rng.permutation(represented.length)].filter((j) => represented[j]);
  if (order.length < touched) throw new Error(`${order.length} features are represented, the task touches ${touched}`);
  return order.slice(0, touched);
}

/** The touched columns and the stream that the task wants for each, both of shape [m, d]. */
export function taskRows(
  { dimensions: d, task }: Superposition,
  { columns }: Base,
  features: readonly number[],
): { readonly touched: Float32Array; readonly wanted: Float32Array } {
  const column = (at: number): Float32Array => {
    const feature = features[at % features.length] ?? 0;
    return columns.subarray(feature * d, (feature + 1) * d);
  };
  const rows = (of: (at: number) => Float32Array): Float32Array =>
    Float32Array.from(features.flatMap((_, at) => [...of(at)]));
  return {
    touched: rows(column),
    wanted: rows((at) => (task === 'scale' ? column(at).map((value) => 2 * value) : column(at + 1))),
  };
}

/** Mean over untouched features of a squared change, against the mean over touched ones. @throws Error where nothing has changed. */
export function interferenceOf(squares: Float32Array, features: readonly number[]): number {
  const isTouched = new Set(features);
  const mean = (of: Float32Array): number => of.reduce((total, value) => total + value, 0) / of.length;
  const touched = mean(squares.filter((_, j) => isTouched.has(j)));
  if (touched === 0) {
    throw new Error(
      'interference: expected a change of the touched features, found none: a level is passed between the start and the first ' +
        'probe. Lower learningRate or probeEvery.',
    );
  }
  return mean(squares.filter((_, j) => !isTouched.has(j))) / touched;
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
  // |w|^2 = 1, or |w_next - w|^2 = 2.
  const squared = task === 'scale' ? 1 : 2;
  const q = (scale ** 2 * rank) / d;
  const b = (Math.sqrt(q ** 2 + 4 * squared) - q) / (2 * squared);
  return (1 - (m * kappa(world)) / d) * m * (scale ** 2 / d) * b;
}

/**
 * The line that belongs to a world's method. Read in the stream, full finetuning finds the least dH with dH w_k as wanted, which
 * projects on the span of the touched columns: m kappa/d; through a frozen random A it is the least B, with
 * (1 - m/d) m/(r - m - 1) + m kappa/d. LoRA has the line of full finetuning and `loraExtra`.
 */
export function theoryOf(world: Superposition): number {
  const { dimensions: d, touched: m, method, rank, read } = world;
  const projected = (m * kappa(world)) / d;
  if (method === 'frozen') return ((1 - m / d) * m) / (rank - m - 1) + projected;
  const whole = read === 'stream' ? projected : fullLine(world);
  return method === 'lora' ? whole + loraExtra(world) : whole;
}
