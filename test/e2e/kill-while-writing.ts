/**
 * Kills commands with SIGKILL while they write: reports, exports, downloads. Whatever then stands under a final name is
 * whole, and the same command run to its end gives the same bytes as if nobody had disturbed it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { type FSWatcher, mkdirSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { join } from 'node:path';

import { sha256 } from '#base/json.ts';
import type { Rng } from '#base/rng.ts';

/** What is killed, and where it writes. */
export interface Writing {
  /** Starts it; its output goes to `folder`. */
  start(): ChildProcess;
  readonly folder: string;
  /** Whether a name is one that nobody else reads, such as a partial file's. */
  isOwn(name: string): boolean;
}

/** What came of the kills. */
export interface WritingOutcome {
  readonly kills: number;
  /** Of them, so many came when files were there already. */
  readonly amidst: number;
  /** Files under their final name that were not whole, and ends that differed. */
  readonly faults: readonly string[];
}

/** The arguments of `node` for a command, its output unseen. */
export function started(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, args, { stdio: 'ignore' });
}

/** Kills `kills` times: half at a random moment of the command's time, half when the folder has just been written to. */
export async function killWhileWriting(writing: Writing, kills: number, rng: Rng): Promise<WritingOutcome> {
  const { folder } = writing;
  const { expected, tookMs } = await undisturbed(writing);
  let [killed, amidst] = [0, 0];
  const faults: string[] = [];
  while (killed < kills) {
    if (rng.below(2) === 0) emptied(folder);
    const child = writing.start();
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    await (rng.below(2) === 0 ? after(rng.below(Math.ceil(tookMs)), ended) : written(folder, 1 + rng.below(6), ended));
    // One that has ended meanwhile is another try.
    if (child.exitCode === null && child.kill('SIGKILL')) killed++;
    await ended;
    const found = filesIn(writing);
    if (found.size > 0) amidst++;
    faults.push(...differences(found, expected).map((fault) => `after kill ${killed}: ${fault}`));
    if (rng.below(3) === 0) faults.push(...(await endsAsBefore(writing, expected)));
  }
  faults.push(...(await endsAsBefore(writing, expected)));
  return { kills: killed, amidst, faults };
}

async function undisturbed(writing: Writing): Promise<{ expected: ReadonlyMap<string, string>; tookMs: number }> {
  emptied(writing.folder);
  const startedMs = performance.now();
  const status = await toItsEnd(writing);
  const expected = filesIn(writing);
  if (status !== 0 || expected.size === 0) throw new Error(`undisturbed it ended with ${status}`);
  return { expected, tookMs: performance.now() - startedMs };
}

async function endsAsBefore(writing: Writing, expected: ReadonlyMap<string, string>): Promise<string[]> {
  const status = await toItsEnd(writing);
  const found = filesIn(writing);
  const missing = [...expected.keys()].filter((name) => !found.has(name)).map((name) => `${name} is missing`);
  return [...(status === 0 ? [] : [`it ended with ${status}`]), ...missing, ...differences(found, expected)];
}

async function toItsEnd(writing: Writing): Promise<number | null> {
  const child = writing.start();
  return new Promise((resolve) => child.on('close', resolve));
}

/** The hashes of all files under final names. */
function filesIn({ folder, isOwn }: Writing): Map<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !isOwn(entry.name));
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [path.slice(folder.length + 1), sha256(readFileSync(path, 'latin1'))]));
}

function differences(found: ReadonlyMap<string, string>, expected: ReadonlyMap<string, string>): string[] {
  return [...found].flatMap(([name, hash]) => (expected.get(name) === hash ? [] : [`${name} is not whole`]));
}

function emptied(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}

async function after(ms: number, ended: Promise<unknown>): Promise<void> {
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, ms))]);
}

/** When a folder was written to so many times, or the command ended. */
export async function written(folder: string, times: number, ended: Promise<unknown>): Promise<void> {
  let watcher: FSWatcher | undefined;
  let count = 0;
  const enough = new Promise<void>((resolve) => {
    watcher = watch(folder, { recursive: true }, () => {
      count++;
      if (count >= times) resolve();
    });
  });
  await Promise.race([enough, ended]);
  watcher?.close();
}
