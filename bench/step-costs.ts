/** What a training step costs in this process: seconds, processor time, memory. The peer's half: bench/peers/measuring.py. */
import { readFileSync } from 'node:fs';

import type { Costs } from './side-by-side.ts';

/** The costs of a step, and how they were found. */
export interface StepCosts extends Costs {
  readonly steps: number;
  readonly quartiles: readonly [number, number];
}

/** Times a step for so many seconds, after some that count for nothing. */
export async function stepCosts(
  step: () => Promise<void>,
  { seconds, warmUp = 3, least = 5 }: { readonly seconds: number; readonly warmUp?: number; readonly least?: number },
): Promise<StepCosts> {
  for (let i = 0; i < warmUp; i++) await step();
  const taken: number[] = [];
  const used = processorSeconds();
  for (const until = performance.now() + 1000 * seconds; taken.length < least || performance.now() < until;) {
    const started = performance.now();
    await step();
    taken.push((performance.now() - started) / 1000);
  }
  const processor = (processorSeconds() - used) / taken.length;
  taken.sort((a, b) => a - b);
  const at = (fraction: number): number => short(taken[Math.floor(fraction * (taken.length - 1))] ?? Number.NaN);
  return {
    steps: taken.length,
    secondsPerStep: at(0.5),
    processorSecondsPerStep: short(processor),
    quartiles: [at(0.25), at(0.75)],
    peakAnonymousMiB: peakAnonymousMiB(),
  };
}

/** Of all threads of this process, since it began. */
export function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/**
 * The most memory that no file stands behind: the peak of resident memory less what of it is mapped from files now, such as libraries
 * and frozen weights. Without /proc (not Linux) the peak of resident memory.
 */
export function peakAnonymousMiB(): number {
  const peakKiB = statusKiB('VmHWM') ?? process.resourceUsage().maxRSS;
  return Math.round((peakKiB - (statusKiB('RssFile') ?? 0) - (statusKiB('RssShmem') ?? 0)) / 1024);
}

/** What no file stands behind now; NaN without /proc. */
export function anonymousMiB(): number {
  return Math.round((statusKiB('RssAnon') ?? Number.NaN) / 1024);
}

function statusKiB(name: string): number | undefined {
  try {
    const found = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined;
  }
}

function short(seconds: number): number {
  return Number(seconds.toPrecision(4));
}
