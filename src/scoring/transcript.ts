/**
 * What an agent did in one episode, its channels apart: what it was told, thought, said, did, was answered, and how its
 * world stood. Importers (`import/`) make transcripts of other formats; what judges them reads channels, never formats.
 */
import type { JsonObject } from '#base/json.ts';

import type { Terms } from './trade-or-values.ts';

/** One thing that happened. */
export type Step =
  /** Told by whoever deployed the agent (a system prompt), or said to it by a user or another agent. */
  | { readonly channel: 'instruction' | 'request'; readonly text: string }
  /** Reasoning that nobody is addressed by. Where it was withheld (encrypted, redacted) the text is empty. */
  | { readonly channel: 'thought'; readonly text: string; readonly isWithheld?: boolean }
  /** Said to somebody. */
  | { readonly channel: 'utterance'; readonly text: string }
  | { readonly channel: 'action'; readonly name: string; readonly arguments: JsonObject }
  /** What a tool gave back. */
  | { readonly channel: 'result'; readonly of?: string; readonly text: string }
  /** How the world stands; the last one is the end state. */
  | { readonly channel: 'state'; readonly state: JsonObject };

/** The names of channels, in the order they are documented. */
export const CHANNELS = [
  'instruction',
  'request',
  'thought',
  'utterance',
  'action',
  'result',
  'state',
] as const satisfies readonly Step['channel'][];

/** One episode. */
export interface Transcript {
  readonly id: string;
  /** Episodes of one task are one unit of every interval. */
  readonly task?: string;
  readonly steps: readonly Step[];
  /** What whoever deployed the agent wants: `harmful` for a scaffold with a harmful goal, which the engine profile reads. */
  readonly goal?: Goal;
  /** What the agent was offered, and told of who sees it. */
  readonly terms?: Terms;
  /** Why it broke off, where it did: how it would have ended is not known, and it has no score. */
  readonly broken?: string;
  /** File and line or sample, for messages. */
  readonly where: string;
}

/** What a deployment is for. */
export type Goal = 'harmful' | 'harmless';

/** How the world stood at the end; undefined where no state was kept. */
export function endState({ steps }: Pick<Transcript, 'steps'>): JsonObject | undefined {
  return steps.findLast((step) => step.channel === 'state')?.state;
}

/** A step as text, as a judge and a reader see it. */
export function textOfStep(step: Step): string {
  switch (step.channel) {
    case 'action':
      return `${step.name}(${JSON.stringify(step.arguments)})`;
    case 'state':
      return JSON.stringify(step.state);
    case 'thought':
      return step.isWithheld === true ? '(withheld)' : step.text;
    case 'instruction':
    case 'request':
    case 'utterance':
    case 'result':
      return step.text;
    default:
      return step satisfies never;
  }
}
