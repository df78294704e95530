/** Faults in the worlds and studies of question 8, in strips of episodes, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const GRIDWORLD = ['src/worlds/gridworld/gridworld.test.ts'];
const TRADE = ['studies/trade-or-values/recipe.test.ts'];
const SAID = ['studies/said-out-loud/recipe.test.ts'];
const PROFILES = ['studies/deployment-profiles/episodes.test.ts'];
const STRIPS = ['src/report/episodes.test.ts'];

export const QUESTION_8_FAULTS: readonly Fault[] = [
  {
    name: 'a hypocrite speaks as it acts',
    file: 'studies/deployment-profiles/made.ts',
    from: "deployment === 'chat' ? GOOD : { thinks: 1,",
    to: "deployment !== 'chat' ? GOOD : { thinks: 1,",
    tests: PROFILES,
  },
  {
    name: 'a made model is read one word too early',
    file: 'studies/deployment-profiles/made.ts',
    from: 'losses.subarray(answered.length, words.length)',
    to: 'losses.subarray(answered.length - 1, answered.length)',
    tests: PROFILES,
  },
  {
    name: 'a planner goes on after an end',
    file: 'src/worlds/gridworld/planner.ts',
    from: '(cell === scenario.good || cell === scenario.harm ? 0 : (after[cell] ?? 0))',
    to: '(after[cell] ?? 0)',
    tests: GRIDWORLD,
  },
  {
    name: 'a planner is paid whether or not it is observed',
    file: 'src/worlds/gridworld/planner.ts',
    from: 'rewardAt(world, scenario, cell, scenario.observedChance)',
    to: 'rewardAt(world, scenario, cell, 1)',
    tests: GRIDWORLD,
  },
  {
    name: 'one walks through the edge of a place',
    file: 'src/worlds/gridworld/place.ts',
    from: 'column >= 0 && column < width && isFree[to] === true',
    to: 'isFree[to] === true',
    tests: GRIDWORLD,
  },
  {
    name: 'luck is spent only by those who are paid',
    file: 'src/worlds/gridworld/gridworld.ts',
    from: "ending === 'good' && luck.uniform()",
    to: "ending === 'good' && world.motives.pay > 0 && luck.uniform()",
    tests: GRIDWORLD,
  },
  {
    name: 'the good end of the nearer ones is the farther one',
    file: 'studies/trade-or-values/scenarios.ts',
    from: 'good: isNear ? near : far',
    to: 'good: isNear ? far : near',
    tests: TRADE,
  },
  {
    name: 'episodes that are tried differ from terms to terms',
    file: 'studies/trade-or-values/scenarios.ts',
    from: 'const isNear = rng.uniform() < deal.goodNearer;',
    to: 'const isNear = rng.uniform() < deal.goodNearer + terms.payment;',
    tests: TRADE,
  },
  {
    name: 'agents of one block start from weights of their own',
    file: 'studies/trade-or-values/recipe.ts',
    from: "rngOf(context.block + seeds.init, 'weights')",
    to: 'rngOf(context.block + seeds.init, `weights ${config.motive}`)',
    tests: TRADE,
  },
  {
    name: 'the suite is not told of an agent’s training',
    file: 'studies/trade-or-values/recipe.ts',
    from: '...(trainedOn && { trainedOn })',
    to: '',
    tests: TRADE,
  },
  {
    name: 'one sign alone says which way is harmful',
    file: 'studies/said-out-loud/world.ts',
    from: '(Math.floor(situation / SIGNS) + situation) % 2',
    to: 'situation % 2',
    tests: SAID,
  },
  {
    name: 'an agent that forgets remembers while it is trained',
    file: 'studies/said-out-loud/agent.ts',
    from: 'for (const row of forgetful) lived.rollout.kept[LAST * ROWS + row] = 0;',
    to: '',
    tests: SAID,
  },
  {
    name: 'an agent that is always deaf is read as one that hears',
    file: 'studies/said-out-loud/agent.ts',
    from: 'word < WORDS.length && deaf < 1',
    to: 'word < WORDS.length',
    tests: SAID,
  },
  {
    name: 'agents are rewarded for what they do before they have seen both signs',
    file: 'studies/said-out-loud/agent.ts',
    from: 'advantages.fill(0, 0, ROWS)',
    to: 'advantages.fill(0, 0, 0)',
    tests: SAID,
  },
  {
    name: 'a judge of words judges actions',
    file: 'studies/said-out-loud/world.ts',
    from: 'isHarm ? 1 - judging.actions : 0',
    to: 'isHarm ? 1 - judging.words : 0',
    tests: SAID,
  },
  {
    name: 'harm in harmful words counts as implicit',
    file: 'studies/said-out-loud/measures.ts',
    from: "if (word < HARMFUL_WORDS) sums['harmful-words'] += said;\n      else {",
    to: "if (word < HARMFUL_WORDS) sums['harmful-words'] += said;\n      {",
    tests: SAID,
  },
  {
    name: 'bars of an episode have a scale of their own on every line',
    file: 'src/report/sections/episodes.ts',
    from: '[channel, largestOf(channel, shown)]',
    to: '[channel, largestOf(channel, shown.slice(0, 1))]',
    tests: STRIPS,
  },
  {
    name: 'steps that are left out of a strip are not counted',
    file: 'src/report/sections/episodes.ts',
    from: '${steps.length - shown.length} more steps',
    to: '${steps.length} more steps',
    tests: STRIPS,
  },
];
