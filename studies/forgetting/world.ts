/**
 * Tasks learned one after the other, each with classes of its own and one head over all classes. Two models: a memory (one matrix
 * between orthonormal keys and values, a class is a key) and an MLP (a class is a cloud of rows around a centre).
 * In the memory a step along a task's gradients leaves the answers to all other keys as they are, if it stays in their span.
 */
import {
  argMax,
  constant,
  crossEntropy,
  feedLayers,
  fillInitial,
  input,
  type ParameterSpec,
  relu,
  type Rng,
  type Tensor,
  toFloat,
  weightedSum,
} from 'assay/learn';

export const MODELS = ['memory', 'mlp'] as const;

export interface Tasks {
  readonly model: (typeof MODELS)[number];
  /** Of all tasks together; task t has every class c with floor(c tasks / classes) = t. */
  readonly classes: number;
  readonly tasks: number;
  readonly dimensions: number;
  /** Rows of a class; 1 in the memory. */
  readonly rows: number;
  /** Expected length of the noise on a row, whose centre has length 1. */
  readonly noise: number;
  /** Hidden units of the MLP, in each of two layers. */
  readonly width: number;
  /** What the MLP's head is to optimizers that treat matrices apart. */
  readonly head: 'head' | 'matrix';
}

/** Rows [count, dimensions] with their classes. */
export interface Rows {
  readonly x: Float32Array;
  readonly labels: Int32Array;
}

/** The rows of each task. */
export function tasksOf(world: Tasks, rng: Rng): readonly Rows[] {
  const { classes, tasks, dimensions, noise } = world;
  const centres = centresOf(world, rng);
  const perClass = world.model === 'memory' ? 1 : world.rows;
  return Array.from({ length: tasks }, (_, task) => {
    const own = Array.from({ length: classes }, (_, c) => c).filter((c) => Math.floor((c * tasks) / classes) === task);
    const labels = Int32Array.from(own.flatMap((c) => Array.from({ length: perClass }, () => c)));
    const draws = rng.split(`rows of task ${task}`);
    const x = Float32Array.from({ length: labels.length * dimensions }, (_, i) => {
      const label = labels[Math.floor(i / dimensions)] ?? 0;
      const centre = centres[label * dimensions + (i % dimensions)] ?? 0;
      return world.model === 'memory' ? centre : centre + (noise / Math.sqrt(dimensions)) * draws.normal();
    });
    return { x, labels };
  });
}

/** Keys are orthonormal; the MLP's centres are normal vectors of expected length 1. */
function centresOf({ model, classes, dimensions }: Tasks, rng: Rng): Float32Array {
  const centres = new Float32Array(classes * dimensions);
  const initial =
    model === 'memory' ? ({ kind: 'orthonormal' } as const) : ({ kind: 'normal', std: dimensions ** -0.5 } as const);
  fillInitial({ name: 'centres', shape: [classes, dimensions], role: 'embedding', initial }, centres, rng);
  return centres;
}

/** How many rows a task has. */
export function rowsPerTask({ model, classes, tasks, rows }: Tasks): number {
  return (classes / tasks) * (model === 'memory' ? 1 : rows);
}

/** What is trained, and the memory's values, which are drawn once a block and stay. */
export function modelWeights({ model, classes, dimensions, width, head }: Tasks) {
  const matrix = (name: string, dOut: number, dIn: number, role: ParameterSpec['role']): ParameterSpec => ({
    name: `${name}.weight`,
    shape: [dOut, dIn],
    role,
    initial: model === 'memory' ? { kind: 'zeros' } : { kind: 'normal', std: dIn ** -0.5 },
  });
  const values: ParameterSpec = {
    name: 'values.weight',
    shape: [classes, dimensions],
    role: 'embedding',
    initial: { kind: 'orthonormal' },
  };
  if (model === 'memory') return { trained: [matrix('memory', dimensions, dimensions, 'matrix')], fixed: [values] };
  const trained = [
    matrix('first', width, dimensions, 'matrix'),
    matrix('second', width, width, 'matrix'),
    matrix('head', classes, width, head),
  ];
  return { trained, fixed: [] };
}

/** Mean loss [] and predicted classes [count] of `count` rows, fed as `x` and `labels` with a suffix to their names. */
export function modelOutputs(world: Tasks, count: number, suffix = '') {
  const { trained, fixed } = modelWeights(world);
  const layers = feedLayers([...trained, ...fixed]);
  const x = input(`x${suffix}`, [count, world.dimensions]);
  const labels = input(`labels${suffix}`, [count], 'int32');
  const names = world.model === 'memory' ? ['memory', 'values'] : ['first', 'second', 'head'];
  const logits = names.reduce<Tensor>((h, name, i) => {
    const z = layers.linear(name, h);
    return world.model === 'mlp' && i < names.length - 1 ? relu(z) : z;
  }, x);
  const mean = constant(new Float32Array(count).fill(1 / count), [count]);
  return { loss: weightedSum(crossEntropy(logits, labels), mean), predicted: toFloat(argMax(logits)) };
}
