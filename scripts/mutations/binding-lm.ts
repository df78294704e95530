/** Faults in the study of binding in a language model, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const TESTS = ['studies/binding-lm/recipe.test.ts'];

export const BINDING_LM_FAULTS: readonly Fault[] = [
  {
    name: 'objects do not stand in the order of their slots',
    file: 'studies/binding-lm/sentences.ts',
    from: '.subarray(0, shape.objects)).toSorted((a, b) => a - b);',
    to: '.subarray(0, shape.objects));',
    tests: TESTS,
  },
  {
    name: 'pairings that are held out are taught',
    file: 'studies/binding-lm/sentences.ts',
    from: "isHeldOut(key, value) === (pairings === 'heldOut')",
    to: "isHeldOut(key, value) === (pairings === 'trained')",
    tests: TESTS,
  },
  {
    name: 'words of which some keys have no value of their own are drawn from for ever',
    file: 'studies/binding-lm/sentences.ts',
    from: '>= Math.min(objects, rivals)',
    to: '>= Math.min(objects, 1)',
    tests: TESTS,
  },
  {
    name: 'a word of several tokens is taken for its first',
    file: 'studies/binding-lm/sentences.ts',
    from: 'if (at < 0 || wrong.length > 0) {',
    to: 'if (at < 0) {',
    tests: TESTS,
  },
  {
    name: 'parts are means by themselves: order and position are not fitted together',
    file: 'studies/binding-lm/parts.ts',
    from: 'addTo(left, rows, factor, means, -1, d);',
    to: '',
    tests: TESTS,
  },
  {
    name: 'shares of variance are of one half alone, noise included',
    file: 'studies/binding-lm/parts.ts',
    from: 'sum += (one[factor][from + a] ?? 0) * (other[factor][from + a] ?? 0);',
    to: 'sum += (one[factor][from + a] ?? 0) ** 2;',
    tests: TESTS,
  },
  {
    name: 'images of the orthogonal map are told in the coordinates of what it reads',
    file: 'studies/binding-lm/maps.ts',
    from: 'ofY.right).values',
    to: 'ofX.right).values',
    tests: TESTS,
  },
  {
    name: 'what does not answer is read all the same',
    file: 'studies/binding-lm/recipe.ts',
    from: "config.subject === 'drawn' || answered >= config.gate",
    to: "config.subject === 'drawn' || answered >= 0",
    tests: TESTS,
  },
  {
    name: 'orders that are exchanged are those of positions',
    file: 'studies/binding-lm/measures.ts',
    from: "random: 'randomOrder', kind: 'value', factors: ['order'] }",
    to: "random: 'randomOrder', kind: 'value', factors: ['position'] }",
    tests: TESTS,
  },
  {
    name: 'the mean over what is asked for is claimed, not the smallest',
    file: 'studies/binding-lm/moved.ts',
    from: 'Math.min(...scores), first, last]',
    to: 'scoreOf(margins), first, last]',
    tests: TESTS,
  },
  {
    name: 'a lean counts as a turn',
    file: 'studies/binding-lm/moved.ts',
    from: '((partners[c] ?? 0) < askedOrder(prompt) ? 1 : -1)',
    to: '((partners[c] ?? 0) < askedOrder(prompt) ? 1 : 1)',
    tests: TESTS,
  },
  {
    name: 'random differences have the order in them',
    file: 'studies/binding-lm/random-differences.ts',
    from: 'row.labels.order === one.labels.order && isOther(row, one)',
    to: 'isOther(row, one)',
    tests: TESTS,
  },
  {
    name: 'random differences keep their own length',
    file: 'studies/binding-lm/random-differences.ts',
    from: 'difference.map((value) => value * scale)',
    to: 'difference',
    tests: TESTS,
  },
  {
    name: 'words of several tokens tell how long the template is',
    file: 'studies/binding-lm/sentences.ts',
    from: 'const length = Math.min(...all.map((tokens) => tokens.length));',
    to: 'const length = all[0]?.length ?? 0;',
    tests: TESTS,
  },
  {
    name: 'depths are sixths rounded down',
    file: 'studies/binding-lm/subjects.ts',
    from: 'Math.round((sixth * layers) / SIXTHS)',
    to: 'Math.floor((sixth * (layers - 1)) / SIXTHS)',
    tests: TESTS,
  },
];
