/**
 * Measurements in turn, for machines that others use too: ours and the peer are processes that live on and measure one slice of a
 * few seconds when they are asked, so that what a round compares was measured within a minute. One waits while the other works.
 * A process reads a line, measures, and says what it found as a line of JSON, so often as it is asked (`answerSlices`, `measuring.py`).
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { PYTHON, type Round, type Script, type Way } from './side-by-side.ts';

/** Measures a slice whenever this process is asked for one. */
export async function answerSlices(slice: () => Promise<unknown>): Promise<void> {
  for await (const _asked of createInterface({ input: process.stdin })) console.log(JSON.stringify(await slice()));
}

/** A process that measures slices. */
interface Measurer<Measured> extends Disposable {
  readonly name: string;
  slice(): Promise<Measured>;
}

/** Ours and then the peer in each way, a slice each, so many times over. @throws Error where a process ends. */
export async function measureSlices<Measured>(
  count: number,
  [file, ...args]: Script,
  ways: readonly Way[],
  [peerFile, ...peerArgs]: Script,
): Promise<readonly Round<Measured>[]> {
  using mine = start<Measured>('Assay', process.execPath, [join(import.meta.dirname, file), ...args]);
  using started = new DisposableStack();
  const peers = ways.map(({ name, args: own, environment }) =>
    started.use(start<Measured>(name, PYTHON, [join(import.meta.dirname, peerFile), ...peerArgs, ...own], environment)),
  );
  const rounds: Round<Measured>[] = [];
  for (let round = 0; round < count; round++) {
    const found = new Map<string, Measured>();
    const own = await mine.slice();
    for (const peer of peers) found.set(peer.name, await peer.slice());
    rounds.push({ mine: own, peers: found });
  }
  return rounds;
}

function start<Measured>(
  name: string,
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Measurer<Measured> {
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    name,
    async slice() {
      child.stdin.write('slice\n');
      const line = await lines.next();
      if (line.done === true) throw new Error(`${name}: ${command} ${args.join(' ')} ended before it had measured.`);
      return JSON.parse(line.value) as Measured;
    },
    [Symbol.dispose]() {
      child.kill();
    },
  };
}
