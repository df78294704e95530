/** Faults in what a claim reads, what it is held against and how its levels are judged, and the tests that must notice. */
import type { Fault } from './fault.ts';

const CLAIMS = 'src/analysis/claims/claims.test.ts';
const VERDICTS = 'src/analysis/claims/claim-verdicts.test.ts';
const BESIDE = 'src/analysis/claims/beside-contrasts.test.ts';
const MAPS = 'src/analysis/claims/maps.test.ts';
const GOLDENS = 'test/reference/claims.test.ts';
const WORLDS = 'src/analysis/validation/worlds-claims.test.ts';
const PLACE = 'src/analysis/claims/judge-place.ts';
const CELLS = 'src/analysis/claims/cells.ts';
const SPOTS = 'src/analysis/claims/spots.ts';
const TERMS = 'src/analysis/claims/terms.ts';
const SEEN = 'src/analysis/claims/seen-controls.ts';
const JUDGE = 'src/analysis/claims/judge-claims.ts';
const CONTROLS = 'src/analysis/claims/claim-controls.ts';

const POWER = 'src/analysis/power/claim-power.ts';
const POWER_TEST = 'src/analysis/power/claim-power.test.ts';

export const CLAIM_FAULTS: readonly Fault[] = [
  {
    name: 'verdicts on arms of one rate each do not say that they speak of these rates alone',
    file: 'src/analysis/words/lone-rates.ts',
    from: 'different.size < 2',
    to: 'different.size < 9',
    tests: ['src/analysis/words/lone-rates.test.ts'],
  },
  {
    name: 'claims: a plan takes every place for the only one',
    file: POWER,
    from: 'length: tests - 1',
    to: 'length: 0 * tests',
    tests: [POWER_TEST],
  },
  {
    name: 'claims: a plan promises agreement between arms without a control',
    file: POWER,
    from: 'needsControl: !needsNothing',
    to: 'needsControl: false && needsNothing',
    tests: [POWER_TEST],
  },
  {
    name: 'claims: a value is taken for zero',
    file: TERMS,
    from: 'return { terms: [own], constant: against.value };',
    to: 'return { terms: [own], constant: 0 * against.value };',
    tests: [CLAIMS, VERDICTS],
  },
  {
    name: 'claims: another outcome is read off the claim’s own',
    file: TERMS,
    from: '{ arm, outcome: against.outcome, weight: -1 }',
    to: '{ arm, outcome, weight: -1 }',
    tests: [CLAIMS, VERDICTS],
  },
  {
    name: 'claims: the weights of arms lose their sign',
    file: TERMS,
    from: 'weight: -weight,',
    to: 'weight: -Math.abs(weight),',
    tests: [CLAIMS, VERDICTS],
  },
  {
    name: 'claims: against an arm the sum is taken, not the difference',
    file: TERMS,
    from: '{ arm: against.arm, outcome, weight: -1 }',
    to: '{ arm: against.arm, outcome, weight: 1 }',
    tests: [CLAIMS, VERDICTS],
  },
  {
    name: 'claims: the first of points that disagree is taken',
    file: SPOTS,
    from: 'return values.every((value) => Object.is(value, first))',
    to: 'return values.some((value) => Object.is(value, first))',
    tests: [CLAIMS, VERDICTS],
  },
  {
    name: 'claims: a level that lies near counts as given',
    file: SPOTS,
    from: 'point.axes[axis] === level && has(point, needs)',
    to: 'Math.abs((point.axes[axis] ?? NaN) - level) < 1e-3 && has(point, needs)',
    tests: [CLAIMS, VERDICTS],
  },
  {
    name: 'claims: the end is the first point',
    file: SPOTS,
    from: 'run.points.findLast((point) => has(point, needs))',
    to: 'run.points.find((point) => has(point, needs))',
    tests: [CLAIMS, VERDICTS],
  },
  {
    name: 'claims: a trend runs from the last level to the first',
    file: SPOTS,
    from: "?.direction === 'rises' ? 1 : -1;",
    to: "?.direction === 'rises' ? -1 : 1;",
    tests: [CLAIMS, VERDICTS],
  },
  {
    name: 'claims: a trend is the slope, not the change',
    file: CELLS,
    from: 'const span = (at.at(-1) ?? 0) - (at[0] ?? 0);',
    to: 'const span = at.length > 0 ? 1 : 0;',
    tests: [GOLDENS],
  },
  {
    name: 'claims: log levels are read as they are',
    file: 'src/analysis/claims/place-table.ts',
    from: "claim.at.kind === 'trend' && claim.at.scale === 'log'",
    to: "claim.at.kind === 'trend' && claim.at.scale === 'linear'",
    tests: [GOLDENS],
  },
  {
    name: 'claims: what rounding leaves of a sum is a difference',
    file: CELLS,
    from: 'return Math.abs(sum) <= ROUNDING * size ? 0 : sum;',
    to: 'return Math.abs(sum) <= 0 * size ? 0 : sum;',
    tests: [CLAIMS, VERDICTS],
  },
  {
    name: 'claims: a difference needs no one sign over learning rates',
    file: PLACE,
    from: 'if (isFound && doRatesAgree)',
    to: 'if (isFound && (doRatesAgree || p < 1))',
    tests: [CLAIMS, VERDICTS],
  },
  {
    name: 'claims: equal arms under other rates differ',
    file: PLACE,
    from: 'if (!table.parts.some((ofTerm) => ofTerm.length > 1)) return true;',
    to: 'if (table.parts.length < 99) return true;',
    tests: [CLAIMS, VERDICTS, WORLDS],
  },
  {
    name: 'claims: agreement between arms needs no control',
    file: PLACE,
    from: 'return needsControl && controls.length === 0',
    to: 'return needsControl && controls.length > 99',
    tests: [CLAIMS, VERDICTS, WORLDS],
  },
  {
    name: 'claims: a level is found whatever its p',
    file: PLACE,
    from: 'const isFound = p < rule.alpha &&',
    to: 'const isFound = p < 10 * rule.alpha &&',
    tests: [CLAIMS, VERDICTS, WORLDS],
  },
  {
    name: 'claims: a control at any place will do',
    file: SEEN,
    from: 'canonicalJson(level) === canonicalJson(table.level)',
    to: 'canonicalJson(level) !== canonicalJson(table.text)',
    tests: [CLAIMS, VERDICTS],
  },
  {
    name: 'claims: a control of any size will do',
    file: SEEN,
    from: 'if (isTooLarge(estimate, { delta, alpha: CONTROL_ALPHA })) return [];',
    to: 'if (isTooLarge(estimate, { delta: 99, alpha: CONTROL_ALPHA })) return [];',
    tests: [CLAIMS, VERDICTS],
  },
  {
    name: 'claims: controls of contrasts say nothing of claims',
    file: SEEN,
    from: "if (at.kind !== 'crossed' || typeof level !== 'number') return [];",
    to: "if (at.kind === 'crossed' || typeof level !== 'number') return [];",
    tests: [BESIDE],
  },
  {
    name: 'claims: each is a family of its own',
    file: 'src/analysis/analyse.ts',
    from: 'absencesOf(claims));',
    to: 'absencesOf({ ...claims, results: [] }));',
    tests: [CLAIMS, VERDICTS],
  },
  {
    name: 'claims: their levels do not count for the p of contrasts',
    file: 'src/analysis/verdict/contrast-result.ts',
    from: '...others];',
    to: '...others.slice(0, 0)];',
    tests: [BESIDE],
  },
  {
    name: 'claims: voided blocks do not matter',
    file: JUDGE,
    from: 'lostUnits(units, blocks, reasonsOf(table))',
    to: 'lostUnits({ ...units, all: units.usable }, { usable: 1, all: 1 }, reasonsOf(table))',
    tests: [CLAIMS, VERDICTS],
  },
  {
    name: 'claims: failed controls gate contrasts alone',
    file: JUDGE,
    from: 'for (const control of setting.controls) if (!control.passed)',
    to: 'for (const control of setting.controls) if (!control.passed && setting.alpha > 1)',
    tests: [CLAIMS, VERDICTS],
  },
  {
    name: 'claims: a control may lie on either side',
    file: SEEN,
    from: "return direction === undefined || (direction === 'above') === mean > 0;",
    to: "return direction === undefined || (direction === 'above') === mean > 0 || mean !== 0;",
    tests: [CLAIMS, VERDICTS],
  },
  {
    name: 'claims: equality to the bit is equality on average',
    file: CONTROLS,
    from: 'return table.isIdentical',
    to: 'return Math.abs(mean) < outcome.delta',
    tests: [CLAIMS, VERDICTS],
  },
  {
    name: 'claims: too few blocks are told as no runs',
    file: CONTROLS,
    from: 'if (all === 0) return reasonsOf(table);',
    to: 'if (usable < FEWEST) return reasonsOf(table);',
    tests: [VERDICTS],
  },
  {
    name: 'claims: blocks of a cluster are units of their own',
    file: 'src/analysis/claims/place-table.ts',
    from: 'return clusters?.of.get(block) ?? block;',
    to: 'return clusters === undefined ? block : block;',
    tests: [CLAIMS, VERDICTS, WORLDS],
  },
  {
    name: 'claims: a map’s differences are taken the other way round',
    file: 'src/analysis/claims/maps.ts',
    from: 'plus: arm.name, minus: name',
    to: 'plus: name, minus: arm.name',
    tests: [MAPS],
  },
];
