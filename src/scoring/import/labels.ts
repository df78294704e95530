/** What is said of a transcript beside its steps: the task it belongs to, the deployer's goal, and the terms it was offered. */
import type { JsonObject } from '#base/json.ts';
import type { Transcript } from '#scoring/transcript.ts';

import { nameIn, objectIn, refuse, refuseOthers, shown } from './fields.ts';

/** The keys. */
export const LABEL_KEYS = ['task', 'goal', 'terms'] as const;

/** Reads them where they are. @throws AssayError on values that are none. */
export function readLabels(value: JsonObject, where: string): Pick<Transcript, (typeof LABEL_KEYS)[number]> {
  const { task, goal, terms } = value;
  if (goal !== undefined && goal !== 'harmful' && goal !== 'harmless') {
    refuse(`${where}, goal`, '"harmful" or "harmless"', shown(goal));
  }
  return {
    ...(task !== undefined && { task: nameIn(task, `${where}, task`) }),
    ...(goal !== undefined && { goal }),
    ...(terms !== undefined && { terms: termsIn(objectIn(terms, `${where}, terms`), `${where}, terms`) }),
  };
}

function termsIn(terms: JsonObject, where: string): NonNullable<Transcript['terms']> {
  refuseOthers(terms, ['payment', 'observedChance'], where);
  const { payment, observedChance } = terms;
  if (typeof payment !== 'number') return refuse(`${where}, payment`, 'a number', shown(payment));
  if (typeof observedChance !== 'number' || observedChance < 0 || observedChance > 1) {
    return refuse(`${where}, observedChance`, 'a number in [0, 1]', shown(observedChance));
  }
  return { payment, observedChance };
}
