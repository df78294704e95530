/**
 * Error rates of the test of binding (`bindingTest`), over dictionaries of which it is known whether a map binds them, and over
 * dictionaries that a free autoencoder learned from 4,000 rows of the worlds of `binding-sae`:
 *
 *     node bench/binding.ts [--draws 200] [--bound-draws 40] [--from 0] [--only a-name-or-part-of-it]
 *
 * Exit status 1 where dictionaries without binding are called bound in more than 5% of draws, or those with it are missed in more than a
 * fifth where power is claimed. The last line on stdout is JSON, with the pairs found and the permuted ones; `above19` counts the
 * dictionaries above their first 19 permuted ones, which one in twenty is where both are exchangeable and never tie.
 */
import { parseArgs } from 'node:util';

import { clopperPearson } from '#analysis/stats/proportion.ts';
import { type Rng, rngOf } from '#base/rng.ts';
import type { DenseMatrix } from '#learning/spectra/matrix.ts';
import { bindingTest } from '#measures/binding/binding-test.ts';
import { DICTIONARY_WORLDS } from '#measures/binding/dictionary-worlds.ts';

import { featuresOf, trainedModel } from '../studies/binding-sae/models.ts';
import { type BindingWorld, drawRows, drawTruth } from '../studies/binding-sae/world.ts';

/** The most that may be called bound without binding. */
const LIMIT = 0.05;
/** Permuted dictionaries of which the best is passed by one in twenty. */
const OF_TWENTY = 19;
const POWER = 0.8;
const ROWS = 4000;
const MODEL = { model: 'free', encoder: 'thresholding', dSae: 144, k: 4, steps: 500, learningRate: 0.01 } as const;

interface Subject {
  readonly name: string;
  readonly isBound: boolean;
  readonly isPowerClaimed: boolean;
  draw(rng: Rng): DenseMatrix | Promise<DenseMatrix>;
}

const { values } = parseArgs({
  options: {
    draws: { type: 'string', default: '200' },
    'bound-draws': { type: 'string', default: '40' },
    from: { type: 'string', default: '0' },
    only: { type: 'string', default: '' },
  },
});

const subjects: readonly Subject[] = [...DICTIONARY_WORLDS, learned('matrix'), learned('independent')];
const isNamed = subjects.some(({ name }) => name === values.only);
const results = [];
for (const subject of subjects.filter(({ name }) => (isNamed ? name === values.only : name.includes(values.only)))) {
  const result = await measured(subject, Number(subject.isBound ? values['bound-draws'] : values.draws));
  const { passed, name, bound, above19, draws, low, high, seconds } = result;
  const mark = subject.isBound && !subject.isPowerClaimed ? 'told' : passed ? 'pass' : 'FAIL';
  console.log(
    `${mark}  ${name}: called bound ${bound} of ${draws}, ${low.toFixed(3)} to ${high.toFixed(3)} (above 19: ${above19}); ${seconds} s`,
  );
  results.push(result);
}
console.log(JSON.stringify({ schemaVersion: 2, limit: LIMIT, results }));
process.exitCode = results.every(({ passed }) => passed) ? 0 : 1;

/** A dictionary that was learned, not drawn. */
function learned(binding: BindingWorld['binding']): Subject {
  const world = {
    binding,
    dimensions: 48,
    features: 72,
    slots: 2,
    active: 2,
    condition: 1,
    boundFraction: 1,
    noise: 0,
  };
  const isBound = binding === 'matrix';
  return {
    name: `learned from ${ROWS} rows, ${binding}`,
    isBound,
    isPowerClaimed: isBound,
    async draw(rng) {
      const rows = drawRows(world, drawTruth(world, rng.split('truth')), ROWS, rng.split('rows'));
      const { sae } = await trainedModel(MODEL, rows, { d: 48, slots: 2 }, rng, new AbortController().signal);
      return featuresOf(sae);
    },
  };
}

async function measured({ name, isBound, isPowerClaimed, draw }: Subject, draws: number) {
  const started = performance.now();
  const [found, permuted]: [number[], number[]] = [[], []];
  let [bound, above19] = [0, 0];
  for (let i = 0; i < draws; i++) {
    const rng = rngOf(Number(values.from) + i, name);
    const test = bindingTest(await draw(rng.split('dictionary')), rng.split('test'));
    found.push(test.match.predicted);
    permuted.push(...test.nulls);
    if (test.isBound) bound++;
    const first = test.nulls.slice(0, OF_TWENTY);
    if (first.length === OF_TWENTY && first.every((pairs) => pairs < test.match.predicted)) above19++;
  }
  const [low, high] = clopperPearson(bound, draws);
  const passed = isBound ? !isPowerClaimed || bound / draws >= POWER : bound / draws <= LIMIT;
  const seconds = Math.round((performance.now() - started) / 1000);
  return { name, isBound, draws, bound, above19, low, high, passed, found, permuted, seconds };
}
