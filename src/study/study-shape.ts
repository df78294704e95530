/** The shape of a study file: kinds, words, types, missing and unknown keys of everything that `StudyInput` holds. */
import {
  callable,
  count,
  finite,
  flag,
  json,
  kindOf,
  listOf,
  notNegative,
  objectOf,
  oneOf,
  positive,
  recordOf,
  settings,
  type Misfit,
  text,
  whole,
  word,
} from './shape.ts';

const levels = listOf(finite, 1);

const axis = objectOf(
  {
    name: text,
    label: text,
    unit: word,
    role: oneOf('train', 'heldOut', 'other'),
    levels: listOf(finite),
    maxGap: positive,
    direction: oneOf('falls', 'rises'),
  },
  { untilBest: flag },
);

const jumps = kindOf({ none: [{ because: text }], upTo: [{ size: positive }] });

const outcome = objectOf(
  { name: text, label: text, unit: word, delta: positive, role: oneOf('confirmatory', 'exploratory') },
  { higherIs: oneOf('better', 'worse'), jumps },
);

const arm = objectOf(
  { name: text, label: text, set: settings },
  { learningRates: listOf(positive), ratesLike: text, at: recordOf(json), seedOffset: whole },
);

const names = listOf(text, 1);

const contrast = kindOf({
  question: [{ arm: text, reference: text }],
  control: [
    { arm: text, reference: text, name: text, expect: oneOf('detected', 'notDetected', 'identical') },
    { direction: oneOf('above', 'below'), matchings: names, outcomes: names },
  ],
});

const PLACES = {
  crossed: [{ axis: text }, { levels }],
  given: [{ axis: text, label: text, levels }],
  end: [{}],
} as const;
const place = kindOf({ ...PLACES, trend: [{ axis: text }, { levels, scale: oneOf('linear', 'log') }] });

const against = kindOf({
  arm: [{ arm: text }],
  value: [{ value: finite, label: text }],
  outcome: [{ outcome: text }],
  arms: [{ weights: recordOf(finite), label: text }],
});

const asks = kindOf({
  question: [{}],
  control: [{ expect: oneOf('differs', 'agrees', 'identical') }, { direction: oneOf('above', 'below') }],
});

const claim = objectOf({ name: text, arm: text, against, at: place, asks }, { outcomes: names });

const map = objectOf(
  { name: text, label: text, x: text, y: text, outcome: text, at: kindOf(PLACES) },
  {
    difference: objectOf({ factor: text, from: json, to: json }),
    only: objectOf({ factor: text, value: json }),
    theory: text,
  },
);

const cluster = kindOf({
  modulo: [{ label: text, count }, { when: settings }],
  list: [{ label: text, names }, { when: settings }],
});

const profile = objectOf({ arms: names, blocks: count }, { set: settings });

const recipe = objectOf(
  {
    name: text,
    semanticsVersion: finite,
    defaults: settings,
    measurePaths: listOf(text),
    check: callable,
    run: callable,
  },
  {
    formerPaths: recordOf(text),
    learningRatePath: text,
    levelsPath: text,
    stopRule: objectOf({ axis: text, path: text }, { multiples: listOf(text) }),
    blocks: callable,
    gives: callable,
    inputs: callable,
    measuredBy: callable,
    ready: callable,
    files: callable,
  },
);

const study = objectOf(
  {
    name: text,
    question: text,
    scope: text,
    recipe,
    outcomes: listOf(outcome, 1),
    arms: listOf(arm, 1),
    profiles: objectOf({ quick: profile }, { standard: profile, full: profile }),
  },
  {
    set: settings,
    matchOn: listOf(axis),
    coherence: objectOf({ outcome: text, floor: finite }),
    contrasts: listOf(contrast),
    claims: listOf(claim),
    maps: listOf(map),
    blocks: objectOf({ cluster }),
    pilot: objectOf({ blocks: count, axis: text, margin: notNegative, maxRates: count }, { outcomes: oneOf('none') }),
    vary: callable,
  },
);

/** Everything in which a value is not shaped like a study, each with its path. */
export function misfitsOf(value: unknown): Misfit[] {
  return study(value, '');
}
