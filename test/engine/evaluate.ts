/** Graphs computed once, for tests that are not cases of one operation. */
import { differentiate } from '#engine/differentiate.ts';
import { sum } from '#engine/ops/layout.ts';
import { mul } from '#engine/ops/elementwise.ts';
import { constant } from '#engine/ops/sources.ts';
import { compile, type Buffer } from '#engine/session.ts';
import { sizeOf, type Tensor } from '#engine/tensor.ts';

/** The values of the named outputs for the named inputs; integer outputs come as numbers too. */
export async function evaluate(
  outputs: Readonly<Record<string, Tensor>>,
  feeds: Readonly<Record<string, Buffer>>,
  threads = 1,
): Promise<Readonly<Record<string, readonly number[]>>> {
  await using program = await compile(outputs, { threads });
  for (const [name, values] of Object.entries(feeds)) program.bindIfKnown(name, values);
  await program.run();
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { dtype }]) => [
      name,
      [...(dtype === 'int32' ? program.int32(name) : program.float32(name))],
    ]),
  );
}

/** y, and the gradients of sum(y w) with w = 1, 2, 3, ... over the elements of y, as engine.py has them. */
export function withGradients(y: Tensor, wrt: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> {
  const weights = constant(
    Float32Array.from({ length: sizeOf(y.shape) }, (_, i) => i + 1),
    y.shape,
  );
  const gradients = differentiate(sum(mul(y, weights)), Object.values(wrt));
  return { y, ...Object.fromEntries(Object.keys(wrt).map((name, i) => [`d ${name}`, gradients[i] ?? y])) };
}
