/** Faults in computing common beginnings once, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const ANSWER_ROWS = 'src/measures/answer-rows.test.ts';
const BRANCHED = 'test/learning/branched.test.ts';
const PREFIXED = 'test/learning/prefixed-rows.test.ts';
const TREES = 'test/learning/trees.test.ts';

export const SHARED_TOKENS_FAULTS: readonly Fault[] = [
  {
    name: 'equal tokens share whatever stands before them',
    file: 'src/learning/models/trees.ts',
    from: 'const pair = before * width + (tokens[place] ?? 0);',
    to: 'const pair = (place % length) * width + (tokens[place] ?? 0);',
    tests: [TREES],
  },
  {
    name: 'a token sees what other rows of its tree have',
    file: 'src/learning/models/trees.ts',
    from: 'for (let seen = place - (place % length); seen <= place; seen++)',
    to: 'for (let seen = 0; seen <= place; seen++)',
    tests: [TREES],
  },
  {
    name: 'places are counted in a tree and not in a row',
    file: 'src/learning/models/trees.ts',
    from: 'feeds.positions[at] = place % length;',
    to: 'feeds.positions[at] = token;',
    tests: [TREES],
  },
  {
    name: 'a layout has room for one row less than is drawn',
    file: 'src/learning/models/trees.ts',
    from: 'sum + Math.min(rows, count)',
    to: 'sum + Math.min(rows - 1, count)',
    tests: [TREES],
  },
  {
    name: 'labels of trees stand where they stand in the rows',
    file: 'src/learning/models/trees.ts',
    from: 'labelled?.map((place) => held[place] ?? 0) ?? held',
    to: 'labelled ?? held',
    tests: [TREES],
  },
  {
    name: 'a scorer keeps the beginnings of the rows before',
    file: 'src/learning/readers.ts',
    from: 'if (fed?.length === tokens.length && fed.every((token, place) => token === tokens[place])) return;',
    to: 'if (fed?.length === tokens.length) return;',
    tests: [TREES],
  },
  {
    name: 'an edited stream is cut to the labelled places before its last sites',
    file: 'src/learning/nn/sites.ts',
    from: '    wholeStream: true,\n    site(name, x) {',
    to: '    site(name, x) {',
    tests: [TREES],
  },
  {
    name: 'the last block of any step ends at its labels, whatever that does to bits',
    file: 'src/learning/programs.ts',
    from: 'const TOKENS_A_CHAIN = 128;',
    to: 'const TOKENS_A_CHAIN = 1024;',
    tests: ['test/learning/trainer.test.ts'],
  },
  {
    name: 'the last block of a step with one label ends there, whatever that does to bits',
    file: 'src/learning/programs.ts',
    from: 'const LEAST_ROWS = 2;',
    to: 'const LEAST_ROWS = 1;',
    tests: ['test/learning/trainer.test.ts'],
  },
  {
    name: 'a token that stands for nothing takes the place of another',
    file: 'src/learning/data/prefixed-rows.ts',
    from: '.fill(layout.rows * length - 1)',
    to: '',
    tests: [PREFIXED],
  },
  {
    name: 'a place without a token holds another row’s',
    file: 'src/learning/data/prefixed-rows.ts',
    from: '.fill(count - prefix - 1)',
    to: '',
    tests: [PREFIXED],
  },
  {
    name: 'the first token after the prefix is predicted from another row',
    file: 'src/learning/data/prefixed-rows.ts',
    from: 'labelled[label] = t === prefix ? prefix - 1 : token - 1;',
    to: 'labelled[label] = token - 1;',
    tests: [PREFIXED],
  },
  {
    name: 'tokens behind a prefix stand where they stand in the batch',
    file: 'src/learning/data/prefixed-rows.ts',
    from: 'positions[token] = t;',
    to: 'positions[token] = token;',
    tests: [PREFIXED],
  },
  {
    name: 'the largest layout forgets that a row may be met twice',
    file: 'src/learning/data/rows-layouts.ts',
    from: 'Math.floor((rows - 2) / all.length) + 2;',
    to: 'Math.floor((rows - 2) / all.length) + 1;',
    tests: [PREFIXED],
  },
  {
    name: 'the gradients of a batch in another layout go nowhere',
    file: 'src/learning/learner.ts',
    from: 'memory.bindGradients(program);',
    to: 'if (options.scratch === undefined) memory.bindGradients(program);',
    tests: [PREFIXED],
  },
  {
    name: 'answers do not see what all questions begin with',
    file: 'src/measures/answer-rows.ts',
    from: 'put(ids, stem.length, stemSegment, root);',
    to: 'put(ids, stem.length, stemSegment);',
    tests: [ANSWER_ROWS, BRANCHED],
  },
  {
    name: 'nobody sees the root of a segment',
    file: 'src/learning/models/branched.ts',
    from: "minimum(minimum(squared('segments'), squared('parents')), squared('roots'))",
    to: "minimum(minimum(squared('segments'), squared('parents')), add(squared('roots'), 1))",
    tests: [BRANCHED],
  },
  {
    name: 'the present weights are kept where the snapshot is',
    file: 'src/recipes/training-run.ts',
    from: 'present = learner.saveWeights(present);',
    to: 'present = learner.saveWeights(kept);',
    tests: ['test/recipes/training-run.test.ts'],
  },
  {
    name: 'blocks of queries are masked as if each stood at the beginning of its row',
    file: 'src/learning/models/attention.ts',
    from: 'const [start, own] = [query * length, query + from];',
    to: 'const [start, own] = [query * length, query];',
    tests: ['test/learning/long-rows.test.ts'],
  },
];
