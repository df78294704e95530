/** Faults in matching, in what verdicts name and in controls, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const PASSAGE = 'src/analysis/matching/passage.test.ts';
const DECIDE = 'src/analysis/verdict/decide.test.ts';
const CONTROLS = 'src/analysis/verdict/controls.test.ts';
const BOUNDED = 'src/analysis/matching/bounded-joint.test.ts';
const PAIRS = 'src/analysis/matching/single-matching.test.ts';
const WORLDS = 'src/analysis/validation/worlds-matching.test.ts';
const PLAN = 'src/study/plan.test.ts';
const DECIDES = 'src/analysis/verdict/decide.ts';
const JUDGES = 'src/analysis/verdict/controls.ts';
const BOUND = 'src/analysis/matching/bounded-joint.ts';

export const MATCHING_FAULTS: readonly Fault[] = [
  {
    name: "the first crossing instead of the fit's",
    file: 'src/analysis/matching/passage.ts',
    from: 'if (excess > largest) [largest, before, after] = [excess, i, -1];',
    to: 'if (excess > largest && sign * value > sign * level && after < 0) [largest, before, after] = [excess, i, -1]; else if (after >= 0) break;',
    tests: [PASSAGE],
  },
  {
    name: "the last crossing instead of the fit's",
    file: 'src/analysis/matching/passage.ts',
    from: 'if (excess > largest) [largest, before, after] = [excess, i, -1];',
    to: 'if (sign * value > sign * level) [largest, before, after] = [excess, i, -1];',
    tests: [PASSAGE],
  },
  {
    name: 'pairs of learning rates need a sign only',
    file: DECIDES,
    from: 'return sign > 0 ? low > 0 && overall.mean > least : high < 0 && overall.mean < -least;',
    to: 'return sign > 0 ? overall.mean > least && high > low : overall.mean < -least;',
    tests: [DECIDE],
  },
  {
    name: "an arm's own spread over rates is not asked for",
    file: DECIDES,
    from: 'const least = common.length > 0 ? 0 : ratesSpread(matching);',
    to: 'const least = common.length > 0 ? 0 : 0 * ratesSpread(matching);',
    tests: [DECIDE],
  },
  {
    name: 'different rates are not crossed',
    file: 'src/analysis/matching/single-matching.ts',
    from: '({ arm: one, reference: other }) => !areShared || one === other,',
    to: '({ arm: one, reference: other }) => one === other,',
    tests: [PAIRS],
  },
  {
    name: 'an A/A twin chooses rates of its own',
    file: 'src/study/plan.ts',
    from: 'if (reference !== undefined && settingsText(reference) === settingsText(arm)) return reference;',
    to: 'if (reference !== undefined && settingsText(reference) === settingsText(arm)) return arm;',
    tests: [PLAN, 'src/runner/run-study.test.ts'],
  },
  {
    name: "an arm of other settings takes its reference's rates",
    file: 'src/study/plan.ts',
    from: 'settingsText(reference) === settingsText(arm)) return reference;',
    to: 'settingsText(reference) !== "") return reference;',
    tests: [PLAN],
  },
  {
    name: 'nothing is taken off for a mismatch',
    file: BOUND,
    from: 'const remaining = (cell: Cell): number => cell.contrast - Math.sign(mean) * explained(cell);',
    to: 'const remaining = (cell: Cell): number => cell.contrast;',
    tests: [BOUNDED],
  },
  {
    name: 'slopes are looked for along held-out loss alone',
    file: BOUND,
    from: 'return [Math.abs(y / h), Math.abs(y / runs / gap)];',
    to: 'return [Math.abs(y / h), 0 * Math.abs(y / runs / gap)];',
    tests: [BOUNDED],
  },
  {
    name: 'slopes over learning rates are not looked for',
    file: BOUND,
    from: '>= TELLING_FRACTION * apart ? [Math.abs(hy / hh)] : [];',
    to: '>= TELLING_FRACTION * apart ? [0 * Math.abs(hy / hh)] : [];',
    tests: [BOUNDED],
  },
  {
    name: 'one stray block of eight ends the joint matching',
    file: 'src/analysis/matching/joint-matching.ts',
    from: 'const COMMON_BLOCKS_FRACTION = 0.75;',
    to: 'const COMMON_BLOCKS_FRACTION = 0.9;',
    tests: [WORLDS],
  },
  {
    name: 'a bound needs no test',
    file: DECIDES,
    from: 'joint.bound === undefined ? isEffect(joint, rule) : joint.p < rule.alpha;',
    to: 'joint.bound === undefined ? isEffect(joint, rule) : joint.p <= 1;',
    tests: [DECIDE],
  },
  {
    name: 'what is explained by the gap is called an effect',
    file: DECIDES,
    from: "return isGap && haveOneSign([train, heldOut]) ? 'gap' : undefined;",
    to: "return isGap && !haveOneSign([train, heldOut]) ? 'gap' : undefined;",
    tests: [DECIDE],
  },
  {
    name: 'training and held-out loss change names',
    file: DECIDES,
    from: "if (isFound(heldOut) && isExplained(train)) return 'train';",
    to: "if (isFound(heldOut) && isExplained(train)) return 'heldOut';",
    tests: [DECIDE],
  },
  {
    name: '"no effect" does not read the joint matching',
    file: DECIDES,
    from: 'return !isEstimate(joint) || equivalenceP(joint.overall, rule.delta) < rule.absenceAlpha;',
    to: 'return !isEstimate(joint) || isEquivalent(joint.overall, 1e9, rule.alpha);',
    tests: [DECIDE],
  },
  {
    name: 'an explanation does not read the joint matching',
    file: DECIDES,
    from: 'return !isEstimate(joint) || Math.abs(joint.overall.mean) < rule.delta;',
    to: 'return !isEstimate(joint) || Math.abs(joint.overall.mean) < Infinity;',
    tests: [DECIDE],
  },
  {
    name: 'explanations need no control',
    file: DECIDES,
    from: 'isNoEffect(matching, rule) && detectedControl(matching, rule) !== undefined;',
    to: 'isNoEffect(matching, rule);',
    tests: [DECIDE],
  },
  {
    name: 'a large control speaks for a small effect',
    file: DECIDES,
    from: 'return low > LARGEST_DELTAS * delta || high < -LARGEST_DELTAS * delta;',
    to: 'return low > 1e9 * LARGEST_DELTAS * delta || high < -1e9;',
    tests: [DECIDE, CONTROLS],
  },
  {
    name: 'a control speaks for levels where it is not seen',
    file: JUDGES,
    from: 'if (seen.length === 0 || seen.length < SEEN_LEVELS_FRACTION * wanted.length) return undefined;',
    to: 'if (seen.length === 0) return undefined;',
    tests: [CONTROLS],
  },
  {
    name: 'the side a control is asked for does not matter',
    file: JUDGES,
    from: "return direction === undefined || (direction === 'above') === mean > 0;",
    to: "return direction === undefined || (direction === 'above') === mean > -Infinity || mean < 0;",
    tests: [CONTROLS],
  },
  {
    name: 'a control speaks for matchings it does not name',
    file: JUDGES,
    from: 'contrast.matchings === undefined || contrast.matchings.includes(matching);',
    to: 'contrast.matchings === undefined || contrast.matchings.length > 0 || contrast.matchings.includes(matching);',
    tests: [CONTROLS],
  },
  {
    name: 'an A/A control passes with an interval of any width',
    file: JUDGES,
    from: 'const isSettled = isFound || isAlike || member.blocks.length < MIN_BLOCKS;',
    to: 'const isSettled = isFound || isAlike || member.blocks.length < Infinity;',
    tests: [CONTROLS],
  },
  {
    name: 'the noisiest arm needs no twin',
    file: 'src/analysis/verdict/noisiest-arm.ts',
    from: 'return noisiest.deviation >= STANDS_OUT * Math.min(...quiet) ? noisiest : undefined;',
    to: 'return noisiest.deviation >= 1e9 * STANDS_OUT * Math.min(...quiet) ? noisiest : undefined;',
    tests: [CONTROLS],
  },
];
