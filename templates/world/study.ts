/**
 * Does the sign of the gradient, instead of the gradient, make a model lean more on a shortcut, beyond loss?
 * A world of its own, small enough to read: logistic regression on a cause, a shortcut that goes with it, and noise. Change
 * anything: what stands in `defaults` can be set by an arm or by `--set`, and gets an identity of its own.
 */
import { defineStudy, type JsonObject, type Recipe, type Rng, rngOf } from 'assay';
import { configReader } from 'assay/learn';

const NOISE = 8;
const ROWS = { train: 800, heldOut: 800, probe: 400 };

interface Row {
  readonly y: 1 | -1;
  readonly x: Float64Array;
}

/** Rows whose shortcut points to the label with probability `agrees`. */
function rowsOf(rng: Rng, count: number, agrees: number): Row[] {
  return Array.from({ length: count }, () => {
    const y = rng.uniform() < 0.5 ? 1 : -1;
    const shortcut = rng.uniform() < agrees ? y : -y;
    const noise = Array.from({ length: NOISE }, () => rng.normal());
    return { y, x: Float64Array.of(y + rng.normal(), 2 * shortcut + 0.5 * rng.normal(), ...noise) };
  });
}

function margin(w: Float64Array, { x, y }: Row): number {
  return y * x.reduce((sum, value, i) => sum + value * (w[i] ?? 0), 0);
}

/** Mean logistic loss, in nats. */
function loss(w: Float64Array, rows: readonly Row[]): number {
  return rows.reduce((sum, row) => sum + Math.log1p(Math.exp(-margin(w, row))), 0) / rows.length;
}

function gradient(w: Float64Array, rows: readonly Row[]): Float64Array {
  const g = new Float64Array(w.length);
  for (const row of rows) {
    const pull = row.y / (1 + Math.exp(margin(w, row))) / rows.length;
    row.x.forEach((value, i) => (g[i] = (g[i] ?? 0) - pull * value));
  }
  return g;
}

/** The config as numbers and words; whatever else is in it is refused with its name. */
function readConfig(config: JsonObject) {
  const reader = configReader(config);
  const read = {
    rule: reader.oneOf('rule', ['gradient', 'sign']),
    rate: reader.number('rate', { min: 0 }),
    decay: reader.number('decay', { min: 0 }),
    agrees: reader.number('agrees', { min: 0, max: 1 }),
    steps: reader.number('steps', { min: 1, integer: true }),
    probeEvery: reader.number('probeEvery', { min: 1, integer: true }),
  };
  reader.done();
  return read;
}

const recipe: Recipe = {
  name: 'my-study',
  semanticsVersion: 1, // raise it whenever a change here changes numbers
  defaults: { rule: 'gradient', rate: 0.1, decay: 0, agrees: 0.9, steps: 120, probeEvery: 2 },
  learningRatePath: 'rate',
  measurePaths: ['probeEvery'],
  check: (config) => void readConfig(config),
  async run({ config, block, record, signal }) {
    // The block is the seed that all arms share: everything random comes from it.
    const rng = rngOf(block, 'rows');
    const { rule, rate, decay, agrees, steps, probeEvery } = readConfig(config);
    const train = rowsOf(rng.split('train'), ROWS.train, agrees);
    const heldOut = rowsOf(rng.split('held out'), ROWS.heldOut, agrees);
    const probe = rowsOf(rng.split('probe'), ROWS.probe, 0); // here the shortcut always lies
    const w = new Float64Array(2 + NOISE);
    for (let step = 0; step <= steps; step++) {
      signal.throwIfAborted();
      if (step % probeEvery === 0) {
        const fooled = probe.filter((row) => margin(w, row) < 0).length / probe.length;
        record({ step, axes: { train: loss(w, train), heldOut: loss(w, heldOut) }, outcomes: { fooled } });
      }
      const g = gradient(w, train);
      w.forEach((value, i) => {
        const slope = rule === 'sign' ? Math.sign(g[i] ?? 0) : (g[i] ?? 0);
        w[i] = value - rate * (slope + decay * value);
      });
    }
    return { kind: 'finished' };
  },
};

const LEVELS = { train: [0.5, 0.45, 0.4], heldOut: [0.55, 0.5, 0.45] };
const nats = { unit: 'nats', direction: 'falls', maxGap: 0.1 } as const;
const arms = ['gradient', 'sign', 'control', 'again'];

export default defineStudy({
  name: 'my-study',
  question: 'Does following the sign of the gradient change how far a model is fooled by a shortcut, beyond loss?',
  scope: 'logistic regression in a world with one shortcut',
  recipe,
  matchOn: [
    { name: 'train', label: 'training loss', role: 'train', levels: LEVELS.train, ...nats },
    { name: 'heldOut', label: 'held-out loss', role: 'heldOut', levels: LEVELS.heldOut, untilBest: true, ...nats },
  ],
  outcomes: [
    {
      name: 'fooled',
      label: 'rows answered by the shortcut where it lies',
      unit: 'fraction',
      delta: 0.1, // the smallest difference worth talking about
      higherIs: 'worse',
      role: 'confirmatory',
      // Of this world it is known; of yours it has to be measured. Without it "no effect" takes about 32 blocks.
      jumps: {
        kind: 'none',
        because:
          'the loss is convex, so that no seed ends in a solution of another kind; in 200 other worlds no contrast lay further than 4.4 standard deviations from its mean',
      },
    },
  ],
  arms: [
    { name: 'gradient', label: 'gradient', set: {}, learningRates: [0.05, 0.1] },
    { name: 'sign', label: 'sign of the gradient', set: { rule: 'sign' }, learningRates: [0.005, 0.01] },
    // The positive control: a change that must show, or nothing here could. Fill in one of your own.
    { name: 'control', label: 'a weaker shortcut', set: { agrees: 0.795 }, learningRates: [0.05, 0.1] },
    // The reference again under other seeds: no effect may be found.
    { name: 'again', label: 'gradient, other seeds', set: {}, learningRates: [0.05, 0.1], seedOffset: 1000 },
  ],
  contrasts: [
    { kind: 'question', arm: 'sign', reference: 'gradient' },
    { kind: 'control', arm: 'control', reference: 'gradient', name: 'a weaker shortcut', expect: 'detected' },
    { kind: 'control', arm: 'again', reference: 'gradient', name: 'other seeds', expect: 'notDetected' },
  ],
  pilot: { blocks: 1, axis: 'heldOut', margin: 0.05, maxRates: 1 },
  profiles: { quick: { arms, blocks: 8 }, standard: { arms, blocks: 16 } },
});
