/**
 * Error rates of the test of binding (`bindingTest`), over dictionaries of which it is known whether a map binds them:
 *
 *     node bench/binding.ts [--draws 200] [--bound-draws 40] [--only part-of-a-name]
 *
 * Exit status 1 where a dictionary without binding is called bound in more than 5% of draws beyond what chance allows (95%), or one
 * with it is missed in more than a fifth. The last line on stdout is JSON, with the numbers of pairs found and of permuted ones.
 */
import { parseArgs } from 'node:util';

import { rngOf } from '#base/rng.ts';
import { bindingTest } from '#measures/binding/binding-test.ts';
import { DICTIONARY_WORLDS, type DictionaryWorld } from '#measures/binding/dictionary-worlds.ts';
import { clopperPearson } from '#analysis/stats/proportion.ts';

const ALPHA = 0.05;
/** Permuted dictionaries a test: the fewest that can reach .05. */
const PERMUTED = 19;
const POWER = 0.8;

const { values } = parseArgs({
  options: {
    draws: { type: 'string', default: '200' },
    'bound-draws': { type: 'string', default: '40' },
    only: { type: 'string', default: '' },
  },
});

const results = DICTIONARY_WORLDS.filter(({ name }) => name.includes(values.only)).map((world) => {
  const draws = Number(world.isBound ? values['bound-draws'] : values.draws);
  const result = measured(world, draws);
  console.log(
    `${result.passed ? 'pass' : 'FAIL'}  ${world.name}: called bound ${result.bound} of ${draws}, ${result.low.toFixed(3)} to ${result.high.toFixed(3)}; ${result.seconds} s`,
  );
  return result;
});
console.log(JSON.stringify({ schemaVersion: 1, alpha: ALPHA, permuted: PERMUTED, results }));
process.exitCode = results.every(({ passed }) => passed) ? 0 : 1;

function measured(world: DictionaryWorld, draws: number) {
  const started = performance.now();
  const [found, permuted]: [number[], number[]] = [[], []];
  let bound = 0;
  for (let draw = 0; draw < draws; draw++) {
    const rng = rngOf(draw, world.name);
    const test = bindingTest(world.draw(rng.split('dictionary')), rng.split('test'), { draws: PERMUTED, alpha: ALPHA });
    found.push(test.match.predicted);
    permuted.push(...test.nulls);
    if (test.isBound) bound++;
  }
  const [low, high] = clopperPearson(bound, draws);
  const passed = world.isBound ? bound / draws >= POWER : low <= ALPHA;
  return {
    world: world.name,
    isBound: world.isBound,
    draws,
    bound,
    low,
    high,
    passed,
    found,
    permuted,
    seconds: Math.round((performance.now() - started) / 1000),
  };
}
