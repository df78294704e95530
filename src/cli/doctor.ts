/** `assay doctor`: one line a check, each `ok` or `problem` with what to do; `warning` for what may be well. */
import { existsSync, mkdtempSync, rmdirSync, rmSync, statfsSync } from 'node:fs';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { dirname, join } from 'node:path';

import { messageOf } from '#base/errors.ts';
import { isFolder, makeFolder } from '#base/make-folder.ts';
import { artifactsIn } from '#store/artifacts.ts';
import { doubtOf, fileSystemOf } from '#store/file-system.ts';
import { openSqliteReader } from '#store/sqlite.ts';
import { hasDatabase } from '#store/sqlite-open.ts';

import type { Given } from './options.ts';
import { storeFolder } from './store-folder.ts';
import type { Terminal } from './terminal.ts';

const GIB = 2 ** 30;
/** Less free memory than this and even a quick profile may not fit. */
const LEAST_MEMORY_GIB = 1;
const LEAST_DISK_GIB = 1;

interface Check {
  readonly name: string;
  /** What was found. @throws an error that says what is wrong and what to do. */
  run(): Promise<string>;
}

/** Runs every check; exit status 1 if one found a problem. */
export async function doctorCommand(given: Given, terminal: Terminal): Promise<number> {
  const folder = storeFolder(given);
  let problems = 0;
  for (const { name, run } of checksOf(folder)) {
    try {
      terminal.out(`ok       ${name}: ${await run()}`);
    } catch (error) {
      problems++;
      terminal.out(`problem  ${name}: ${messageOf(error)}`);
    }
  }
  const doubt = doubtOf(folder);
  if (doubt !== undefined) terminal.out(`warning  disk: ${doubt}`);
  return problems === 0 ? 0 : 1;
}

function checksOf(folder: string): Check[] {
  return [
    { name: 'Node', run: async () => process.versions.node },
    { name: 'ONNX Runtime', run: trySession },
    { name: 'images', run: tryImage },
    { name: 'cores', run: async () => `${availableParallelism()}; as many runs at a time` },
    { name: 'memory', run: async () => memory() },
    { name: 'disk', run: async () => disk(folder) },
    { name: 'store', run: async () => store(folder) },
  ];
}

/** Compiles and runs 1 + 2 = 3; imported here so that a broken installation is a line, not a crash. */
async function trySession(): Promise<string> {
  try {
    const { compile } = await import('#engine/session.ts');
    const { add } = await import('#engine/ops/elementwise.ts');
    const { input } = await import('#engine/ops/sources.ts');
    await using program = await compile({ sum: add(input('one', [1]), input('two', [1])) });
    program.float32('one').set([1]);
    program.float32('two').set([2]);
    await program.run();
    const sum = program.float32('sum')[0];
    if (sum !== 3) throw new Error(`computed 1 + 2 = ${sum}`);
    return 'loads and computes';
  } catch (error) {
    throw new Error(`${messageOf(error)}. Install the dependencies again with "npm ci".`, { cause: error });
  }
}

/** A GIF of one white pixel. */
const PIXEL = Buffer.from('R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=', 'base64');

/** Decodes one pixel: what reads checkpoints of images and texts needs; imported here as `trySession` does. */
async function tryImage(): Promise<string> {
  try {
    const { decodeImage } = await import('#learning/files/images/decode-image.ts');
    const { values } = await decodeImage(PIXEL);
    if (values.join() !== '255,255,255') throw new Error(`decoded white as ${values.join()}`);
    return 'sharp loads and decodes';
  } catch (error) {
    throw new Error(`${messageOf(error)}. Install the dependencies again with "npm ci".`, { cause: error });
  }
}

function memory(): string {
  const [free, total] = [freemem() / GIB, totalmem() / GIB];
  const found = `${free.toFixed(1)} of ${total.toFixed(1)} GiB free`;
  if (free < LEAST_MEMORY_GIB) throw new Error(`${found}. Close other programs, or use fewer --workers.`);
  return found;
}

/** Writes, reads and removes a file the way runs do. */
function disk(folder: string): string {
  const system = fileSystemOf(folder);
  if (system.kind === 'network')
    throw new Error(`${folder} is on a network file system (${system.type}). Choose a local disk with --store.`);
  const isNew = makeFolder(folder);
  const probe = mkdtempSync(join(folder, 'doctor-'));
  try {
    const artifacts = artifactsIn(probe);
    const file = artifacts.put(new TextEncoder().encode('assay'));
    if (artifacts.get(file).kind !== 'found') throw new Error(`${folder} does not give back what was written to it.`);
    const { bavail, bsize } = statfsSync(folder);
    const free = (bavail * bsize) / GIB;
    const found = `${folder} is writable, ${free.toFixed(1)} GiB free`;
    if (free < LEAST_DISK_GIB) throw new Error(`${found}. Free space, or choose another --store.`);
    return found;
  } finally {
    rmSync(probe, { recursive: true, force: true });
    if (isNew !== undefined) removeEmpty(folder, isNew);
  }
}

/** Removes the folders that were made for the check, from the innermost on, as long as they are empty. */
function removeEmpty(innermost: string, outermost: string): void {
  try {
    for (let folder = innermost; ; folder = dirname(folder)) {
      rmdirSync(folder);
      if (folder === outermost) return;
    }
  } catch {
    // Somebody has put something there in the meantime.
  }
}

async function store(folder: string): Promise<string> {
  if (existsSync(folder) && !isFolder(folder))
    throw new Error(`a file stands at ${folder}. Choose another folder with --store.`);
  if (!hasDatabase(folder)) return `none yet in ${folder}; "assay run" makes it`;
  await using reader = await openSqliteReader(folder);
  await reader.verify();
  return `${folder} is healthy`;
}
