/**
 * A toy study for the end-to-end tests: integer arithmetic and named random streams stand in for training, in many
 * small steps with checkpoints. It imports what any author would: the package by its name.
 */
import { type Arm, AssayError, defineStudy, type JsonObject, type Recipe, rngOf, type RunContext } from 'assay';

const STATE_WORDS = 2;

/** The parts of the config that the recipe reads, checked. */
function numberAt(config: JsonObject, name: string): number {
  const value = config[name];
  if (typeof value === 'number') return value;
  throw new AssayError('config', `${name}: expected a number, found ${JSON.stringify(value)}.`);
}

/** Spends time without a clock: `spins` rounds of hashing-like arithmetic a step. */
function churn(state: number, spins: number): number {
  let mixed = state;
  for (let spin = 0; spin < spins; spin++) mixed = (Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) + spin) >>> 0;
  return mixed;
}

/** "Training": the loss falls with the learning rate, the state is churned by the block's own stream. */
async function run(
  context: RunContext,
): Promise<{ kind: 'finished' } | { kind: 'diverged'; step: number; reason: string }> {
  const { config, block } = context;
  const [steps, spins, rate] = [numberAt(config, 'steps'), numberAt(config, 'spins'), numberAt(config, 'rate')];
  const base = await context.shared('toy-base', { size: numberAt(config, 'baseSize') }, async () => {
    const rng = rngOf('toy-base');
    return Uint8Array.from({ length: numberAt(config, 'baseSize') }, () => rng.below(256));
  });
  const resumed = context.resumeFrom;
  const words = new Uint32Array(STATE_WORDS);
  if (resumed !== undefined) words.set(new Uint32Array(resumed.slice().buffer));
  let [step = 0, state = 0] = words;
  for (; step < steps; step++) {
    context.signal.throwIfAborted();
    // A worker that runs out of memory ends like this.
    if (config['breakAt'] === 'worker') process.kill(process.pid, 'SIGKILL');
    if (config['breakAt'] === step) throw new Error('the toy recipe was told to throw');
    state = churn(state + rngOf(block, `step-${step}`).uint32() + (base[step % base.length] ?? 0), spins);
    const loss = 4 / (1 + rate * step) + (state % 1000) / 1e5;
    if (rate > 0.5) return { kind: 'diverged', step, reason: `loss ${loss.toFixed(3)} at a rate above 0.5` };
    if (step % 5 === 0) {
      const behaviour = (state % 997) / 997;
      context.record({
        step,
        axes: { train: loss, heldOut: loss * 1.1 },
        outcomes: { behaviour },
      });
    }
    const next = Uint32Array.of(step + 1, state);
    context.progress(step / steps);
    await context.checkpoint(() => new Uint8Array(next.buffer));
  }
  return { kind: 'finished' };
}

const recipe: Recipe = {
  name: 'toy',
  semanticsVersion: 1,
  defaults: {
    rate: 0.1,
    steps: 60,
    spins: 20_000,
    baseSize: 4096,
    breakAt: null,
    method: { kind: 'full', rank: 8 },
    measure: { every: 5 },
  },
  learningRatePath: 'rate',
  measurePaths: ['measure'],
  check: (config) => {
    if (numberAt(config, 'steps') < 1)
      throw new AssayError('config', `steps: expected at least 1, found ${JSON.stringify(config['steps'])}.`);
  },
  run,
};

const arms: readonly Arm[] = [
  { name: 'plain', label: 'Plain', set: {}, learningRates: [0.1, 0.2, 0.9] },
  { name: 'low-rank', label: 'Low rank', set: { method: { kind: 'lora', rank: 2 } }, learningRates: [0.1, 0.2] },
  { name: 'again', label: 'Plain, other seeds', set: {}, learningRates: [0.1], seedOffset: 1000 },
];

export default defineStudy({
  name: 'toy',
  question: 'Does the runner give the same answer however it is interrupted?',
  scope: 'a toy without a model',
  recipe,
  matchOn: [
    {
      name: 'train',
      label: 'Training loss',
      unit: 'nats',
      role: 'train',
      levels: [1, 2],
      maxGap: 1,
      direction: 'falls',
    },
    {
      name: 'heldOut',
      label: 'Held-out loss',
      unit: 'nats',
      role: 'heldOut',
      levels: [1, 2],
      maxGap: 1,
      direction: 'falls',
    },
  ],
  outcomes: [{ name: 'behaviour', label: 'Behaviour', unit: 'fraction', delta: 0.2, role: 'confirmatory' }],
  arms,
  contrasts: [
    { kind: 'question', arm: 'low-rank', reference: 'plain' },
    { kind: 'control', arm: 'again', reference: 'plain', name: 'other seeds', expect: 'notDetected' },
  ],
  pilot: { blocks: 1, axis: 'heldOut', margin: 0.5, maxRates: 2 },
  profiles: {
    quick: { arms: ['plain', 'low-rank', 'again'], blocks: 3 },
    // One run, for tests that look at a single one.
    standard: { arms: ['again'], blocks: 1 },
  },
});
