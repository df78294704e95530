/** Faults in what is kept: the store's versions and looks, and settings that found another place. */
import type { Fault } from './fault.ts';

const SQLITE = 'src/store/sqlite.test.ts';
const OLDER = 'test/e2e/older-stores.test.ts';

export const HOUSE_FAULTS: readonly Fault[] = [
  {
    name: 'the records of an older store are taken as they lie',
    file: 'src/store/schema.ts',
    from: 'UPGRADES.slice(version - 1).reduce(',
    to: 'UPGRADES.slice(version).reduce(',
    tests: [OLDER],
  },
  {
    name: 'a store is said to be upgraded that is not',
    file: 'src/store/sqlite-open.ts',
    from: 'for (const kind of changedKinds(version)) {',
    to: 'for (const kind of changedKinds(version).slice(1)) {',
    tests: [OLDER],
  },
  {
    name: 'the store of a later version is read',
    file: 'src/store/sqlite-rows.ts',
    from: 'if (version > SCHEMA_VERSION) {',
    to: 'if (version > SCHEMA_VERSION + 100) {',
    tests: [SQLITE],
  },
  {
    name: 'a reader sees half of a commit and calls it damage',
    file: 'src/store/sqlite.ts',
    from: 'file.snapshot(() => readPoints(file, measureId))',
    to: 'readPoints(file, measureId)',
    tests: [SQLITE],
  },
  {
    name: 'asking for the same answer again counts as a further look',
    file: 'src/store/sqlite.ts',
    from: 'ordinal: last.ordinal })',
    to: 'ordinal: 0 })',
    tests: ['test/conformance/sqlite.test.ts'],
  },
  {
    name: 'gradients are not clipped although a norm is set',
    file: 'src/recipes/finetune/lab.ts',
    from: 'largestNorm(config.clip)',
    to: 'largestNorm({ ...config.clip, max: Infinity })',
    tests: ['test/learning/finetune.test.ts'],
  },
];
