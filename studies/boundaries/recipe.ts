/**
 * One run: train the classifier on all rows at once; axes training and held-out loss; outcomes what it knows of fresh rows with and
 * without the strong cue, and how bent it is.
 */
import { createLearner, drawnWeights, input, mean, type Reader, rngOf, worldRecipe } from 'assay/learn';

import {
  classifier,
  evenShare,
  logisticLosses,
  rankedRightly,
  rotated,
  type Rows,
  rowsOf,
  signedRightly,
  WEAK_CUES,
} from './world.ts';

const FRESH_ROWS = 4096;

export const boundaries = worldRecipe({
  name: 'boundaries',
  semanticsVersion: 1,
  world: {
    weakCue: 'linear',
    strong: 1,
    weak: 0.3,
    noise: 0.2,
    dimensions: 20,
    rows: 4096,
    rotated: false,
    width: 0,
    start: 0,
  },
  read(settings) {
    const world = {
      weakCue: settings.oneOf('weakCue', WEAK_CUES),
      strong: settings.number('strong', { min: 0 }),
      weak: settings.number('weak', { min: 0 }),
      noise: settings.number('noise', { min: 0 }),
      dimensions: settings.number('dimensions', { min: 2, integer: true }),
      rows: settings.number('rows', { min: 1, integer: true }),
      rotated: settings.boolean('rotated'),
      width: settings.number('width', { min: 0, integer: true }),
      start: settings.number('start', { min: 0 }),
    };
    if (world.width > 0 && world.start === 0) {
      settings.refuse('start', `above 0 for ${world.width} hidden units, which learn nothing from zero`, '0');
    }
    return world;
  },
  training: { learningRate: 3e-2, steps: 1000, stopBelow: 0.04 },
  levels: { train: [0.1, 0.05], heldOut: [0.1, 0.05] },
  outcomes: ['ranked', 'without', 'same', 'bent'],
  lossAxis: 'train',
  async createLab({ dimensions, rows, width, start }, optimizer) {
    const { hidden, score } = classifier(width, dimensions, start);
    const losses = logisticLosses(score(input('x', [rows, dimensions])), input('y', [rows]));
    const learner = await createLearner({ parameters: [hidden], loss: { loss: mean(losses) }, optimizer });
    const trained = await learner.reader({ loss: mean(losses) });
    const scores = score(input('x', [FRESH_ROWS, dimensions]));
    const fresh = await learner.reader({ scores, loss: mean(logisticLosses(scores, input('y', [FRESH_ROWS]))) });
    return { learner, trained, fresh, [Symbol.asyncDispose]: () => learner[Symbol.asyncDispose]() };
  },
  start({ learner, trained, fresh }, world, seeds) {
    learner.reset(new Map(), rngOf(seeds.init, 'boundaries'));
    const rng = rngOf(seeds.data, 'rows');
    const { dimensions } = world;
    const spec = { name: 'basis', shape: [dimensions, dimensions], role: 'matrix' } as const;
    const basis = drawnWeights([{ ...spec, initial: { kind: world.rotated ? 'orthonormal' : 'identity' } }], rng).get(
      'basis',
    );
    const draw = (name: string, strong: number, count: number): Rows =>
      rotated(rowsOf({ ...world, strong }, count, rng.split(name)), basis ?? new Float32Array(), dimensions);
    const rows = draw('trained', world.strong, world.rows);
    const [same, without] = [draw('same', world.strong, FRESH_ROWS), draw('without', 0, FRESH_ROWS)];
    return {
      axes: async () => ({ train: await lossOf(trained, rows), heldOut: await lossOf(fresh, same) }),
      outcomes: async () => {
        const [there, scores] = [await scoresOf(fresh, same), await scoresOf(fresh, without)];
        const mirrored = await scoresOf(fresh, { ...same, x: same.x.map((value) => -value) });
        return {
          ranked: rankedRightly(scores, without.y),
          without: signedRightly(scores, without.y),
          same: signedRightly(there, same.y),
          bent: evenShare(there, mirrored),
        };
      },
      batches: () => [{ ...rows }],
    };
  },
});

async function lossOf(reader: Reader, rows: Rows): Promise<number> {
  return (await reader.read({ ...rows }))['loss']?.[0] ?? Number.NaN;
}

async function scoresOf(fresh: Reader, { x, y }: Rows): Promise<Float32Array> {
  const { scores = new Float32Array() } = await fresh.read({ x, y });
  return scores.slice();
}
