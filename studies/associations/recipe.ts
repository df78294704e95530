/** One run: train the memory; axes total and head loss, outcome tail loss, as fractions of log K, the loss of guessing. */
import { createLearner, rngOf, worldRecipe } from 'assay/learn';

import { associativeMemory, drawnEmbeddings, EMBEDDINGS } from './world.ts';

/** Fractions of log K; runs pass through them on their way to 0.09. */
export const LEVELS = { total: [0.5, 0.3, 0.1], head: [0.3, 0.1] };

export const associations = worldRecipe({
  name: 'associations',
  semanticsVersion: 1,
  world: { classes: 128, exponent: 1, embeddings: 'orthonormal', angle: 90 },
  read(settings) {
    const world = {
      classes: settings.number('classes', { min: 2, integer: true }),
      exponent: settings.number('exponent', { min: 0 }),
      embeddings: settings.oneOf('embeddings', EMBEDDINGS),
      angle: settings.number('angle', { min: 0, max: 90 }),
    };
    if (world.embeddings === 'turned' && world.classes % 2 === 1) {
      settings.refuse('classes', 'an even number, since turned embeddings turn in planes', `${world.classes}`);
    }
    return world;
  },
  training: { learningRate: 1e-2, steps: 500, stopBelow: 0.09 },
  levels: LEVELS,
  outcomes: ['tail', 'balanced'],
  lossAxis: 'total',
  async createLab(world, optimizer) {
    const { memory, fixed, probabilities, losses, total } = associativeMemory(world);
    const learner = await createLearner({ parameters: [memory], fixed, loss: { total }, optimizer });
    const reader = await learner.reader({ losses });
    /** The expected loss within classes from..to. */
    const loss = async (from: number, to: number): Promise<number> => {
      const { losses: values = [] } = await reader.read({});
      const inside = probabilities.slice(from, to);
      const sum = inside.reduce((all, p, i) => all + p * (values[from + i] ?? Number.NaN), 0);
      return sum / inside.reduce((all, p) => all + p, 0) / Math.log(world.classes);
    };
    return { learner, fixed, loss, [Symbol.asyncDispose]: () => learner[Symbol.asyncDispose]() };
  },
  start({ learner, fixed, loss }, world, seeds) {
    const rng = rngOf(seeds.init, 'associations');
    learner.reset(drawnEmbeddings(fixed, world, rng), rng);
    const { classes } = world;
    const half = Math.floor(classes / 2);
    return {
      axes: async () => ({ total: await loss(0, classes), head: await loss(0, half) }),
      // Balance is the prediction for sign-like updates in the basis of the classes: the tail has the loss of the whole.
      outcomes: async ({ axes: { total: balanced = Number.NaN } }) => ({ tail: await loss(half, classes), balanced }),
      batches: () => [{}],
    };
  },
});
