/** Progress as a subscriber to the runner's events: live lines on a terminal, plain ones elsewhere, JSON for scripts. */
import { canonicalJson } from '#base/json.ts';
import { plainText } from '#base/plain-text.ts';
import type { EventListener, RunnerEvent } from '#runner/events.ts';
import type { PlanMember, RunState } from '#store/records.ts';

import type { Terminal } from './terminal.ts';

const REDRAW_MS = 100;
const PLAIN_MS = 10_000;
const BAR_WIDTH = 20;

/** A display; `close` leaves the cursor on a fresh line. */
export interface Progress {
  readonly onEvent: EventListener;
  close(): void;
}

/** The display that fits: JSON lines if asked for, live lines on a terminal, else a line now and then. */
export function progressOn(terminal: Terminal, isJson: boolean): Progress {
  if (isJson) return { onEvent: (event) => terminal.note(canonicalJson(event)), close: () => {} };
  return terminal.isInteractive ? liveProgress(terminal) : plainProgress(terminal);
}

/** What the events so far add up to. */
interface Tally {
  /** Confirmatory runs to come, at most, by arm still in its pilots. */
  readonly expected: Map<string, number>;
  runs: number;
  ended: number;
  /** Ended by this process, which is what the speed is measured on. */
  endedHere: number;
  diverged: number;
  failed: number;
  readonly startedMs: number;
  /** By worker: its run and how far it is. */
  readonly active: Map<number, { readonly run: PlanMember; doneFraction: number }>;
}

function tallyFrom(startedMs: number): Tally {
  return { expected: new Map(), runs: 0, ended: 0, endedHere: 0, diverged: 0, failed: 0, startedMs, active: new Map() };
}

function count(tally: Tally, event: RunnerEvent): void {
  if (event.kind === 'expected') {
    tally.expected.set(event.arm, event.runs);
  } else if (event.kind === 'armSettled') {
    tally.expected.delete(event.arm);
  } else if (event.kind === 'planned') {
    tally.runs += event.runs;
    tally.ended += event.done;
  } else if (event.kind === 'runStarted') {
    tally.active.set(event.worker, { run: event.run, doneFraction: 0 });
  } else if (event.kind === 'runProgress') {
    tally.active.set(event.worker, { run: event.run, doneFraction: event.doneFraction });
  } else if (event.kind === 'runEnded' || event.kind === 'workerLost') {
    tally.active.delete(event.worker);
  }
  if (event.kind !== 'runEnded' || event.state.kind === 'open') return;
  tally.ended++;
  tally.endedHere++;
  if (event.state.kind === 'diverged') tally.diverged++;
  if (event.state.kind === 'failed') tally.failed++;
}

/** What a reader should see besides the tally, if anything. */
function newsOf(event: RunnerEvent): string | undefined {
  switch (event.kind) {
    case 'workerLost': {
      const consequence = event.run === undefined ? '' : `; ${nameOf(event.run)} goes on from its last checkpoint`;
      return `worker ${event.worker} was lost (${event.detail})${consequence}`;
    }
    case 'checkpointLost':
      return `${nameOf(event.run)}: its checkpoint is missing or damaged; it starts afresh`;
    case 'armSettled':
      if (event.outcome.kind === 'admissible') return undefined;
      return `${event.arm}: no admissible learning rate (${event.outcome.reason}); its contrasts stay undecided`;
    case 'sourceChanged':
      return sourceNews(event);
    case 'runNote':
      return `${nameOf(event.run)}: ${event.text}`;
    case 'runEnded':
      return endNews(event.run, event.state);
    case 'doubt':
      return `doubt: ${event.text}`;
    case 'stopping':
      return 'Stopping: runs go to their next checkpoint. Press Ctrl-C again to kill them.';
    case 'planned':
    case 'expected':
    case 'workerStarted':
    case 'runStarted':
    case 'runProgress':
    case 'sharedStarted':
    case 'sharedEnded':
      return undefined;
    default:
      return event satisfies never;
  }
}

function sourceNews({ arm, kept, restarted }: Extract<RunnerEvent, { kind: 'sourceChanged' }>): string {
  const parts = [
    ...(kept > 0
      ? [`${kept} stored runs are kept (if what is trained changed, raise the recipe's semanticsVersion)`]
      : []),
    ...(restarted > 0 ? [`${restarted} begun runs start afresh`] : []),
  ];
  return `${arm}: the study's source changed since: ${parts.join(', ')}`;
}

