/** Faults in how claims and maps are shown, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const CLAIMS = 'src/report/claims.test.ts';
const MAPS = 'src/report/maps.test.ts';

export const SHOWN_FAULTS: readonly Fault[] = [
  {
    name: 'a difference below is drawn and said as one above',
    file: 'src/report/claim-words.ts',
    from: "return (estimate ?? 0) < 0 ? 'below' : 'above';",
    to: "return 'above';",
    tests: [CLAIMS],
  },
  {
    name: 'places that are not neighbours are said as one span',
    file: 'src/report/claim-words.ts',
    from: 'last.at(-1) === before) last.push(level)',
    to: 'true) last.push(level)',
    tests: [CLAIMS],
  },
  {
    name: 'of places that say as much only the first is named',
    file: 'src/report/claim-words.ts',
    from: 'sizeOf(first) - sizeOf(level) < record.delta',
    to: 'level === first',
    tests: [CLAIMS],
  },
  {
    name: 'a place counts as the strongest, whatever its verdict',
    file: 'src/report/claim-words.ts',
    from: 'verdict === CLAIM_IMPORTANCE[rank]).toSorted',
    to: 'verdict === verdict).toSorted',
    tests: [CLAIMS],
  },
  {
    name: 'a control claim is counted and told as a question',
    file: 'src/report/claim-words.ts',
    from: "claims.filter(({ asks }) => asks === 'question')",
    to: 'claims.filter(({ asks }) => asks !== undefined)',
    tests: [CLAIMS],
  },
  {
    name: 'a contour crosses an edge at its middle',
    file: 'src/report/charts/contours.ts',
    from: 'const share = (level - a) / (b - a);',
    to: 'const share = 0.5;',
    tests: [MAPS],
  },
  {
    name: 'a map of differences is coloured from its lowest to its highest number',
    file: 'src/report/sections/maps.ts',
    from: 'values.flatMap((value) => [value, -value])',
    to: 'values.flatMap((value) => [value])',
    tests: [MAPS],
  },
];
