/** Faults in the operations a study's author builds with, and in spectra, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const WIDE_ROWS = 'test/engine/wide-rows.test.ts';
const PRIMITIVES = 'test/engine/primitives.test.ts';
const KINKS = 'test/reference/engine.test.ts';
const LARGE = 'test/engine/large.test.ts';
const SESSION = 'src/engine/session.test.ts';
const REFUSALS = 'test/engine/refusals.test.ts';
const SPECTRA = 'test/reference/spectra.test.ts';

export const ENGINE_FAULTS: readonly Fault[] = [
  {
    name: 'the runtime hands back copies of outputs that were written in place',
    file: 'src/engine/session.ts',
    from: "version: '1.30.0'",
    to: "version: '1.29.0'",
    tests: [SESSION],
  },
  {
    name: 'the second of several memories is not stepped',
    file: 'src/learning/optim/placement.ts',
    from: 'for (const one of optimizers) one.step(lr);',
    to: 'first.step(lr);',
    tests: ['src/learning/optim/optimizer.test.ts'],
  },
  {
    name: 'an error of the computation passes for outputs that are not handed back',
    file: 'src/engine/session.ts',
    from: '!(error instanceof Error) || error.message !== READ_BINDING.refusal',
    to: '!(error instanceof Error)',
    tests: [SESSION],
  },
  {
    name: 'a running sum sends its gradient forward instead of back',
    file: 'src/engine/gradients.ts',
    from: 'cumulativeSum(dy, axis, { reverse: !reverse })',
    to: 'cumulativeSum(dy, axis, { reverse })',
    tests: [PRIMITIVES],
  },
  {
    name: 'a tie gives its whole gradient to the first',
    file: 'src/engine/gradients.ts',
    from: 'shared(dy, greater(a, b), greaterOrEqual(a, b))',
    to: 'shared(dy, greaterOrEqual(a, b), greaterOrEqual(a, b))',
    tests: [KINKS],
  },
  {
    name: 'each of several largest gets the whole gradient',
    file: 'src/engine/gradients.ts',
    from: 'mul(isLargest, div(dy, sumKeep(isLargest, axes)))',
    to: 'mul(isLargest, dy)',
    tests: [KINKS],
  },
  {
    name: 'what `where` leaves out gets the gradient too',
    file: 'src/engine/gradients.ts',
    from: 'where(condition, dy, 0), where(condition, 0, dy)]',
    to: 'where(condition, dy, 0), dy]',
    tests: [PRIMITIVES],
  },
  {
    name: 'a gradient passes what is detached',
    file: 'src/engine/gradients.ts',
    from: 'detach: () => [undefined],',
    to: 'detach: (_node, _y, dy) => [dy],',
    tests: [KINKS],
  },
  {
    name: 'the derivative of a power keeps its exponent',
    file: 'src/engine/gradients.ts',
    from: 'mul(power(x, exponent - 1), exponent)',
    to: 'mul(power(x, exponent), exponent)',
    tests: [PRIMITIVES],
  },
  {
    name: 'the derivative of softplus is a step',
    file: 'src/engine/gradients.ts',
    from: 'softplus: ({ inputs: [x] }, _y, dy) => [mul(dy, sigmoid(x))],',
    to: 'softplus: ({ inputs: [x] }, _y, dy) => [mul(dy, step(x))],',
    tests: [PRIMITIVES],
  },
  {
    name: 'a step is thought to have a gradient',
    file: 'src/engine/gradients.ts',
    from: '  sign: () => [undefined],',
    to: '  sign: (_node, _y, dy) => [dy],',
    tests: [PRIMITIVES],
  },
  {
    name: 'entries that repeat overwrite each other',
    file: 'src/engine/onnx/lowering-rows.ts',
    from: "emit.of(values)], { axis: -1, reduction: 'add' }, y);",
    to: "emit.of(values)], { axis: -1, reduction: 'none' }, y);",
    tests: [PRIMITIVES, LARGE],
  },
  {
    name: 'the smallest are taken for the largest',
    file: 'src/engine/onnx/lowering-rows.ts',
    from: '{ axis: -1, largest: 1, sorted: 1 }',
    to: '{ axis: -1, largest: 0, sorted: 1 }',
    tests: [PRIMITIVES],
  },
  {
    name: 'clamp is flat a step early: its bounds count as inside',
    file: 'src/engine/ops/comparison.ts',
    from: 'mul(greater(x, low), less(x, high))',
    to: 'mul(greaterOrEqual(x, low), lessOrEqual(x, high))',
    tests: [KINKS],
  },
  {
    name: 'the length of a vector of zeros has a gradient of NaN',
    file: 'src/engine/ops/reduction.ts',
    from: 'sqrt(where(isZero, 1, squares))',
    to: 'sqrt(squares)',
    tests: [KINKS],
  },
  {
    name: 'a sum of exponentials overflows',
    file: 'src/engine/ops/reduction.ts',
    from: 'const largest = detach(reduceMaxKeep(x, axes));',
    to: 'const largest = mul(detach(reduceMaxKeep(x, axes)), 0);',
    tests: [KINKS],
  },
  {
    name: 'a variance is divided by n - 1',
    file: 'src/engine/ops/reduction.ts',
    from: 'return mean(square(sub(x, center)), axes);',
    to: 'return mul(mean(square(sub(x, center)), axes), countOf(x, axes) / (countOf(x, axes) - 1));',
    tests: [PRIMITIVES],
  },
  {
    name: 'a GRU exchanges its new state and its old one',
    file: 'src/engine/ops/recurrent.ts',
    from: 'return add(n, mul(z, sub(h, n)));',
    to: 'return add(h, mul(z, sub(n, h)));',
    tests: [KINKS],
  },
  {
    name: "an input may have the name of one of the program's own values",
    file: 'src/engine/onnx/lower.ts',
    from: 'return taken.has(name) ? next() : name;',
    to: 'return name;',
    tests: [REFUSALS],
  },
  {
    name: 'integers pass for floats',
    file: 'src/engine/tensor.ts',
    from: 'tensors.find((tensor) => tensor.dtype !== dtype);',
    to: 'tensors.find((tensor) => tensor.dtype !== dtype && tensor.shape.length > 9);',
    tests: [REFUSALS],
  },
  {
    name: 'a truncation keeps one singular value too many',
    file: 'src/learning/spectra/matrix.ts',
    from: 'const scaled = leadingColumns(left, rank);',
    to: 'const scaled = leadingColumns(left, Math.min(full, ++rank));',
    tests: [SPECTRA],
  },
  {
    name: 'shares of an entropy are always those of the values',
    file: 'src/learning/spectra/spectrum.ts',
    from: "of === 'values' ? value / largest : (value / largest) ** 2",
    to: 'value / largest',
    tests: [SPECTRA],
  },
  {
    name: 'small angles are taken from their cosines',
    file: 'src/learning/spectra/directions.ts',
    from: 'cosine ** 2 < 0.5 ?',
    to: 'cosine ** 2 < 2 ?',
    tests: [SPECTRA],
  },
  {
    name: 'vectors that resemble the base count as intruders',
    file: 'src/learning/spectra/directions.ts',
    from: '(cosines[i] ?? 1) < threshold',
    to: '(cosines[i] ?? 1) > threshold',
    tests: [SPECTRA],
  },
  {
    name: 'arbitrary vectors of a base of low rank are compared with',
    file: 'src/learning/spectra/directions.ts',
    from: 'return leadingColumns(left, numericalRank(sigma, matrix));',
    to: 'return leadingColumns(left, sigma.length);',
    tests: [SPECTRA],
  },
  {
    name: 'wide gradients leave out the factors of their rows where the other operand is multiplied',
    file: 'src/engine/gradients.ts',
    from: 'const left = mul(a, factors);',
    to: 'const left = a;',
    tests: [WIDE_ROWS],
  },
  {
    name: 'gradients of all logits are scaled as wide as they are',
    file: 'src/engine/gradients.ts',
    from: 'const WIDE = 8192;',
    to: 'const WIDE = 819_200;',
    tests: [WIDE_ROWS],
  },
];
