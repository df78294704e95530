/** Faults in the world of small two-tower models (binding-towers), and the tests that must notice them. */
import type { Fault } from './fault.ts';

const RUNS = ['studies/binding-towers/recipe.test.ts'];

export const BINDING_TOWERS_FAULTS: readonly Fault[] = [
  {
    name: 'batches without held-out pairs have them',
    file: 'studies/binding-towers/batches.ts',
    from: 'sceneDrawer(world, rules.pairs)',
    to: "sceneDrawer(world, 'any')",
    tests: RUNS,
  },
  {
    name: 'the wrong caption is the right one again',
    file: 'studies/binding-towers/batches.ts',
    from: 'captionsOf((scene) => exchanged(scene)) : []',
    to: 'captionsOf((scene) => scene) : []',
    tests: RUNS,
  },
  {
    name: 'the foil of a mirror is the swap itself, which a reader of places sees',
    file: 'studies/binding-towers/measures.ts',
    from: 'foils: rowsOf(images, every(4, 2, 3))',
    to: 'foils: rowsOf(images, every(4, 1, 0))',
    tests: RUNS,
  },
  {
    name: 'evaluations leave words out where training does',
    file: 'studies/binding-towers/evaluation.ts',
    from: 'const whole: SceneWorld = { ...world, captions };',
    to: 'const whole: SceneWorld = { ...world, captions: { ...captions, ...world.captions } };',
    tests: RUNS,
  },
  {
    name: 'runs of other settings share a program that reads only theirs',
    file: 'studies/binding-towers/recipe.ts',
    from: 'batch: [batch.size, batch.negatives] }',
    to: 'batch: [batch.size] }',
    tests: RUNS,
  },
  {
    name: 'the picture of a swap is that of the scene',
    file: 'studies/binding-towers/shown-pairs.ts',
    from: '[render(scene), render(swap)]',
    to: '[render(scene), render(scene)]',
    tests: RUNS,
  },
  {
    name: 'cosines of pictures are those of other scenes',
    file: 'studies/binding-towers/shown-pairs.ts',
    from: '4 * layout + picture',
    to: '4 * layout + 2 + picture',
    tests: RUNS,
  },
];
