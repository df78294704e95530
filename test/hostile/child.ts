/**
 * Reads damaged inputs of one reader, one after the other, in a process that may die of them: `child.ts READER SEED FROM TO
 * PLACE LIMIT_MS
 * [OUTER]`: OUTER is the reader that reads them, where it is another than the one whose inputs they are.
 * What it is at stands in the first bytes of the file PLACE; a fault is a line of JSON on stdout.
 * A thread of its own ends the process when an input takes too long: whatever hangs holds the main thread.
 */
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { AssayError } from '#base/errors.ts';
import { rngOf } from '#base/rng.ts';

import { type Fault, MEMORY_STATUS } from './hunt.ts';
import { mutated } from './mutations.ts';
import { emptied, READERS } from './readers.ts';

const MOST_KIB = 2 ** 20;
const [name = '', seed = '1', from = '0', to = '0', place = '', limitMs = '5000', outer = name] = process.argv.slice(2);

/** Shared with the watching thread: when the current input began, in ms; 0 between inputs. */
const began = new BigInt64Array(new SharedArrayBuffer(8));
const watch = `
  const { workerData: { began, limitMs } } = require('node:worker_threads');
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    Atomics.wait(never, 0, 0, 100);
    const since = Number(Atomics.load(began, 0));
    if (since > 0 && Date.now() - since > limitMs) process.kill(process.pid, 'SIGKILL');
  }
`;

const [own, reader] = [READERS[name], READERS[outer]];
if (own === undefined || reader === undefined) throw new Error(`No reader "${name}".`);
const folder = join(place, '..', `folder-${name}`);
const bases = own.bases();
const at = openSync(place, 'w');
const watcher = new Worker(watch, { eval: true, workerData: { began, limitMs: Number(limitMs) } });
watcher.unref();
let refused = 0;
for (let index = Number(from); index < Number(to); index++) {
  writeSync(at, String(index).padStart(12, '0'), 0);
  const rng = rngOf(Number(seed), `${name}/${index}`);
  const base = bases[rng.below(bases.length)];
  if (base === undefined) throw new Error(`The reader ${name} has no inputs.`);
  const bytes = mutated(base, rng);
  Atomics.store(began, 0, BigInt(Date.now()));
  try {
    await reader.read(bytes, base, () => emptied(folder));
  } catch (thrown) {
    if (thrown instanceof AssayError) refused++;
    else say({ reader: name, index, kind: 'crash', what: textOf(thrown), base: base.name });
  }
  Atomics.store(began, 0, 0n);
  if (process.resourceUsage().maxRSS > MOST_KIB) process.exit(MEMORY_STATUS);
}

process.stdout.write(`${JSON.stringify({ refused })}\n`);

function say(fault: Fault): void {
  process.stdout.write(`${JSON.stringify(fault)}\n`);
}

function textOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message).slice(0, 900) : String(thrown);
}
