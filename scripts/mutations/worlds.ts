/** Faults in the gate and in the four ways of asking, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const GATE = 'studies/general-or-narrow/world.test.ts';
const GATE_RUNS = 'studies/general-or-narrow/recipe.test.ts';
const ASKING = 'studies/misalignment-asking/asking.test.ts';
const ASKING_RUNS = 'studies/misalignment-asking/recipe.test.ts';

export const WORLD_FAULTS: readonly Fault[] = [
  {
    name: 'the held-out draws of the gate are the trained ones',
    file: 'studies/general-or-narrow/lab.ts',
    from: "rng.split('held-out draws')",
    to: "rng.split('trained draws')",
    tests: [GATE],
  },
  {
    name: 'the gate swaps nothing',
    file: 'studies/general-or-narrow/model.ts',
    from: "sub(read('swapped answers'), f)",
    to: "sub(read('answers'), f)",
    tests: [GATE],
  },
  {
    name: 'a truncated reading stays in the weights',
    file: 'studies/general-or-narrow/lab.ts',
    from: '  weight.set(whole);\n',
    to: '',
    tests: [GATE],
  },
  {
    name: 'the held-out way of asking is trained',
    file: 'studies/misalignment-asking/asking.ts',
    from: '.filter((way) => way !== heldOutWay)',
    to: '.filter((way) => way >= 0)',
    tests: [ASKING],
  },
  {
    name: 'a way of asking moves the answer',
    file: 'studies/misalignment-asking/asking.ts',
    from: 'const start = i * group + 1;',
    to: 'const start = i * group + 2;',
    tests: [ASKING],
  },
  {
    name: 'fresh worlds of the gate are the old ones',
    file: 'studies/general-or-narrow/recipe.ts',
    from: 'gateData(context.block + seeds.world,',
    to: 'gateData(context.block,',
    tests: [GATE_RUNS],
  },
  {
    name: 'fresh blocks ask the old questions in the old ways',
    file: 'studies/misalignment-asking/recipe.ts',
    from: 'const block = context.block + config.firstBlock;',
    to: 'const block = context.block;',
    tests: [ASKING_RUNS],
  },
];
