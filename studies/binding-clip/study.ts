/**
 * Question 6 on a checkpoint: does it know which colour is on which shape, at every depth, in each of its towers and between them?
 * `assay run binding-clip --set model=DIR` or `hf://org/name` with a folder of CLIP, SigLIP or SigLIP 2; without one it runs on small towers
 * that have learned nothing, which shows what the instrument says of those. A block is a set of scenes drawn from its own seed.
 */
import { type ArmInput, bindingRecipe, type Claim, defineStudy, type Outcome } from 'assay';

const DEPTHS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const [START, END] = [[0], [12]];
const HALF = { kind: 'value', value: 0.5, label: 'guessing' } as const;
const ABOVE = { kind: 'control', expect: 'differs', direction: 'above' } as const;

const arms: readonly ArmInput[] = [
  { name: 'model', label: 'the checkpoint', set: {} },
  // Of whole patches in one colour: what a picture and its swap have in common is exact.
  {
    name: 'cells',
    label: 'the checkpoint on shapes of whole patches',
    set: { 'world.family': 'cells', 'world.lights': ['none'] },
  },
  { name: 'left-of', label: 'the checkpoint on captions "left of"', set: { 'world.captions.grammar': 'leftOf' } },
  { name: 'shuffled', label: 'its weights shuffled', set: { subject: 'shuffled' } },
  { name: 'unmixed', label: 'the checkpoint without attention', set: { subject: 'unmixed' } },
  { name: 'oracle', label: 'binding put in', set: { subject: 'oracle' } },
  { name: 'bag', label: 'a bag put in', set: { subject: 'bag' } },
  { name: 'turned', label: 'binding put in on other axes', set: { subject: 'turned' } },
];

const at = (levels: readonly number[]): Claim['at'] => ({ kind: 'given', axis: 'depth', label: 'depth', levels });
const claim = (
  name: string,
  [arm, against]: readonly [string, Claim['against']],
  outcomes: readonly string[],
  levels: readonly number[] = DEPTHS,
  asks: Claim['asks'] = { kind: 'question' },
): Claim => ({ name, arm, against, at: at(levels), outcomes, asks });

const SHUFFLED = { kind: 'arm', arm: 'shuffled' } as const;
const KNOWN = ['cosine', 'imageProbe', 'textProbe'];

const claims: readonly Claim[] = [
  claim('binding that is put in is found', ['oracle', HALF], [...KNOWN, 'heldCosine'], END, ABOVE),
  claim('a bag that is put in has no binding', ['bag', HALF], [...KNOWN, 'mappedCosine'], END, {
    kind: 'control',
    expect: 'identical',
  }),
  claim('binding on other axes is repaired by a map', ['turned', HALF], ['mappedCosine'], END, ABOVE),
  claim('right after the embeddings captions are bags of words', ['model', HALF], ['cosineOfMeans'], START, {
    kind: 'control',
    expect: 'identical',
  }),
  claim('and pictures bags of patches', ['cells', HALF], ['pictureCosineOfMeans'], START, {
    kind: 'control',
    expect: 'identical',
  }),
  claim('shuffled weights do not know the caption', ['shuffled', HALF], ['cosine'], END, {
    kind: 'control',
    expect: 'agrees',
  }),
  // Which word stands where is in no token alone.
  claim('without attention captions tell nothing', ['unmixed', HALF], ['cosine', 'textProbe'], END, {
    kind: 'control',
    expect: 'identical',
  }),

  claim('the cosine tells', ['model', HALF], ['cosine']),
  claim('a probe reads it off images', ['model', HALF], ['imageProbe']),
  claim('a probe reads it off captions', ['model', HALF], ['textProbe']),
  claim('more than off its weights shuffled', ['model', SHUFFLED], ['imageProbe', 'textProbe']),
  claim('a map repairs the cosine', ['model', { kind: 'outcome', outcome: 'heldCosine' }], ['mappedCosine'], END),
  claim('with the map the cosine tells', ['model', HALF], ['mappedCosine'], END),
  claim('the cosine tells, shapes of whole patches', ['cells', HALF], ['cosine'], END),
  claim('"left of": the swap', ['left-of', HALF], ['cosine'], END),
  claim('"left of": the swap in a mirror', ['left-of', HALF], ['mirrorCosine'], END),
];

const MEANS = {
  kind: 'none',
  because: 'a block is a mean over some hundred scenes of many pairings, and blocks differ by their scenes alone',
} as const;
const share = (name: string, label: string, delta: number): Outcome => ({
  name,
  label,
  unit: 'fraction',
  delta,
  higherIs: 'better',
  role: 'confirmatory',
  jumps: MEANS,
});
const shown = (name: string, label: string): Outcome => ({ ...share(name, label, 0.1), role: 'exploratory' });

export default defineStudy({
  name: 'binding-clip',
  question:
    'Does an image-text checkpoint know which colour is on which shape, at every depth, in each tower and between them?',
  scope: 'this checkpoint and rendered scenes of two objects (intervals are over sets of scenes, not over checkpoints)',
  recipe: bindingRecipe(),
  outcomes: [
    share('cosine', 'caption accuracy against swaps', 0.05),
    share('mirrorCosine', 'caption accuracy against swaps in a mirror', 0.05),
    share('cosineOfMeans', 'caption accuracy from means of tokens', 0.05),
    share('pictureCosineOfMeans', 'picture accuracy from means of patches', 0.05),
    share('imageProbe', 'accuracy of a linear probe on images', 0.1),
    share('textProbe', 'accuracy of a linear probe on captions', 0.1),
    share('heldCosine', 'caption accuracy on held-out pairs', 0.1),
    share('mappedCosine', 'caption accuracy on held-out pairs after a map', 0.1),
    shown('pictureCosine', 'picture accuracy against swaps'),
    shown('imageProbePooled', 'probe on images before the projection'),
    shown('textProbePooled', 'probe on captions before the projection'),
    shown('imagePlaces', 'two probes bound to places, images'),
    shown('textPlaces', 'two probes bound to places, captions'),
    shown('imageCeiling', 'probe: which colour is to the left'),
    shown('textCeiling', 'probe: which colour is named first'),
    shown('imageChance', 'probe on drawn labels, images'),
    shown('textChance', 'probe on drawn labels, captions'),
    shown('brightness', 'brightness of the pictures'),
  ],
  arms,
  claims,
  profiles: { quick: { arms: arms.map(({ name }) => name), blocks: 12 } },
});
