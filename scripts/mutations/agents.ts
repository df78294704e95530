/** Faults in agents and in what is read off their memories, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const AGENTS = ['src/learning/agents/agents.test.ts'];
const REFERENCE = ['test/reference/agents.test.ts'];
const EMERGES = ['studies/mood-emerges/emerges.test.ts'];

export const AGENT_FAULTS: readonly Fault[] = [
  {
    name: 'an advantage runs on into the next life',
    file: 'src/learning/agents/returns.ts',
    from: '(goesOn ? discount * lambda * (after[row] ?? 0) : 0)',
    to: 'discount * lambda * (after[row] ?? 0)',
    tests: REFERENCE,
  },
  {
    name: 'a life that was cut off is over',
    file: 'src/learning/agents/returns.ts',
    from: '(isLast ? last[row] : values[at + rows]) ?? 0) : (beyond[at] ?? 0)',
    to: '(isLast ? last[row] : values[at + rows]) ?? 0) : 0',
    tests: REFERENCE,
  },
  {
    name: 'a policy gradient goes down',
    file: 'src/learning/agents/losses.ts',
    from: 'negate(weightedSum(reshape(chosen, [n])',
    to: 'negate(weightedSum(negate(reshape(chosen, [n]))',
    tests: AGENTS,
  },
  {
    name: 'a new life remembers the one before',
    file: 'src/learning/agents/rollouts.ts',
    from: 'now.memory.fill(0, row * width, (row + 1) * width);',
    to: '',
    tests: AGENTS,
  },
  {
    name: 'training remembers across lives',
    file: 'src/learning/agents/policies.ts',
    from: 'mul(h, at(kept, t))',
    to: 'h',
    tests: AGENTS,
  },
  {
    name: 'all rows draw from one stream',
    file: 'src/learning/agents/rollouts.ts',
    from: 'luck.split(`choices ${luckOf(row)}`)',
    to: 'luck',
    tests: AGENTS,
  },
  {
    name: 'evolution follows the worse members',
    file: 'src/learning/agents/evolution.ts',
    from: '-rank / (population * sigma)',
    to: 'rank / (population * sigma)',
    tests: AGENTS,
  },
  {
    name: 'the energy of a life stays its own in crossed streams',
    file: 'studies/mood-emerges/streams.ts',
    from: 'at % width === 1 ?',
    to: 'at % width === 9 ?',
    tests: EMERGES,
  },
  {
    name: 'what is merged is the larger of belief and hunger',
    file: 'studies/mood-emerges/measures.ts',
    from: 'Math.min(ofBelief, ofHunger)',
    to: 'Math.max(ofBelief, ofHunger)',
    tests: EMERGES,
  },
  {
    name: 'the frequent season counts more when a decoder is fitted',
    file: 'studies/mood-emerges/measures.ts',
    from: '0.5 / (one === 1 ? goodShare : 1 - goodShare)',
    to: '0.5 + 0 * (one === 1 ? goodShare : 1 - goodShare)',
    tests: EMERGES,
  },
  {
    name: 'a predictor foresees what it sees',
    file: 'studies/mood-emerges/networks.ts',
    from: 'seen.subarray((n + rows) * observations)',
    to: 'seen.subarray(n * observations)',
    tests: EMERGES,
  },
  {
    name: 'a step as long goes along the axis itself',
    file: 'studies/mood-emerges/exchange.ts',
    from: "exchange.kind === 'along' ? exchange.direction : exchange.along",
    to: "exchange.kind === 'along' ? exchange.direction : exchange.direction",
    tests: EMERGES,
  },
];
