/** Two processes that want one model at the same time, from a hub on this machine that sends slowly. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { newFolder } from './command.ts';
import { CHUNK_BYTES, COMMIT, CONTENTS, smallHub, WEIGHTS } from './small-hub.ts';

const ROOT = newFolder('shared-download');
const CHILD = join(import.meta.dirname, 'hub-child.ts');
const LOOK_MS = 50;
const PATIENT_MS = 60_000;
after(() => rmSync(ROOT, { recursive: true }));

interface Fetching {
  readonly process: ChildProcess;
  readonly ended: Promise<{ readonly status: number | string; readonly said: string }>;
}

function fetching(hub: string, cache: string, silentMs = PATIENT_MS): Fetching {
  const args = [CHILD, hub, cache, String(LOOK_MS), String(silentMs)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<{ status: number | string; said: string }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ status: code ?? signal ?? '', said }));
  });
  return { process: child, ended };
}

/** What is on disk of the weights while they arrive. */
async function arrived(cache: string, bytes: number): Promise<void> {
  const blobs = join(cache, 'models--org--tiny/blobs');
  for (;;) {
    const sizes = namesIn(blobs)
      .filter((name) => name.endsWith('.incomplete'))
      .map((name) => readFileSync(join(blobs, name)).length);
    if (sizes.some((size) => size >= bytes)) return;
    await sleep(10);
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The weights are whole in the cache, and nothing partial is left. */
function assertWhole(cache: string): void {
  const content = readFileSync(join(cache, 'models--org--tiny/snapshots', COMMIT, WEIGHTS));
  assert.ok(content.equals(CONTENTS.get(WEIGHTS) ?? Buffer.alloc(0)));
  assert.deepEqual(
    namesIn(join(cache, 'models--org--tiny/blobs')).filter((name) => name.includes('incomplete')),
    [],
  );
}

test('two processes that want one model send for it once: the second waits, says so, and uses it', async () => {
  await using hub = await smallHub(40);
  const cache = join(ROOT, 'together');
  const first = fetching(hub.url, cache);
  await arrived(cache, CHUNK_BYTES);
  const second = fetching(hub.url, cache);
  const [one, other] = await Promise.all([first.ended, second.ended]);
  assert.equal(one.status, 0, one.said);
  assert.equal(other.status, 0, other.said);
  assert.match(other.said, new RegExp(`waits for ${WEIGHTS} of ${first.process.pid} on `));
  assert.deepEqual(hub.asked, [0]);
  assertWhole(cache);
});

test('the first is killed: the second takes over and goes on where it stopped', async () => {
  await using hub = await smallHub(40);
  const cache = join(ROOT, 'killed');
  const first = fetching(hub.url, cache);
  await arrived(cache, CHUNK_BYTES);
  const second = fetching(hub.url, cache);
  await arrived(cache, 3 * CHUNK_BYTES);
  first.process.kill('SIGKILL');
  await first.ended;
  hub.hurry();
  const { status, said } = await second.ended;
  assert.equal(status, 0, said);
  const [start, resumed = 0, ...more] = hub.asked;
  assert.equal(start, 0);
  assert.ok(resumed >= 3 * CHUNK_BYTES, `went on from byte ${resumed}`);
  assert.deepEqual(more, []);
  assertWhole(cache);
});

test('the first is stopped: the second does not wait for ever, and does not write into its file', async () => {
  await using hub = await smallHub(40);
  const cache = join(ROOT, 'stopped');
  const first = fetching(hub.url, cache);
  await arrived(cache, CHUNK_BYTES);
  first.process.kill('SIGSTOP');
  const second = fetching(hub.url, cache, 1000);
  const { status, said } = await second.ended;
  assert.equal(status, 0, said);
  assert.deepEqual(hub.asked, [0, 0]);
  first.process.kill('SIGCONT');
  const one = await first.ended;
  assert.equal(one.status, 0, one.said);
  assertWhole(cache);
});
