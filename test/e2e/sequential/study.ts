/**
 * A study whose answer is known look by look: the treated arm's behaviour is .3 higher in every block but block 3, where it
 * is a little lower. Eight blocks give p = 4/256, above .01 and below .05; twelve give 4/4096.
 */
import { AssayError, defineStudy, type JsonObject, type Recipe, type RunContext } from 'assay';

const PROBES = 11;
const ODD_BLOCK = 3;

function effectIn(config: JsonObject): number {
  const effect = config['effect'];
  if (typeof effect === 'number') return effect;
  throw new AssayError('config', `effect: expected a number, found ${JSON.stringify(effect)}.`);
}

async function run({ config, block, resumeFrom, ...context }: RunContext): Promise<{ kind: 'finished' }> {
  const effect = effectIn(config) * (block === ODD_BLOCK ? -0.2 : 1 + 0.05 * (block % 3));
  for (let step = resumeFrom?.[0] ?? 0; step < PROBES; step++) {
    context.signal.throwIfAborted();
    const train = 3 - step / 4;
    context.record({ step, axes: { train, heldOut: 1.1 * train }, outcomes: { behaviour: 0.2 + effect } });
    context.progress(step / PROBES);
    // Long enough to be interrupted.
    await new Promise((resolve) => setTimeout(resolve, 10));
    await context.checkpoint(() => Uint8Array.of(step + 1));
  }
  return { kind: 'finished' };
}

const recipe: Recipe = {
  name: 'look by look',
  semanticsVersion: 1,
  defaults: { rate: 1, effect: 0 },
  learningRatePath: 'rate',
  measurePaths: [],
  check: effectIn,
  run,
};

const axis = { unit: 'nats', maxGap: 1, direction: 'falls' } as const;

export default defineStudy({
  name: 'sequential',
  question: 'Does the treatment change the behaviour?',
  scope: 'runs without a model',
  recipe,
  matchOn: [
    { ...axis, name: 'train', label: 'Training loss', role: 'train', levels: [2.1, 1.4] },
    { ...axis, name: 'heldOut', label: 'Held-out loss', role: 'heldOut', levels: [2.3, 1.5] },
  ],
  outcomes: [{ name: 'behaviour', label: 'Behaviour', unit: 'fraction', delta: 0.1, role: 'confirmatory' }],
  arms: [
    { name: 'plain', label: 'Plain', set: {}, learningRates: [1] },
    { name: 'treated', label: 'Treated', set: { effect: 0.3 }, learningRates: [1] },
  ],
  contrasts: [{ kind: 'question', arm: 'treated', reference: 'plain' }],
  pilot: { blocks: 1, axis: 'heldOut', margin: 0.5, maxRates: 1 },
  profiles: { quick: { arms: ['plain', 'treated'], blocks: 8 } },
});
