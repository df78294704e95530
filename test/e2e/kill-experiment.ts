/**
 * Runs a study while killing its processes with SIGKILL at random, seeded moments: the runner or one of its workers.
 * A killed runner is started again; after the last kill the study runs to its end undisturbed. A study that ends
 * before its share of kills is followed by another round in a new store, so fast machines see as many kills.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { type Rng, rngOf } from '#base/rng.ts';

import { type Running, start } from './command.ts';

/** A kill comes so long after the one before, or after the runner's start. */
const LEAST_WAIT_MS = 150;
const MOST_WAIT_MS = 900;

export interface KillExperiment {
  /** The arguments of `assay` for a round, each with a store of its own. */
  argsOf(round: number): readonly string[];
  readonly kills: number;
  readonly seed: number;
  /** Resolves when a process of the round is to be killed, or has ended; else so long after the kill before. */
  moment?(round: number, rng: Rng, ended: Promise<unknown>): Promise<void>;
}

/** What was killed; rounds 0 to `rounds` - 1 ended with status 0. */
export interface KillOutcome {
  readonly runners: number;
  readonly workers: number;
  readonly rounds: number;
}

/** Kills `kills` times. @throws if a round does not end with status 0 when left alone. */
export async function runWithKills({ argsOf, kills, seed, moment }: KillExperiment): Promise<KillOutcome> {
  const rng = rngOf(seed, 'kills');
  let [runners, workers, round] = [0, 0, 0];
  let runner: Running | undefined;
  let pids: ReadonlyMap<number, number> = new Map();
  while (runners + workers < kills) {
    if (runner === undefined) {
      runner = start(argsOf(round));
      pids = workerPidsOf(runner);
      // Else slow machines would only see kills of runners that have done nothing yet.
      await runner.line((line) => line.includes('"runStarted"')).catch(() => {});
    }
    if (moment === undefined) await sleep(LEAST_WAIT_MS + rng.below(MOST_WAIT_MS - LEAST_WAIT_MS));
    else await moment(round, rng, runner.ended);
    if (runner.process.exitCode !== null) {
      await endedWell(runner);
      runner = undefined;
      round++;
    } else if (rng.uniform() < 0.5) {
      runner.process.kill('SIGKILL');
      await runner.ended;
      runner = undefined;
      runners++;
    } else if (killed([...pids.values()][rng.below(Math.max(1, pids.size))])) {
      // A worker that is still starting or already gone costs another wait instead.
      workers++;
    }
  }
  await endedWell(runner ?? start(argsOf(round)));
  return { runners, workers, rounds: round + 1 };
}

async function endedWell(runner: Running): Promise<void> {
  const { status, stderr } = await runner.ended;
  if (status !== 0) throw new Error(`the study ended with ${status}: ${stderr.slice(-2000)}`);
}

/** The pids of a runner's workers by slot, kept up to date from its events. */
function workerPidsOf(runner: Running): Map<number, number> {
  const pids = new Map<number, number>();
  void runner
    .line((line) => {
      const event = /"kind":"workerStarted","pid":(\d+),"worker":(\d+)/.exec(line);
      if (event !== null) pids.set(Number(event[2]), Number(event[1]));
      return false;
    })
    .catch(() => {});
  return pids;
}

/** Kills a process if it is there and still the worker it was: the number may belong to another by now. */
function killed(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    if (process.platform === 'linux' && !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('worker-main'))
      return false;
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}
