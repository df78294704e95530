/** Faults in computing common beginnings once, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const SHARED = 'test/learning/shared-tokens.test.ts';

export const SHARED_TOKENS_FAULTS: readonly Fault[] = [
  {
    name: 'equal tokens share whatever stands before them',
    file: 'src/learning/models/shared-tokens.ts',
    from: 'const name = `${before} ${tokens[place]}`;',
    to: 'const name = `${place % length} ${Math.sign(before)} ${tokens[place]}`;',
    tests: [SHARED],
  },
  {
    name: 'a scorer keeps the beginnings of the rows before',
    file: 'src/learning/readers.ts',
    from: 'if (fed?.length === tokens.length && fed.every((token, place) => token === tokens[place])) return;',
    to: 'if (fed?.length === tokens.length) return;',
    tests: [SHARED],
  },
  {
    name: 'an edited stream is cut to the labelled places before its last sites',
    file: 'src/learning/nn/sites.ts',
    from: '    wholeStream: true,\n    site(name, x) {',
    to: '    site(name, x) {',
    tests: [SHARED],
  },
];
