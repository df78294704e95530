/**
 * A model of this machine as a decider: the thought stands where it would have been thought, at the beginning of its own turn, and
 * the decision is how probable each option is as what follows. Nothing is sampled.
 */
import type { Decider } from '#scoring/decider.ts';
import { type Step, textOfStep } from '#scoring/transcript.ts';

import type { DecisionOption } from './decisions.ts';
import type { LocalModel, Spoken } from './local-model.ts';

/** Leads from a thought to the decision. */
const DECIDES = 'I decide:';

/** The model as a decider. */
export function localDecider(model: LocalModel, options: readonly DecisionOption[]): Decider<readonly Step[], string> {
  return {
    isExact: true,
    async decide(situation, thought) {
      const begun = thought === undefined ? DECIDES : `${thought}\n${DECIDES}`;
      const shares = await model.shares(
        { messages: spoken(situation), begun },
        options.map(({ name }) => ` ${name}`),
      );
      return Object.fromEntries(options.map(({ name }, i) => [name, shares[i] ?? 0]));
    },
  };
}

/** A situation as turns: what the agent did is its own, everything else is said to it; turns of one speaker are one. */
export function spoken(situation: readonly Step[]): readonly Spoken[] {
  const turns: Spoken[] = [];
  for (const step of situation) {
    const role = ROLES[step.channel];
    const text =
      step.channel === 'action' || step.channel === 'result' || step.channel === 'state'
        ? `[${step.channel}] ${textOfStep(step)}`
        : textOfStep(step);
    const last = turns.at(-1);
    if (last?.role === role) turns[turns.length - 1] = { role, content: `${last.content}\n${text}` };
    else turns.push({ role, content: text });
  }
  return turns;
}

const ROLES: Readonly<Record<Step['channel'], Spoken['role']>> = {
  instruction: 'system',
  request: 'user',
  thought: 'assistant',
  utterance: 'assistant',
  action: 'assistant',
  result: 'user',
  state: 'user',
};
