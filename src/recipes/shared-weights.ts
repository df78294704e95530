/** Weights as one safetensors file in memory: how recipes keep a base model, and share one between the runs of a store. */
import { AssayError } from '#base/errors.ts';
import type { JsonObject } from '#base/json.ts';
import { sizeOf, type Shape } from '#engine/tensor.ts';
import { bytesSource } from '#learning/files/tensors/byte-source.ts';
import { safetensorsBytes } from '#learning/files/tensors/safetensors-write.ts';
import { readSafetensors } from '#learning/files/tensors/safetensors.ts';
import type { Memory } from '#learning/weights.ts';
import type { RunContext } from '#study/recipe.ts';

/** What is kept of a parameter. */
type Kept = { readonly name: string; readonly shape: Shape };

/** The bytes of a safetensors file. @throws AssayError on weights that lack a parameter or have another size. */
export function weightsBytes(specs: readonly Kept[], weights: Memory): Uint8Array {
  return safetensorsBytes(
    specs.map(({ name, shape }) => {
      const values = weights.get(name);
      if (values?.length === sizeOf(shape)) return { name, shape, dtype: 'F32' as const, values };
      const found = values === undefined ? 'none' : `${values.length} values`;
      throw new AssayError('data', `Weights: expected "${name}" of ${sizeOf(shape)} values, found ${found}.`);
    }),
  );
}

/** The weights in a safetensors file. @param path Its name, for messages. @throws AssayError on a damaged file, or one that lacks a parameter or has it in another shape. */
export async function weightsFrom(specs: readonly Kept[], bytes: Uint8Array, path: string): Promise<Memory> {
  await using file = await readSafetensors(bytesSource(bytes, path));
  const weights = new Map<string, Float32Array>();
  for (const { name, shape } of specs) {
    const values = await file.read(name);
    const found = file.tensors.get(name)?.shape ?? [];
    if (found.join() !== shape.join()) {
      throw new AssayError(
        'file',
        `${path}: expected "${name}" of shape [${shape.join(', ')}], found [${found.join(', ')}].`,
      );
    }
    weights.set(name, values);
  }
  return weights;
}

/** Weights that are made once a store and read by every run that names the same key, such as a pretrained base. */
export async function sharedWeights(
  context: Pick<RunContext, 'shared'>,
  name: string,
  key: JsonObject,
  specs: readonly Kept[],
  make: () => Promise<Memory>,
): Promise<Memory> {
  return weightsFrom(specs, await context.shared(name, key, async () => weightsBytes(specs, await make())), name);
}
