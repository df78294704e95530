import { ADAMW_DEFAULTS, defineStudy, SGD_DEFAULTS } from 'assay';
import { createLearner, crossEntropy, input, linear, type ParameterSpec, rngOf, weightedSum, worldRecipe } from 'assay/learn';

const [ROWS, DIMENSIONS, CLASSES] = [512, 20, 2];

/** Rows whose first two inputs are the cues, `strong` and 0.3 times the sign of the label, under noise like all others. */
function rowsOf(seed: number, name: string, strong: number) {
  const rng = rngOf(seed, name);
  const labels = Int32Array.from({ length: ROWS }, () => rng.below(CLASSES));
  const x = Float32Array.from({ length: ROWS * DIMENSIONS }, (_, i) => {
    const sign = labels[Math.floor(i / DIMENSIONS)] === 1 ? 1 : -1;
    return sign * ([strong, 0.3][i % DIMENSIONS] ?? 0) + 0.2 * rng.normal();
  });
  return { x, labels };
}

const cues = worldRecipe({
  name: 'cues',
  semanticsVersion: 1,
  world: { strong: 1 },
  read: (settings) => ({ strong: settings.number('strong', { min: 0 }) }),
  training: { steps: 200, stopBelow: 0.04 },
  axes: ['train'],
  outcomes: ['right'],
  lossAxis: 'train',
  async createLab(_world, optimizer) {
    const weight: ParameterSpec = { name: 'weight', shape: [CLASSES, DIMENSIONS], role: 'matrix', initial: { kind: 'zeros' } };
    const logits = linear(input('x', [ROWS, DIMENSIONS]), input(weight.name, weight.shape));
    const losses = crossEntropy(logits, input('labels', [ROWS], 'int32'));
    const loss = weightedSum(losses, input('weights', [ROWS]));
    const learner = await createLearner({ parameters: [weight], loss: { loss }, optimizer });
    const reader = await learner.reader({ losses });
    return { learner, reader, [Symbol.asyncDispose]: () => learner[Symbol.asyncDispose]() };
  },
  start({ learner, reader }, { strong }, seeds) {
    learner.reset(new Map(), rngOf(seeds.init, 'start'));
    const [trained, without] = [rowsOf(seeds.data, 'trained', strong), rowsOf(seeds.data, 'without', 0)];
    const weights = new Float32Array(ROWS).fill(1 / ROWS);
    const read = async (rows: typeof trained) => [...((await reader.read(rows))['losses'] ?? [])];
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    return {
      axes: async () => ({ train: mean(await read(trained)) }),
      // The right class is the likelier one where its loss is below log 2.
      outcomes: async () => ({ right: mean((await read(without)).map((loss) => (loss < Math.LN2 ? 1 : 0))) }),
      batches: () => [{ ...trained, weights }],
    };
  },
});

const SGD = { optimizer: { ...SGD_DEFAULTS, momentum: 0 } };
const ADAM = { optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 } };

export default defineStudy({
  name: 'cues',
  question: 'Does Adam use a weak cue more than SGD, at equal training loss?',
  scope: 'a linear classifier of two cues, 512 rows',
  recipe: cues,
  matchOn: [
    { name: 'train', label: 'training loss', unit: 'nats', role: 'train', levels: [0.1, 0.05], maxGap: 0.4, direction: 'falls' },
  ],
  outcomes: [{ name: 'right', label: 'right without the strong cue', unit: 'fraction', delta: 0.1, role: 'confirmatory' }],
  arms: [
    { name: 'sgd', label: 'SGD', set: SGD, learningRates: [1] },
    { name: 'adam', label: 'Adam', set: ADAM, learningRates: [0.03] },
    { name: 'alike', label: 'SGD, two cues of one strength', set: { ...SGD, 'world.strong': 0.3, steps: 1000 }, learningRates: [1] },
    { name: 'sgd-again', label: 'SGD, other seeds', set: SGD, learningRates: [1], seedOffset: 1000 },
  ],
  contrasts: [
    { kind: 'question', arm: 'adam', reference: 'sgd' },
    { kind: 'control', arm: 'alike', reference: 'sgd', name: 'cues of one strength', expect: 'detected' },
    { kind: 'control', arm: 'sgd-again', reference: 'sgd', name: 'A/A', expect: 'notDetected' },
  ],
  pilot: { blocks: 1, axis: 'train', margin: 0.1, maxRates: 1 },
  profiles: { quick: { arms: ['sgd', 'adam', 'alike', 'sgd-again'], blocks: 8 } },
});
