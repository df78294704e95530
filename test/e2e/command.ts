/** Runs the real command line in child processes, for the end-to-end tests and the reliability bench. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
export const TOY = fileURLToPath(new URL('toy/study.ts', import.meta.url));

/** How a command ended. */
export interface Ended {
  /** The exit status, or the signal that ended it. */
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command under way. */
export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves with the first stderr line the check accepts; rejects if the command ends before. */
  line(accepts: (line: string) => boolean): Promise<string>;
}

export interface StartOptions {
  /** The user to run as; needs root. */
  readonly uid?: number;
  readonly cwd?: string;
  /** A shell prefix, such as `ulimit -f 100;`. */
  readonly shell?: string;
}

/** A new folder under the system's temporary one. */
export function newFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `assay-${name}-`));
}

/** Starts `assay` with arguments. */
export function start(args: readonly string[], options: StartOptions = {}): Running {
  const { shell, ...rest } = options;
  const all = [MAIN, ...args];
  const child =
    shell === undefined
      ? spawn(process.execPath, all, { ...rest, stdio: ['ignore', 'pipe', 'pipe'] })
      : spawn('bash', ['-c', `${shell} exec "$0" "$@"`, process.execPath, ...all], {
          ...rest,
          stdio: ['ignore', 'pipe', 'pipe'],
        });
  const lines: string[] = [];
  const waits: {
    accepts: (line: string) => boolean;
    resolve: (line: string) => void;
    reject: (error: Error) => void;
  }[] = [];
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  createInterface(child.stderr).on('line', (line) => {
    lines.push(line);
    for (const wait of waits) if (wait.accepts(line)) wait.resolve(line);
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      for (const wait of waits) wait.reject(new Error(`ended before the line came:\n${lines.join('\n')}`));
      resolve({ status: code ?? signal ?? 'unknown', stdout, stderr: lines.join('\n') });
    });
  });
  return {
    process: child,
    ended,
    line: async (accepts) =>
      new Promise((resolve, reject) => {
        const past = lines.find(accepts);
        if (past !== undefined) resolve(past);
        else waits.push({ accepts, resolve, reject });
      }),
  };
}

/** Runs `assay` with arguments to its end. */
export async function assay(...args: string[]): Promise<Ended> {
  return start(args).ended;
}

/** The sha256 of a study's canonical export. @throws if the export fails. */
export async function exportHash(study: string, store: string): Promise<string> {
  const { status, stdout, stderr } = await assay('export', study, '--store', store, '--out', join(store, 'export'));
  const hash = /^sha256 ([0-9a-f]{64})$/m.exec(stdout)?.[1];
  if (status !== 0 || hash === undefined) throw new Error(`export ended with ${status}: ${stderr}`);
  return hash;
}

/** The study that a page of the guide shows, as it stands there. */
export function guideStudy(page: string): string {
  const text = readFileSync(new URL(`../../docs/guide/${page}`, import.meta.url), 'utf8');
  const code = /```ts\n([\s\S]*?)```/.exec(text)?.[1];
  if (code === undefined) throw new Error(`${page} has no study`);
  return code;
}
