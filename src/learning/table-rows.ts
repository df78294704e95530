/**
 * The gradient of a large table that is read by rows and in whole, such as embeddings tied to the head: the part of whole products is
 * written where the gradient lies, the rows are added to it there. A program would hold the table's gradient three times.
 */
import type { Program } from '#engine/session.ts';
import { sizeOf, type Tensor } from '#engine/tensor.ts';

/** Tables of at least so many values, 4 MiB. */
const LARGE = 2 ** 20;

/** A table's gradient in two parts. */
export interface TableParts {
  /** Shape [V, D]: all but the rows. */
  readonly whole: Tensor;
  /** Shape [N, D], to be added at the rows `indices`, int32 [N]. */
  readonly rows: Tensor;
  readonly indices: Tensor;
}

/** The parts of a gradient that ends in a sum with the rows of a large table; undefined for all others. */
export function tablePartsOf(gradient: Tensor): TableParts | undefined {
  if (gradient.node.kind !== 'add' || sizeOf(gradient.shape) < LARGE) return undefined;
  const [whole, { node }] = gradient.node.inputs;
  if (node.kind !== 'scatterRows') return undefined;
  const [rows, indices] = node.inputs;
  return { whole, rows, indices };
}

/** Names of the outputs of one table's parts. */
export interface TableOutputs {
  readonly whole: string;
  readonly rows: string;
  readonly indices: string;
}

/** Adds the rows that a program has just computed to the table they belong to. */
export function addTableRows(program: Program, names: TableOutputs): void {
  const rows = program.outputs.find(({ name }) => name === names.rows);
  const width = rows?.shape[1] ?? 0;
  addRows(program.float32(names.whole), program.float32(names.rows), program.int32(names.indices), width);
}

/**
 * Adds rows[n] to row indices[n] of a table. Rows of one index are summed first, in order, into the first of them: the bits of a table
 * of zeros that rows are added to, and that is then added to the other.
 * @param rows Shape [N, width]; written over.
 */
export function addRows(table: Float32Array, rows: Float32Array, indices: Int32Array, width: number): void {
  const firstOf = new Map<number, number>();
  indices.forEach((index, n) => {
    const first = firstOf.get(index);
    if (first === undefined) firstOf.set(index, n);
    else addInto(rows, first * width, rows, n * width, width);
  });
  for (const [index, n] of firstOf) addInto(table, index * width, rows, n * width, width);
}

function addInto(target: Float32Array, to: number, source: Float32Array, from: number, length: number): void {
  for (let i = 0; i < length; i++) target[to + i] = (target[to + i] ?? 0) + (source[from + i] ?? 0);
}
