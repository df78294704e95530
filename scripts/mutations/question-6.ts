/** Faults in scenes, probes and the runs that ask about binding, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const SCENES = ['src/worlds/scenes/scenes.test.ts'];
const PROBES = ['src/measures/probes/probes.test.ts'];
const BINDING = ['src/recipes/binding/binding.test.ts'];
const SETS = ['src/recipes/binding/benchmark.test.ts'];

export const QUESTION_6_FAULTS: readonly Fault[] = [
  {
    name: 'brightness goes by place instead of rank, so that shapes differ in it',
    file: 'src/worlds/scenes/shapes.ts',
    from: '(1 - DARKEST) * rank) / (keys.length - 1);',
    to: '(1 - DARKEST) * i) / (rank + keys.length);',
    tests: SCENES,
  },
  {
    name: 'a shape has six cells',
    file: 'src/worlds/scenes/shapes.ts',
    from: "'###.#..#.'",
    to: "'###.#.##.'",
    tests: SCENES,
  },
  {
    name: 'what is left out of a caption goes by the object',
    file: 'src/worlds/scenes/captions.ts',
    from: 'const colour = colours[object.colour];',
    to: 'const colour = object.x < 14 ? undefined : colours[object.colour];',
    tests: SCENES,
  },
  {
    name: 'the swap of a seen scene may hold a held-out pair',
    file: 'src/worlds/scenes/held-out.ts',
    from: "if (part === 'seen') return ![...own, ...swap].includes(true);",
    to: "if (part === 'seen') return !own.includes(true);",
    tests: SCENES,
  },
  {
    name: 'a mirror turns places and not the order of objects',
    file: 'src/worlds/scenes/scenes.ts',
    from: 'objects: moved.toReversed()',
    to: 'objects: moved',
    tests: SCENES,
  },
  {
    name: 'a probe learns from the groups it is asked about',
    file: 'src/measures/probes/linear-probe.ts',
    from: 'const [seen, asked] = [rowsOf(fold, false), rowsOf(fold, true)];',
    to: 'const [seen, asked] = [groups.map((_, row) => row), rowsOf(fold, true)];',
    tests: PROBES,
  },
  {
    name: 'the intercept is penalised away',
    file: 'src/measures/probes/logistic.ts',
    from: 'const intercept = hasIntercept ? along(0) / along(1) : 0;',
    to: 'const intercept = hasIntercept ? (0.5 * along(0)) / along(1) : 0;',
    tests: PROBES,
  },
  {
    name: 'ties of cosines count as right',
    file: 'src/measures/probes/cross-modal.ts',
    from: '<= tie ? 0.5 :',
    to: '<= tie ? 1 :',
    tests: PROBES,
  },
  {
    name: 'the map on texts forgets what the cosine knows already',
    file: 'src/measures/probes/text-map.ts',
    from: 'value + (moved.values[i] ?? 0)',
    to: '(moved.values[i] ?? 0)',
    tests: PROBES,
  },
  {
    name: 'the lens reads every depth off the last block',
    file: 'src/recipes/binding/lens.ts',
    from: '{ [last]: replaceBy(stream) }',
    to: '{}',
    tests: BINDING,
  },
  {
    name: 'the mean of a picture counts the class token',
    file: 'src/recipes/binding/lens.ts',
    from: '[last]: replaceBy(spreadMean(stream, batch))',
    to: '[last]: replaceBy(stream)',
    tests: BINDING,
  },
  {
    name: 'the map is fitted on the pairs it is asked about',
    file: 'src/recipes/binding/scene-set.ts',
    from: 'const fitted = [...place(others).asked, ...asked.filter(isSeen(world, shown))];',
    to: 'const fitted = [...place(others).asked, ...asked.filter(isSeen(world, shown)), ...held];',
    tests: BINDING,
  },
  {
    name: 'shuffled towers are the checkpoint under another name',
    file: 'src/recipes/binding/binding.ts',
    from: "subject === 'model' ? towers : withShuffledWeights(towers, seed)",
    to: 'towers',
    tests: BINDING,
  },
  {
    name: 'boxes of ARO are not cut out',
    file: 'src/recipes/binding/public-sets.ts',
    from: 'if (box === undefined) return image;',
    to: 'if (box === undefined || box.width > 0) return image;',
    tests: SETS,
  },
  {
    name: 'every block reads the same share of a test set',
    file: 'src/recipes/binding/benchmark.ts',
    from: 'rank % shares === block)',
    to: 'rank % shares === 0)',
    tests: SETS,
  },
  {
    name: 'a swap exchanges shapes',
    file: 'src/worlds/scenes/scenes.ts',
    from: "attribute: Attribute = 'colour'): Scene {",
    to: "attribute: Attribute = 'shape'): Scene {",
    tests: SCENES,
  },
  {
    name: 'shuffled weights stand where they stood',
    file: 'src/recipes/binding/null-towers.ts',
    from: '(from) => values[from] ?? 0',
    to: '(_, i) => values[i] ?? 0',
    tests: BINDING,
  },
  {
    name: 'texts keep their attention where it is taken away',
    file: 'src/recipes/binding/null-towers.ts',
    from: 'TEXT.block(layer)',
    to: 'IMAGE.block(layer)',
    tests: BINDING,
  },
  {
    name: 'a folder is refused by the name of another',
    file: 'src/recipes/binding/tower-files.ts',
    from: 'const towers = known.get(content) ?? (await knownTowers(model));\n    known.set(content, towers);',
    to: 'const reading = known.get(content) ?? knownTowers(model);\n    known.set(content, reading);\n    const towers = await reading;',
    tests: BINDING,
  },
];
