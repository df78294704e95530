/** What the tests of `assay init` share: how to make its studies small, and what a run answered. */
import { fileURLToPath } from 'node:url';

/** A tiny model of random weights. */
export const MODEL = fileURLToPath(new URL('../fixtures/models/llama', import.meta.url));

/** The file of each kind that is run, and the options that make it a matter of seconds on the tiny model. */
export const STARTED = {
  world: { study: 'study.ts', smaller: ['--seeds', '6', '--workers', '1'] },
  finetune: {
    study: 'study.json',
    smaller: ['--seeds', '1', '--workers', '1', '--set', 'steps=2', '--set', 'probe.rows=4', '--set', 'batch=2'],
  },
} as const;

/** The verdicts in the last line of `run --json`. */
export function lastVerdicts(stdout: string): readonly { readonly verdict: string }[] {
  const line: { readonly verdicts: readonly { readonly verdict: string }[] } = JSON.parse(
    stdout.trimEnd().split('\n').at(-1) ?? '',
  );
  return line.verdicts;
}
