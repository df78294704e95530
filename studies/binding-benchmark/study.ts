/**
 * Question 6 on the field's own test sets: how often is the right caption nearer than the wrong one? `assay run binding-benchmark --set model=DIR
 * --set data=examples.jsonl` with Winoground, ARO or SugarCrepe on this machine; see README.md. A block is a share of the examples.
 */
import { bindingBenchmark, type Claim, defineStudy, type Outcome } from 'assay';

const HALF = { kind: 'value', value: 0.5, label: 'guessing' } as const;
const at = { kind: 'given', axis: 'depth', label: 'depth', levels: [12] } as const;
const question = (name: string, arm: string, against: Claim['against']): Claim => ({
  name,
  arm,
  against,
  at,
  outcomes: ['caption'],
  asks: { kind: 'question' },
});
const score = (name: string, label: string): Outcome => ({
  name,
  label,
  unit: 'fraction',
  delta: 0.1,
  higherIs: 'better',
  role: 'exploratory',
});

export default defineStudy({
  name: 'binding-benchmark',
  question:
    'On a public test set, is the right caption nearer to a picture than the wrong one, and is it the picture that tells?',
  scope: 'this checkpoint and this test set (intervals are over shares of its examples)',
  recipe: bindingBenchmark(),
  outcomes: [
    {
      ...score('caption', 'caption accuracy'),
      role: 'confirmatory',
      jumps: {
        kind: 'none',
        because: 'a block is a mean over many examples, and blocks differ by their examples alone',
      },
    },
    score('textScore', "Winoground's text score"),
    score('imageScore', "Winoground's image score"),
    score('groupScore', "Winoground's group score"),
  ],
  arms: [
    { name: 'model', label: 'the checkpoint', set: {} },
    // Captions that are likelier than their foils are found without looking.
    { name: 'blind', label: 'the checkpoint, shown another picture', set: { pictures: 'other' } },
    { name: 'shuffled', label: 'its weights shuffled', set: { subject: 'shuffled' } },
  ],
  claims: [
    { ...question('shuffled weights do not know', 'shuffled', HALF), asks: { kind: 'control', expect: 'agrees' } },
    question('the cosine tells', 'model', HALF),
    question('captions alone tell', 'blind', HALF),
    question('the picture tells', 'model', { kind: 'arm', arm: 'blind' }),
  ],
  profiles: { quick: { arms: ['model', 'blind', 'shuffled'], blocks: 12 } },
});
