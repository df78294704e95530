import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';

import { guideStudy, newFolder, TOY } from './command.ts';
import { lastVerdicts, MODEL, STARTED } from './started-studies.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const ROOT = newFolder('package');
/** Where the package is installed: an empty folder with nothing of the repository but its dependencies. */
const USER = join(ROOT, 'user');

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly bin: Readonly<Record<string, string>>;
}

before(() => {
  const dist = join(ROOT, 'dist');
  execFileSync(process.execPath, [join(REPOSITORY, 'scripts/build-package.ts'), '--out', dist]);
  execFileSync('npm', ['pack', dist, '--pack-destination', ROOT, '--loglevel', 'error'], {
    stdio: 'pipe',
    shell: process.platform === 'win32',
  });
  const tarball = readdirSync(ROOT).find((name) => name.endsWith('.tgz')) ?? '';
  mkdirSync(join(USER, 'node_modules'), { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', ROOT], { cwd: ROOT });
  renameSync(join(ROOT, 'package'), join(USER, 'node_modules/assay'));
  for (const name of Object.keys(manifest().dependencies)) linkDependency(name);
  writeFileSync(join(USER, 'package.json'), '{ "type": "module", "private": true }\n');
  copyFileSync(TOY, join(USER, 'study.ts'));
  writeFileSync(join(USER, 'cues.ts'), guideStudy('05-your-own-model-and-world.md'));
  writeFileSync(join(USER, 'decay.ts'), guideStudy('01-first-study.md'));
});

after(() => rmSync(ROOT, { recursive: true }));

function manifest(): Manifest {
  const value: Manifest = JSON.parse(readFileSync(join(USER, 'node_modules/assay/package.json'), 'utf8'));
  return value;
}

/** What an install from a registry would put there. */
function linkDependency(name: string): void {
  const link = join(USER, 'node_modules', name);
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(realpathSync(join(REPOSITORY, 'node_modules', name)), link, 'junction');
}

function installed(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const main = join(USER, 'node_modules/assay', manifest().bin['assay'] ?? '');
  return spawnSync(process.execPath, [main, ...args], { cwd: USER, encoding: 'utf8' });
}

test('a package is not built over somebody’s files: --out is refused, and they stay', () => {
  const theirs = join(ROOT, 'theirs');
  mkdirSync(theirs);
  writeFileSync(join(theirs, 'thesis.txt'), 'years of work');
  const built = spawnSync(process.execPath, [join(REPOSITORY, 'scripts/build-package.ts'), '--out', theirs], {
    encoding: 'utf8',
  });
  assert.equal(built.status, 2);
  assert.match(built.stderr, /Expected --out to be new, empty or a package built here, found other files in .*theirs/);
  assert.equal(readFileSync(join(theirs, 'thesis.txt'), 'utf8'), 'years of work');
});

test('the installed command lists the built-in studies of the repository', () => {
  const { status, stdout, stderr } = installed('list');
  assert.equal(status, 0, stderr);
  const here = spawnSync(process.execPath, [join(REPOSITORY, 'src/cli/main.ts'), 'list'], { encoding: 'utf8' });
  assert.equal(stdout, here.stdout);
});

test('the installed command runs a study defined outside of the package', () => {
  const { status, stdout, stderr } = installed(
    'run',
    './study.ts',
    '--profile',
    'standard',
    '--set',
    'steps=12',
    '--set',
    'spins=10',
    '--json',
  );
  // The profile has one arm, so nothing is asked of it.
  assert.equal(status, 3, stderr);
  assert.match(
    stdout.trimEnd().split('\n').at(-1) ?? '',
    /^\{"schemaVersion":4,"study":"toy","profile":"standard","runs":\{"finished":1,"diverged":0,"failed":0\}/,
  );
  assert.equal(installed('status', './study.ts').status, 0);
});

test('the installed command runs a study that brings its own world through assay/learn', () => {
  const { status, stdout, stderr } = installed('run', './cues.ts', '--seeds', '1', '--json');
  assert.equal(status === 0 || status === 3, true, stderr);
  const { runs } = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as { readonly runs: object };
  assert.deepEqual(runs, { finished: 4, diverged: 0, failed: 0 });
});

test('the built-in studies that bring their own world run from the package: associations, and misalignment with its base', () => {
  const small = ['--set', 'world.classes=16', '--set', 'steps=20'];
  const runs = (study: string, ...args: string[]): string => {
    const { status, stdout, stderr } = installed('run', study, '--seeds', '1', '--json', ...args);
    assert.equal(status === 0 || status === 3, true, stderr);
    return stdout.trimEnd().split('\n').at(-1) ?? '';
  };
  assert.match(runs('associations', ...small), /"runs":\{"finished":\d+,"diverged":0,"failed":0\}/);
  assert.match(runs('./decay.ts', '--set', 'steps=3'), /"runs":\{"finished":\d+,"diverged":0,"failed":0\}/);
});

test('the installed command passes its own doctor, ONNX Runtime and images included', () => {
  const { stdout } = installed('doctor');
  assert.match(stdout, /^ok +ONNX Runtime: loads and computes$/m);
  assert.match(stdout, /^ok +images: sharp loads and decodes$/m);
});

test("a study of the user's own type-checks against the package's declarations", () => {
  const tsc = realpathSync(join(REPOSITORY, 'node_modules/typescript/bin/tsc'));
  const options = [
    '--noEmit',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--types',
    'node',
  ];
  const typeRoots = ['--typeRoots', realpathSync(join(REPOSITORY, 'node_modules/@types'))];
  const check = spawnSync(process.execPath, [tsc, ...options, ...typeRoots, 'study.ts', 'cues.ts', 'decay.ts'], {
    cwd: USER,
    encoding: 'utf8',
  });
  assert.equal(check.status, 0, check.stdout);
  writeFileSync(
    join(USER, 'wrong.ts'),
    "import { defineStudy } from 'assay';\nexport default defineStudy({ name: 1 });\n",
  );
  const wrong = spawnSync(process.execPath, [tsc, ...options, ...typeRoots, 'wrong.ts'], {
    cwd: USER,
    encoding: 'utf8',
  });
  assert.match(wrong.stdout, /error TS/);
});

for (const kind of ['world', 'finetune'] as const) {
  test(`the installed command writes a ${kind} study that runs to its verdict`, () => {
    const { study, smaller } = STARTED[kind];
    // The default of \`npm init\`, under which a bare study.ts would be no module.
    const folder = kind === 'world' ? join(USER, 'common') : USER;
    mkdirSync(folder, { recursive: true });
    if (kind === 'world') writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }\n');
    const made = installed('init', join(folder, kind), '--kind', kind, ...(kind === 'world' ? [] : ['--model', MODEL]));
    assert.equal(made.status, 0, made.stderr);
    const store = ['--store', join(USER, `.assay-${kind}`)];
    const { status, stdout, stderr } = installed('run', join(folder, kind, study), ...smaller, ...store, '--json');
    assert.ok(status === 0 || status === 3, stderr);
    assert.equal(lastVerdicts(stdout).length, 1);
  });
}

test('no source file and no test is in the package, but for the templates of studies', () => {
  const files = readdirSync(join(USER, 'node_modules/assay'), { recursive: true, encoding: 'utf8' });
  const wrong = files.filter((file) => /(?<!\.d)\.ts$|\.test\./.test(file) && !/^templates[/\\]/.test(file));
  assert.deepEqual(wrong, []);
  assert.ok(files.includes('LICENSE'));
});
