/**
 * How long runs took, kept beside the store and not in it: times are no results, and no export or identity depends on
 * them. `assay plan` estimates from them. One line of JSON a finished run, appended; a broken line is passed over.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { isJsonObject } from '#base/json.ts';
import type { EventListener } from '#runner/events.ts';

const FILE = 'run-seconds.jsonl';

/** One finished run, made in one go. */
export interface RunTime {
  /** Its `measureId`. */
  readonly run: string;
  readonly study: string;
  readonly arm: string;
  readonly seconds: number;
}

/**
 * Passes events on, and keeps the time of every run that starts afresh and finishes while no shared step (such as a
 * base model) is computed: waiting for that is paid once, not by every run.
 */
export function timesKept(folder: string, study: string, now: () => number, next: EventListener): EventListener {
  const started = new Map<string, number>();
  let sharedSteps = 0;
  return (event) => {
    if (event.kind === 'sharedStarted') {
      sharedSteps++;
      started.clear();
    } else if (event.kind === 'sharedEnded') {
      sharedSteps--;
    } else if (event.kind === 'runStarted' && !event.isResumed && sharedSteps === 0) {
      started.set(event.run.measureId, now());
    } else if (event.kind === 'workerLost' && event.run !== undefined) {
      started.delete(event.run.measureId);
    } else if (event.kind === 'runEnded') {
      const { measureId: run, arm } = event.run;
      const startedMs = started.get(run);
      started.delete(run);
      if (startedMs !== undefined && event.state.kind === 'finished') {
        keep(folder, { run, study, arm, seconds: (now() - startedMs) / 1000 });
      }
    }
    next(event);
  };
}

function keep(folder: string, time: RunTime): void {
  try {
    appendFileSync(join(folder, FILE), `${JSON.stringify(time)}\n`);
  } catch {
    // A time that cannot be kept costs an estimate; the store itself says what is wrong with its folder.
  }
}

/** The times kept in a store's folder; none where there is no such file. */
export function runTimes(folder: string): RunTime[] {
  let text: string;
  try {
    text = readFileSync(join(folder, FILE), 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => timeIn(line));
}

function timeIn(line: string): RunTime[] {
  try {
    const value: unknown = JSON.parse(line);
    if (!isJsonObject(value)) return [];
    const { run, study, arm, seconds } = value;
    const isWhole = typeof run === 'string' && typeof study === 'string' && typeof arm === 'string';
    return isWhole && typeof seconds === 'number' ? [{ run, study, arm, seconds }] : [];
  } catch {
    return [];
  }
}
