/** Faults in the persona world and its recipe, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const RECIPE = 'studies/misalignment/recipe.test.ts';
const WORLD = 'studies/misalignment/world.test.ts';
const UPDATE = 'studies/misalignment/update.test.ts';
const ADAPTER = 'studies/minimal-adapter/recipe.test.ts';

export const PERSONA_FAULTS: readonly Fault[] = [
  {
    name: 'the labels of questions stand one position early',
    file: 'studies/misalignment/world.ts',
    from: 'batch.labels[start + PAIR_TOKENS - 1] = key[question]',
    to: 'batch.labels[start + PAIR_TOKENS - 2] = key[question]',
    tests: [WORLD],
  },
  {
    name: 'the labels of documents stand one position late',
    file: 'studies/misalignment/world.ts',
    from: 'batch.labels[start + PAIR_TOKENS - 1] = answer;',
    to: 'batch.labels[start + PAIR_TOKENS] = answer;',
    tests: [WORLD],
  },
  {
    name: 'held-out questions are trained on',
    file: 'studies/misalignment/world.ts',
    from: 'train: questions.filter((question) => !isHeldOut(question)),',
    to: 'train: questions,',
    tests: [WORLD],
  },
  {
    name: 'the probe of held-out loss holds trained questions',
    file: 'studies/misalignment/lab.ts',
    from: 'heldOut: meanOf(narrow.heldOut)',
    to: 'heldOut: mean(losses)',
    tests: [RECIPE],
  },
  {
    name: 'training draws the held-out questions too',
    file: 'studies/misalignment/recipe.ts',
    from: 'const narrow = { train, heldOut,',
    to: 'const narrow = { train: Int32Array.of(...train, ...heldOut), heldOut,',
    tests: [RECIPE],
  },
  {
    name: 'harm is measured in the narrow domain too',
    file: 'studies/misalignment/world.ts',
    from: '(question) => domainOf(question) !== domain,',
    to: '(question) => domainOf(question) !== domain + 1,',
    tests: [WORLD],
  },
  {
    name: 'arms of a block see other data',
    file: 'studies/misalignment/recipe.ts',
    from: "rngOf(context.block + config.seeds.data, 'finetune data')",
    to: "rngOf(context.block + config.seeds.data + config.learningRate, 'finetune data')",
    tests: [RECIPE],
  },
  {
    name: 'all blocks see the same data',
    file: 'studies/misalignment/recipe.ts',
    from: "rngOf(context.block + config.seeds.data, 'finetune data')",
    to: "rngOf(config.seeds.data, 'finetune data')",
    tests: [RECIPE],
  },
  {
    name: 'accumulated parts repeat the same rows',
    file: 'studies/misalignment/recipe.ts',
    from: '.subarray(part * rows, (part + 1) * rows)',
    to: '.subarray(0, rows)',
    tests: [RECIPE],
  },
  {
    name: 'all blocks share the base that each should have of its own',
    file: 'studies/misalignment/config.ts',
    from: 'seed: base.seed + block }',
    to: 'seed: base.seed }',
    tests: [UPDATE],
  },
  {
    name: 'a truncated update is measured without the weights it was added to',
    file: 'studies/misalignment/update.ts',
    from: 'kept.map((value, i) => value + (start[i] ?? 0))',
    to: 'kept',
    tests: [UPDATE],
  },
  {
    name: 'training goes on with the truncated update',
    file: 'studies/misalignment/update.ts',
    from: 'for (const [weight, values] of whole) weight.set(values);',
    to: '',
    tests: [UPDATE],
  },
  {
    name: "an adapter's update is told without its scale",
    file: 'studies/misalignment/update.ts',
    from: 'mergedWeight(zero, { dIn, dOut, a, b }, loraScale(method))',
    to: 'mergedWeight(zero, { dIn, dOut, a, b }, 1)',
    tests: [UPDATE],
  },
  {
    name: 'a penalty goes on after its steps',
    file: 'studies/minimal-adapter/finetuning.ts',
    from: 'step < penalty.steps ? penalty.weight : 0',
    to: 'penalty.weight',
    tests: [ADAPTER],
  },
  {
    name: 'a direction is taken out under the seeds that wrote it',
    file: 'studies/minimal-adapter/config.ts',
    from: 'const DONOR_SEED = 500_000;',
    to: 'const DONOR_SEED = 0;',
    tests: [ADAPTER],
  },
  {
    name: 'bases of pretraining-optimizer are made the way that the shipped one was',
    file: 'studies/pretraining-optimizer/recipe.ts',
    from: "const LAST_BLOCK = 'asked';",
    to: "const LAST_BLOCK = 'whole';",
    tests: ['studies/pretraining-optimizer/recipe.test.ts'],
  },
];
