/** Faults in the learner, its runs and the sites of a model, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const TRAINER = 'test/learning/trainer.test.ts';
const LEARNER = 'test/learning/learner.test.ts';
const SITES = 'test/learning/sites.test.ts';
const TRAJECTORY = 'src/measures/bracketed-trajectory.test.ts';

export const LEARNER_FAULTS: readonly Fault[] = [
  {
    name: 'a checkpoint drops the state of the optimizer',
    file: 'src/learning/learner.ts',
    from: '      optimizer.restoreState(state);\n',
    to: '',
    tests: [TRAINER],
  },
  {
    name: 'a reset trainer keeps the state of the run before',
    file: 'src/learning/learner.ts',
    from: '      optimizer.restoreState(start);\n',
    to: '',
    tests: [TRAINER],
  },
  {
    name: 'a resumed optimizer counts its steps from zero',
    file: 'src/learning/optim/optimizer.ts',
    from: 'stepCount = decodeState(bytes, config.kind, buffers);',
    to: 'decodeState(bytes, config.kind, buffers);',
    tests: [TRAINER],
  },
  {
    name: 'accumulated gradients replace each other',
    file: 'src/learning/learner.ts',
    from: 'offset, view.length, 1, 1);',
    to: 'offset, view.length, 0, 1);',
    tests: [TRAINER],
  },
  {
    name: 'the first micro-batch is added to what a broken step left',
    file: 'src/learning/learner.ts',
    from: 'if (microBatches === 0) gradient?.set(view);\n        else ',
    to: '',
    tests: [LEARNER],
  },
  {
    name: 'a reset leaves the gradients of the run before',
    file: 'src/learning/learner.ts',
    from: 'for (const { gradient } of parameters) gradient.fill(0);',
    to: '',
    tests: [LEARNER],
  },
  {
    name: 'terms of a loss are added without their weights',
    file: 'src/learning/loss.ts',
    from: '(weight === 1 ? term : mul(term, weight))',
    to: '(weight === 1 ? term : term)',
    tests: [LEARNER],
  },
  {
    name: 'weights that broke in a step are not noticed',
    file: 'src/learning/learner.ts',
    from: 'return brokenWeight(parameters, arena) ?? norm;',
    to: 'return norm;',
    tests: [LEARNER],
  },
  {
    name: 'a probe whose held-out loss is not a number goes on',
    file: 'src/recipes/training-run.ts',
    from: 'const broken = brokenAxis(axes);',
    to: 'const broken = brokenAxis({ train: axes[lossAxis] ?? 0 });',
    tests: ['test/recipes/training-run.test.ts'],
  },
  {
    name: 'a probe that broke is recorded',
    file: 'src/measures/bracketed-trajectory.ts',
    from: '      if (isBroken) {',
    to: '      if (isBroken && !isLast) {',
    tests: ['test/recipes/training-run.test.ts'],
  },
  {
    name: 'the pending probe before a crossing is measured under the present weights',
    file: 'src/measures/bracketed-trajectory.ts',
    from: 'await probed.under(snapshot, () => probed.outcomes(probe))',
    to: 'await probed.outcomes(probe)',
    tests: [TRAJECTORY],
  },
  {
    name: 'levels are crossed downwards only',
    file: 'src/measures/bracketed-trajectory.ts',
    from: ' || (a < level && b >= level)',
    to: '',
    tests: [TRAJECTORY],
  },
  {
    name: 'a direction is ablated as if it had length 1',
    file: 'src/learning/nn/sites.ts',
    from: 'div(matmul(x, d, { transposeB: true }), matmul(d, d, { transposeB: true }))',
    to: 'matmul(x, d, { transposeB: true })',
    tests: [SITES],
  },
  {
    name: 'the site after attention sees what is added, not the stream',
    file: 'src/learning/models/transformer.ts',
    from: 'layers.site(names.afterAttention, add(x, attention))',
    to: 'add(x, layers.site(names.afterAttention, attention))',
    tests: [SITES],
  },
  {
    name: 'an edit of a site is ignored',
    file: 'src/learning/nn/sites.ts',
    from: '      const after = edit(before);',
    to: '      const after = before;',
    tests: [SITES],
  },
  {
    name: 'labs of other worlds are taken for one',
    file: 'src/recipes/world-recipe.ts',
    from: "const key = { world: context.config['world'] ?? {}, optimizer: { ...optimizer } };",
    to: 'const key = { optimizer: { ...optimizer } };',
    tests: ['studies/associations/recipe.test.ts'],
  },
  {
    name: 'all blocks of a world start alike',
    file: 'src/recipes/world-recipe.ts',
    from: 'init: context.block + init',
    to: 'init: init',
    tests: ['test/recipes/world-recipe.test.ts'],
  },
  {
    name: 'gradients are not clipped',
    file: 'src/recipes/world-recipe.ts',
    from: "'norm' ? reader.number('max', { min: 0 }) : Infinity",
    to: "'norm' ? reader.number('max', { min: 0 }) * 1e9 : Infinity",
    tests: ['test/recipes/world-recipe.test.ts'],
  },
  {
    name: 'an input that is not fed keeps its last values',
    file: 'src/learning/feeds.ts',
    from: 'if (value === undefined) throw refusal(`expected input "${name}", found it not fed (weights come by reset)`);',
    to: 'if (value === undefined) continue;',
    tests: ['test/learning/learner.test.ts'],
  },
  {
    name: 'the memory recalls values by transposed keys',
    file: 'studies/associations/world.ts',
    from: "matmul(input('keys', shape), input('memory', shape), { transposeB: true })",
    to: "matmul(input('memory', shape), input('keys', shape), { transposeB: true })",
    tests: ['studies/associations/recipe.test.ts'],
  },
  {
    name: 'an orthonormal start has columns of another length',
    file: 'src/learning/nn/orthonormal.ts',
    from: 'vector.map((value) => value / norm)',
    to: 'vector.map((value) => value / norm ** 2)',
    tests: ['src/learning/nn/layers.test.ts'],
  },
];
