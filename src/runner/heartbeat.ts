/**
 * A sign of life from worker processes. Training blocks a worker's JavaScript thread for as long as a step takes, so a
 * thread of its own writes to a pipe; it falls silent only when the whole process does: stopped, swapped out, frozen.
 * The runner counts its own ticks instead of reading a clock, so that a machine that slept does not kill its workers.
 */
import type { ChildProcess } from 'node:child_process';
import { Worker } from 'node:worker_threads';

/** Where the pipe stands in a worker's stdio, after stdin, stdout, stderr and the channel of messages. */
export const HEARTBEAT_FD = 4;
export const BEAT_MS = 1000;
/** Ticks without a beat after which a process is taken for dead. */
const MOST_SILENT_TICKS = 3;

/** In a worker process: beats until the process ends, and does not keep it alive. */
export function startHeartbeat(): void {
  new Worker(new URL(import.meta.resolve('#runner/heartbeat-thread.ts'))).unref();
}

/** In the runner: kills a child that is silent for about `silenceMs`, after saying so; ends with the child. */
export function watchHeartbeat(child: ChildProcess, silenceMs: number, onSilent: () => void): void {
  let silentTicks = 0;
  child.stdio[HEARTBEAT_FD]?.on('data', () => (silentTicks = 0));
  const timer = setInterval(() => {
    if (++silentTicks <= MOST_SILENT_TICKS) return;
    onSilent();
    child.kill('SIGKILL');
  }, silenceMs / MOST_SILENT_TICKS);
  timer.unref();
  child.once('exit', () => clearInterval(timer));
  child.once('error', () => clearInterval(timer));
}
