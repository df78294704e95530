/** README: no network after `npm ci`. ONNX Runtime would open connections by itself; nothing of it may be left. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';

import { newFolder, TOY } from './command.ts';

const FOLDER = newFolder('no-network');
const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);

after(() => rmSync(FOLDER, { recursive: true }));

/**
 * A user with an empty home. Of the environment only the path is kept: the runtime stays silent where ORT_DISABLE_TELEMETRY,
 * CI, GITHUB_ACTIONS and other names of build machines are set, and npm asks its registry for news of npm only where they are not.
 */
function newUser(name: string): { readonly home: string; readonly env: NodeJS.ProcessEnv } {
  const home = join(FOLDER, name);
  mkdirSync(home);
  return { home, env: { PATH: process.env['PATH'], HOME: home, XDG_CACHE_HOME: join(home, '.cache'), TMPDIR: home } };
}

/** What a process leaves in the user's cache. */
async function leftBehind(name: string, code: string): Promise<string[]> {
  const { home, env } = newUser(name);
  await run(process.execPath, ['--input-type=module', '--eval', code], { cwd: ROOT, env });
  return readdirSync(home, { recursive: true }).map(String);
}

const COMPILES = `
  const { compile } = await import('#engine/session.ts');
  const { input } = await import('#engine/ops/sources.ts');
  const { add } = await import('#engine/ops/elementwise.ts');
  const x = input('x', [2]);
  await using program = await compile({ y: add(x, x) });
  program.bind('x', Float32Array.of(1, 2));
  await program.run();
  if (program.float32('y')[1] !== 4) throw new Error('the program did not run');
`;

test('running a program leaves no device id and no database of events in the user’s cache', async () => {
  assert.deepEqual(await leftBehind('ours', COMPILES), []);
});

test(
  'the check above would notice: the runtime alone leaves both',
  { skip: process.platform !== 'linux' },
  async () => {
    const alone = `
    const { InferenceSession } = (await import('onnxruntime-node')).default;
    await InferenceSession.create(new Uint8Array(3)).catch(() => {});
  `;
    const files = await leftBehind('alone', alone);
    assert.ok(
      files.some((file) => file.endsWith('deviceid')),
      files.join(', '),
    );
  },
);

test(
  'a study, its report, export and audit, and the doctor connect to nothing',
  { skip: hasStrace() ? false : 'no strace' },
  () => {
    const store = join(FOLDER, 'store');
    const main = join(ROOT, 'src/cli/main.ts');
    const exported = join(FOLDER, 'exported');
    for (const [name = '', ...args] of [
      ['run', 'run', TOY, '--store', store, '--set', 'spins=10', '--workers', '2', '--seeds', '5'],
      ['report', 'report', TOY, '--store', store],
      ['export', 'export', TOY, '--store', store, '--out', exported],
      ['audit', 'audit', join(exported, 'trajectories.csv'), '--out', join(FOLDER, 'audited')],
      ['doctor', 'doctor', '--store', store],
    ])
      assert.deepEqual(attempts(name, [process.execPath, main, ...args]), [], `assay ${args.join(' ')}`);
  },
);

test('npm start and npm test ask npm’s registry for nothing', { skip: hasStrace() ? false : 'no strace' }, () => {
  // What npm does is the same for every script; this one is over in a second.
  assert.deepEqual(attempts('npm', ['npm', 'run', 'assay', '--', 'list']), []);
});

/** The calls by which a command, run by a new user, tried to reach an address of the internet. */
function attempts(name: string, command: readonly string[]): string[] {
  const trace = join(FOLDER, `${name}.trace`);
  const args = ['-f', '-e', 'trace=connect,sendto,sendmsg,sendmmsg', '-o', trace, ...command];
  execFileSync('strace', args, { stdio: 'pipe', cwd: ROOT, env: newUser(`${name}-home`).env });
  const calls = readFileSync(trace, 'utf8').split('\n');
  return calls.filter((line) => line.includes('sa_family=AF_INET'));
}

function hasStrace(): boolean {
  try {
    execFileSync('strace', ['-f', '-o', '/dev/null', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
