/** One run: train the MLP on all trained pairs at once; axes training and held-out loss, outcome accuracy on the third set. */
import { constant, createLearner, rngOf, weightedSum, worldRecipe } from 'assay/learn';

import { mlpOutputs, mlpWeights, setSizes, splitOf, sumsOf } from './world.ts';

/** The table of one-hot pairs has 2 p^3 entries: 64 MB here. */
const LARGEST_MODULUS = 200;

export const grokking = worldRecipe({
  name: 'grokking',
  semanticsVersion: 1,
  world: { modulus: 23, width: 128, trained: 0.7, leaked: 0 },
  read(settings) {
    const world = {
      modulus: settings.number('modulus', { min: 3, max: LARGEST_MODULUS, integer: true }),
      width: settings.number('width', { min: 1, integer: true }),
      trained: settings.number('trained', { min: 0.1, max: 0.9 }),
      leaked: settings.number('leaked', { min: 0, max: 1 }),
    };
    const { modulus, trained, leaked } = world;
    const { trained: count, heldOut, third } = setSizes(modulus, trained);
    if (heldOut === 0) {
      settings.refuse(
        'trained',
        'so few pairs that some are held out',
        `${trained}, ${count} of ${modulus ** 2} pairs`,
      );
    }
    if (Math.round(leaked * third) > count) {
      const places = `${leaked} of ${third} pairs for ${count} places`;
      settings.refuse('leaked', 'no more pairs of the third set than are trained on', places);
    }
    return world;
  },
  training: { learningRate: 3e-3, steps: 900, probeEvery: 5 },
  levels: { train: [0.03, 0.02, 0.013], heldOut: [2.3, 1.9, 1.5] },
  outcomes: ['right', 'probability'],
  lossAxis: 'train',
  async createLab({ modulus, width, trained }, optimizer) {
    const { trained: count } = setSizes(modulus, trained);
    const parameters = mlpWeights(modulus, width);
    const { losses } = mlpOutputs(modulus, parameters, count);
    const mean = weightedSum(losses, constant(new Float32Array(count).fill(1 / count), [count]));
    const learner = await createLearner({ parameters, loss: { mean }, optimizer });
    const all = mlpOutputs(modulus, parameters, modulus ** 2);
    const reader = await learner.reader(all);
    return { learner, reader, [Symbol.asyncDispose]: () => learner[Symbol.asyncDispose]() };
  },
  start({ learner, reader }, { modulus, trained, leaked }, seeds) {
    learner.reset(new Map(), rngOf(seeds.init, 'grokking'));
    const split = splitOf(modulus, trained, leaked, rngOf(seeds.data, 'pairs'));
    const pairs = Int32Array.from({ length: modulus ** 2 }, (_, pair) => pair);
    const sums = sumsOf(modulus, pairs);
    const mean = (set: Int32Array, of: (pair: number) => number): number =>
      set.reduce((total, pair) => total + of(pair), 0) / set.length;
    return {
      axes: async () => {
        const { losses = [] } = await reader.read({ pairs, sums });
        const lossOf = (pair: number): number => losses[pair] ?? Number.NaN;
        return { train: mean(split.trained, lossOf), heldOut: mean(split.heldOut, lossOf) };
      },
      outcomes: async () => {
        const { losses = [], predicted = [] } = await reader.read({ pairs, sums });
        return {
          right: mean(split.third, (pair) => (predicted[pair] === sums[pair] ? 1 : 0)),
          probability: mean(split.third, (pair) => Math.exp(-(losses[pair] ?? Number.NaN))),
        };
      },
      batches: () => [{ pairs: split.trained, sums: sumsOf(modulus, split.trained) }],
    };
  },
});
