/**
 * Plants faults in a copy of the tree, one at a time, and checks that the tests named beside each turn red: the proof
 * that the suite would notice.
 *
 *     npm run mutate [-- --only part-of-a-name-or-path]
 *
 * Exit status 1 where a fault survives, 2 where its search text no longer occurs exactly once, or a
 * test is red without any fault; the last line on stdout is JSON.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import type { Fault } from './mutations/fault.ts';

const ROOT = new URL('..', import.meta.url).pathname;
/** What the tests read; `assets` is large and only read, like `node_modules`. */
const COPIED = ['src', 'studies', 'test', 'docs', 'templates', 'package.json', 'tsconfig.json'];
const LINKED = ['node_modules', 'assets'];
/** A fault that makes a loop endless counts as noticed after this long. */
const LIMIT_MS = 300_000;

/** The faults of every file under mutations/: each exports a list. */
async function allFaults(): Promise<readonly Fault[]> {
  const names = globSync('mutations/*.ts', { cwd: import.meta.dirname }).toSorted();
  const modules = await Promise.all(
    names.map(async (name) => (await import(`./${name}`)) as Readonly<Record<string, readonly Fault[]>>),
  );
  return modules.flatMap((module) => Object.values(module).flat());
}

/** A fault's text is not where it should be, or its tests prove nothing. */
class Unusable extends Error {}

/** The file with the fault planted. @throws Unusable where the text does not occur exactly once or no longer parses. */
function planted({ name, file, from, to }: Fault, text: string): string {
  const parts = text.split(from);
  if (parts.length !== 2) {
    throw new Unusable(`"${name}": expected its text exactly once in ${file}, found it ${parts.length - 1} times.`);
  }
  const changed = parts.join(to);
  try {
    // A fault that does not parse would turn any test red.
    stripTypeScriptTypes(changed);
  } catch (cause) {
    throw new Unusable(`"${name}": ${file} no longer parses with the fault.`, { cause });
  }
  return changed;
}

function isGreen(copy: string, test: string): boolean {
  const options = { cwd: copy, stdio: 'ignore', timeout: LIMIT_MS } as const;
  // As `npm test` runs them.
  const preloads = ['--import', './test/property-seed.ts', '--import', './test/temporary-folder.ts'];
  return spawnSync(process.execPath, [...preloads, '--test', test], options).status === 0;
}

/** The first of a fault's tests that turns red; undefined where it survives. */
function noticedBy(copy: string, fault: Fault, soundTests: Set<string>): string | undefined {
  const path = join(copy, fault.file);
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, planted(fault, text));
  const red = fault.tests.find((test) => !isGreen(copy, test));
  writeFileSync(path, text);
  // A test that is red anyway notices nothing.
  if (red !== undefined && !soundTests.has(red)) {
    if (!isGreen(copy, red)) throw new Unusable(`${red} is red without any fault.`);
    soundTests.add(red);
  }
  return red;
}

/** Everything that can be known to be wrong before a test is run. */
function check(faults: readonly Fault[]): void {
  for (const fault of faults) {
    planted(fault, readFileSync(join(ROOT, fault.file), 'utf8'));
    for (const test of fault.tests) {
      if (!existsSync(join(ROOT, test))) throw new Unusable(`"${fault.name}": there is no test ${test}.`);
    }
  }
}

function copyOfTree(): string {
  const copy = mkdtempSync(join(tmpdir(), 'assay-mutate-'));
  // Some tests become another user, who must be able to read it.
  chmodSync(copy, 0o755);
  for (const part of COPIED) cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  for (const part of LINKED) symlinkSync(join(ROOT, part), join(copy, part));
  return copy;
}

function run(faults: readonly Fault[]): void {
  check(faults);
  const copy = copyOfTree();
  const survived: string[] = [];
  const soundTests = new Set<string>();
  try {
    for (const fault of faults) {
      const red = noticedBy(copy, fault, soundTests);
      if (red === undefined) survived.push(fault.name);
      const verdict = red === undefined ? 'SURVIVED' : 'noticed ';
      console.log(`${verdict}  ${fault.name} (${fault.file})${red === undefined ? '' : `  by ${red}`}`);
    }
  } finally {
    rmSync(copy, { recursive: true });
  }
  console.log(`${faults.length - survived.length} of ${faults.length} faults noticed`);
  console.log(JSON.stringify({ schemaVersion: 1, faults: faults.length, survived }));
  process.exitCode = survived.length === 0 ? 0 : 1;
}

const { values } = parseArgs({ options: { only: { type: 'string' } } });
const only = values.only ?? '';
try {
  const faults = await allFaults();
  run(faults.filter(({ name, file }) => name.includes(only) || file.includes(only)));
} catch (error) {
  if (!(error instanceof Unusable)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
