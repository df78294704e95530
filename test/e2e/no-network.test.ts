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
 * What a process leaves in the user's cache, its home being an empty folder. Of the environment only the path is kept: the runtime
 * stays silent where ORT_DISABLE_TELEMETRY, CI, GITHUB_ACTIONS and other names of build machines are set.
 */
async function leftBehind(name: string, code: string): Promise<string[]> {
  const home = join(FOLDER, name);
  mkdirSync(home);
  const env = { PATH: process.env['PATH'], HOME: home, XDG_CACHE_HOME: join(home, '.cache'), TMPDIR: home };
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

test('a study, its report and an audit connect to nothing', { skip: hasStrace() ? false : 'no strace' }, () => {
  const store = join(FOLDER, 'store');
  const main = join(ROOT, 'src/cli/main.ts');
  const exported = join(FOLDER, 'exported');
  for (const [name, ...args] of [
    ['run', 'run', TOY, '--store', store, '--set', 'spins=10', '--workers', '2'],
    ['report', 'report', TOY, '--store', store],
    ['export', 'export', TOY, '--store', store, '--out', exported],
    ['doctor', 'doctor', '--store', store],
  ]) {
    const trace = join(FOLDER, `${name}.trace`);
    const traced = ['-f', '-e', 'trace=connect,sendto,sendmsg', '-o', trace, process.execPath, main, ...args];
    execFileSync('strace', traced, { stdio: 'pipe' });
    const calls = readFileSync(trace, 'utf8')
      .split('\n')
      .filter((line) => line.includes('sa_family=AF_INET'));
    assert.deepEqual(calls, [], `assay ${args.join(' ')}`);
  }
});

function hasStrace(): boolean {
  try {
    execFileSync('strace', ['-f', '-o', '/dev/null', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
