/**
 * Studies that train nothing, for the end-to-end tests: error at given depths of a made-up tree, with a theory's number beside
 * it. There is no learning rate, no pilot and no axis to match on; `measure-only.ts` asks nothing either.
 */
import { type ArmInput, defineStudy, type Recipe, rngOf, trendOver } from 'assay';

const DEPTHS = [1, 2, 4, 8];

export const recipe: Recipe = {
  name: 'measured',
  semanticsVersion: 1,
  defaults: { width: 1, noise: 0.01 },
  measurePaths: [],
  gives: () => ({ axes: ['depth'], outcomes: ['error', 'theory'] }),
  check: () => {},
  async run({ config, block, record }) {
    const [width, noise] = [Number(config['width']), Number(config['noise'])];
    // Depth 0 is the root: a given axis need not begin at 1, nor be the step.
    for (const [step, depth] of [0, ...DEPTHS].entries()) {
      const error = depth / (depth + width) + noise * rngOf(block, `depth ${depth}`).normal();
      record({ step, axes: { depth }, outcomes: { error, theory: depth / (depth + width) } });
    }
    return { kind: 'finished' };
  },
};

const outcome = { unit: 'fraction', delta: 0.1 } as const;

/** What both studies share. */
export const measured = {
  question: 'How does the error grow with depth?',
  scope: 'a made-up tree',
  recipe,
  outcomes: [
    { name: 'error', label: 'error', role: 'confirmatory', ...outcome },
    { name: 'theory', label: "the theory's error", role: 'exploratory', ...outcome },
  ],
  arms: [1, 2, 4].map((width): ArmInput => ({
    name: `w${width}`,
    label: `width ${width}`,
    set: { width },
    at: { width },
  })),
  profiles: { quick: { arms: ['w1', 'w2', 'w4'], blocks: 6 } },
} as const;

const at = { kind: 'given', axis: 'depth', label: 'depth', levels: DEPTHS } as const;
const asks = { kind: 'question' } as const;

export default defineStudy({
  ...measured,
  name: 'measured',
  claims: [
    { name: 'narrow against wide', arm: 'w1', against: { kind: 'arm', arm: 'w4' }, at, asks },
    { name: 'as the theory says', arm: 'w2', against: { kind: 'outcome', outcome: 'theory' }, at, asks },
    { name: 'width', ...trendOver(measured.arms, 'width', { scale: 'log' }), at: { kind: 'end' }, asks },
    {
      name: 'the error is no zero',
      arm: 'w1',
      against: { kind: 'value', value: 0, label: 'zero' },
      at,
      asks: { kind: 'control', expect: 'differs', direction: 'above' },
    },
  ],
});
