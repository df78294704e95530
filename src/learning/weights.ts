/** Weights by parameter name: the form in which models are started, trained, read and kept. */

/** Parameter memory by name, row-major float32. */
export type Memory = ReadonlyMap<string, Float32Array>;

/** Weights by name, wherever they are kept; `get` may read them from a file. */
export interface Weights extends Pick<Memory, 'get' | 'has'> {
  /** Reads a tensor straight into memory of its size, where that saves a copy. */
  fill?(name: string, target: Float32Array): void;
}
