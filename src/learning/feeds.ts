/**
 * Feeding a program and reading it: every call gives every input, so that nothing of an earlier call, or of an earlier
 * run, is ever read again by mistake.
 */
import { AssayError, nearestName } from '#base/errors.ts';
import type { Program } from '#engine/session.ts';
import { sizeOf } from '#engine/tensor.ts';
import type { Memory } from '#learning/weights.ts';

/** What a program reads beside weights, by input name, row-major; a number feeds a scalar. */
export type Feeds = Readonly<Record<string, Float32Array | Int32Array | number>>;

/** A program that reads the weights of the moment and changes nothing. */
export interface Reader {
  /**
   * Computes the outputs, by name; their memory is reused by the next call.
   * @throws AssayError on an input that is not fed, is not known, or has another length.
   */
  read(feeds: Feeds): Promise<Readonly<Record<string, Float32Array>>>;
}

/** @param weights The inputs that are bound to memory already. */
export function readerOf(program: Program, weights: Memory): Reader {
  return {
    async read(feeds) {
      feed(program, feeds, weights);
      await program.run();
      return Object.fromEntries(program.outputs.map(({ name }) => [name, program.float32(name)]));
    },
  };
}

/** Copies the feeds into a program's inputs. @throws AssayError as `Reader.read`. */
export function feed(program: Program, feeds: Feeds, weights: Memory): void {
  const wanted = program.inputs.filter(({ name }) => !weights.has(name));
  const unknown = Object.keys(feeds).find((name) => !wanted.some((input) => input.name === name));
  if (unknown !== undefined) {
    const known = wanted.map(({ name }) => name);
    throw refusal(`expected inputs ${known.join(', ')}, found "${unknown}"`, nearestName(unknown, known));
  }
  for (const { name, shape, type } of wanted) {
    const value = feeds[name];
    if (value === undefined) throw refusal(`expected input "${name}", found it not fed (weights come by reset)`);
    const values = typeof value === 'number' ? Float32Array.of(value) : value;
    const isInt = values instanceof Int32Array;
    if (values.length !== sizeOf(shape) || isInt !== (type === 'int32')) {
      const found = `${values.length} of ${isInt ? 'int32' : 'float32'}`;
      throw refusal(`expected input "${name}" as ${type} of shape [${shape.join(', ')}], found ${found}`);
    }
    if (isInt) program.int32(name).set(values);
    else program.float32(name).set(values);
  }
}

function refusal(message: string, nearest?: string): AssayError {
  const hint = nearest === undefined ? '.' : `; did you mean "${nearest}"?`;
  return new AssayError('data', `Program: ${message}${hint}`);
}
