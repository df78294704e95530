/** Programs over a model whose stream is read or changed, such as those of files that nothing trains. */
import { compile } from '#engine/session.ts';
import type { Tensor } from '#engine/tensor.ts';
import { type Reader, readerOf } from '#learning/feeds.ts';
import { transformerParameters } from '#learning/models/parameters.ts';

import { bindWeights, type StreamModel } from './model-activations.ts';

/** Compiles outputs that read a model's weights in place: every other input is fed with each call. @throws AssayError on a weight that the model lacks. */
export async function streamReader(
  model: StreamModel,
  outputs: Readonly<Record<string, Tensor>>,
  { threads = 1 }: { readonly threads?: number } = {},
): Promise<Reader & AsyncDisposable> {
  const program = await compile(outputs, { threads, scratch: 'returned' });
  bindWeights(program, model);
  const bound = new Map(
    transformerParameters(model.config).flatMap(({ name }) => {
      const values = model.weights.get(name);
      return values === undefined ? [] : [[name, values] as const];
    }),
  );
  return { ...readerOf(program, bound), [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}
