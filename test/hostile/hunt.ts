/**
 * Feeds damaged inputs to every reader, in processes that are watched: a reader may refuse an input, or read it, in time and in
 * little memory. A crash, a hang or a gibibyte is a fault, and the hunt goes on behind it.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { READERS } from './readers.ts';

/** How a child ends itself: an input took too long, or more memory than there may be. */
const HANG_STATUS = 'SIGKILL';
export const MEMORY_STATUS = 87;
/** An input may take so long, and a process so much heap. */
const LIMIT_MS = 5000;
const HEAP_MIB = 1024;
/** An input whose reader has another one around it is given up sooner, and tried there. */
const INNER_LIMIT_MS = 1500;
const BATCH = 4000;
const CHILD = new URL('child.ts', import.meta.url).pathname;

/** What an input did. */
export interface Fault {
  readonly reader: string;
  readonly index: number;
  readonly kind: 'crash' | 'hang' | 'memory' | 'died';
  readonly base?: string;
  readonly what: string;
}

/** What a hunt is over. */
export interface Hunt {
  readonly reader: string;
  readonly seed: number;
  readonly from: number;
  readonly count: number;
  /** For the children's files. */
  readonly folder: string;
}

/** How many inputs of `count` each reader has. */
export function shares(count: number): Map<string, number> {
  const total = Object.values(READERS).reduce((sum, { share }) => sum + share, 0);
  const named = Object.entries(READERS).filter(([, { share }]) => share > 0);
  return new Map(named.map(([name, { share }]) => [name, Math.ceil((count * share) / total)]));
}

/** What came of a hunt. */
export interface Hunted {
  readonly faults: readonly Fault[];
  /** How many inputs were refused in words, in batches that came to their end; the others were read. */
  readonly refused: number;
}

/** Hunts for the faults of one reader. */
export async function hunted({ reader, seed, from, count, folder }: Hunt): Promise<Hunted> {
  const faults: Fault[] = [];
  let refused = 0;
  const within = READERS[reader]?.within;
  const end = from + count;
  for (let next = from; next < end;) {
    const to = Math.min(end, next + BATCH);
    const limitMs = within === undefined ? LIMIT_MS : INNER_LIMIT_MS;
    const { status, said, reached, ...ended } = await childOf({ reader, seed, from: next, to, folder, limitMs });
    faults.push(...said);
    refused += ended.refused;
    if (status === 0) {
      next = to;
      continue;
    }
    next = reached + 1;
    const isEnded =
      within !== undefined && (await isRefusedBy(within, { reader, seed, from: reached, count: 1, folder }));
    const what = `input ${reached} of seed ${seed}`;
    const kind = status === HANG_STATUS ? 'hang' : status === MEMORY_STATUS ? 'memory' : 'died';
    if (!isEnded) faults.push({ reader, index: reached, kind, what: `${what}: ${status}` });
  }
  return { faults, refused };
}

/** Whether the reader around another refuses what that one hangs at, in time. */
async function isRefusedBy(outer: string, { reader, seed, from, folder }: Hunt): Promise<boolean> {
  const { status, said } = await childOf({ reader, outer, seed, from, to: from + 1, folder, limitMs: LIMIT_MS });
  return status === 0 && said.length === 0;
}

interface Batch {
  readonly reader: string;
  readonly outer?: string;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  readonly folder: string;
  readonly limitMs: number;
}

interface BatchEnd {
  readonly status: number | string;
  readonly said: Fault[];
  readonly refused: number;
  /** The last input that was begun. */
  readonly reached: number;
}

async function childOf({ reader, outer, seed, from, to, folder, limitMs }: Batch): Promise<BatchEnd> {
  const place = join(folder, `place-${reader}`);
  const args = [reader, seed, from, to, place, limitMs, outer ?? reader].map(String);
  const child = spawn(process.execPath, [`--max-old-space-size=${HEAP_MIB}`, CHILD, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
  });
  let [out, errors] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors = `${errors}${chunk.toString()}`.slice(-2000)));
  const status = await new Promise<number | string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  const lines = out.split('\n').filter((line) => line !== '');
  const parsed = lines.map((line) => JSON.parse(line) as Fault | { readonly refused: number });
  const said = parsed.filter((one) => 'kind' in one);
  const refused = parsed.reduce((sum, one) => sum + ('refused' in one ? one.refused : 0), 0);
  const isKnown = status === 0 || status === HANG_STATUS || status === MEMORY_STATUS;
  return {
    status: isKnown ? status : `${status} ${errors}`,
    said,
    refused,
    reached: Number(readFileSync(place, 'utf8')),
  };
}