function endNews(run: PlanMember, state: RunState): string | undefined {
  if (state.kind === 'diverged') return `${nameOf(run)} diverged at step ${state.step}: ${state.reason}`;
  return state.kind === 'failed' ? `${nameOf(run)} failed: ${state.message}` : undefined;
}

function liveProgress(terminal: Terminal): Progress {
  const tally = tallyFrom(terminal.now());
  let drawnLines = 0;
  let drawnMs = Number.NEGATIVE_INFINITY;
  // Up over what was drawn, and clear to the end of the screen.
  const erasure = (): string => (drawnLines === 0 ? '' : `\u001B[${drawnLines}A\u001B[J`);
  return {
    onEvent: (event) => {
      count(tally, event);
      const news = newsOf(event);
      if (news === undefined && terminal.now() - drawnMs < REDRAW_MS) return;
      const lines = [headline(tally, terminal.now()), ...workerLines(tally)].map((line) =>
        line.slice(0, terminal.columns),
      );
      // One write, so that nothing flickers.
      terminal.draw(
        [erasure() + (news === undefined ? lines[0] : `${plainText(news)}\n${lines[0]}`), ...lines.slice(1), ''].join(
          '\n',
        ),
      );
      drawnLines = lines.length;
      drawnMs = terminal.now();
    },
    close: () => {
      terminal.draw(erasure());
      drawnLines = 0;
    },
  };
}

function plainProgress(terminal: Terminal): Progress {
  const tally = tallyFrom(terminal.now());
  let saidMs = terminal.now();
  return {
    onEvent: (event) => {
      count(tally, event);
      const news = newsOf(event);
      if (news !== undefined) terminal.note(news);
      if (terminal.now() - saidMs < PLAIN_MS) return;
      saidMs = terminal.now();
      terminal.note(headline(tally, terminal.now()));
    },
    close: () => {},
  };
}

function headline(tally: Tally, nowMs: number): string {
  const parts = [`${tally.ended} of ${tally.expected.size > 0 ? 'at most ' : ''}${runsOf(tally)} runs`];
  if (tally.diverged > 0) parts.push(`${tally.diverged} diverged`);
  if (tally.failed > 0) parts.push(`${tally.failed} failed`);
  const left = secondsLeft(tally, nowMs);
  if (left !== undefined) parts.push(`about ${durationOf(left)} left`);
  return parts.join(', ');
}

/** All runs, as far as is known: those planned, and the most that arms in their pilots will add. */
function runsOf({ runs, expected }: Tally): number {
  return [...expected.values()].reduce((sum, more) => sum + more, runs);
}

/** From the speed so far; undefined before anything was done. */
function secondsLeft(tally: Tally, nowMs: number): number | undefined {
  const underway = [...tally.active.values()].reduce((sum, { doneFraction }) => sum + doneFraction, 0);
  const doneHere = tally.endedHere + underway;
  if (doneHere === 0) return undefined;
  const left = runsOf(tally) - tally.ended - underway;
  return ((nowMs - tally.startedMs) / 1000 / doneHere) * left;
}

function workerLines(tally: Tally): string[] {
  return [...tally.active.entries()]
    .toSorted(([a], [b]) => a - b)
    .map(([worker, { run, doneFraction }]) => {
      const filled = Math.round(Math.min(1, Math.max(0, doneFraction)) * BAR_WIDTH);
      return `  ${worker} ${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${nameOf(run)}`;
    });
}

/** A run in words, such as `pilot adamw lr 0.001 block 3`, or `shuffled block 3` where it has no rate. */
export function nameOf({ phase, arm, learningRate, block }: PlanMember): string {
  const rate = learningRate === undefined ? '' : ` lr ${learningRate}`;
  return plainText(`${phase === 'pilot' ? 'pilot ' : ''}${arm}${rate} block ${block}`).replaceAll(/\s/g, ' ');
}

/** Seconds in words, such as `1h 02m`. */
export function durationOf(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours > 0) return `${hours}h ${String(minutes).padStart(2, '0')}m`;
  return minutes > 0 ? `${minutes}m ${String(whole % 60).padStart(2, '0')}s` : `${whole}s`;
}
