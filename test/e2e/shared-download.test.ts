/** Two processes that want one model at the same time, from a hub on this machine that sends slowly. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { newFolder } from './command.ts';

const ROOT = newFolder('shared-download');
const CHILD = join(import.meta.dirname, 'hub-child.ts');
const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const WEIGHTS = 'model.safetensors';
const CONTENTS = new Map([
  ['config.json', Buffer.from('{}')],
  [WEIGHTS, Buffer.alloc(1 << 20, 'weights of a model ')],
]);
const LOOK_MS = 50;
const PATIENT_MS = 60_000;
/** Sent at once, and how long until the next: the whole takes seconds. */
const CHUNK_BYTES = 1 << 15;

after(() => rmSync(ROOT, { recursive: true }));

/** A hub that sends its weights as slowly as it is told, and remembers from which byte it was asked for them. */
async function slowHub(pauseMs: number) {
  const asked: number[] = [];
  const hub = { pauseMs };
  const send = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    asked.push(from);
    const content = CONTENTS.get(WEIGHTS) ?? Buffer.alloc(0);
    const range = { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` };
    response.writeHead(from > 0 ? 206 : 200, from > 0 ? range : {});
    for (let at = from; at < content.length && !response.destroyed; at += CHUNK_BYTES) {
      response.write(content.subarray(at, at + CHUNK_BYTES));
      await sleep(hub.pauseMs);
    }
    response.end();
  };
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    if (path.includes('/tree/')) response.end(JSON.stringify(tree()));
    else if (path.endsWith(WEIGHTS)) void send(request, response);
    else if (path.includes('/resolve/')) response.end(CONTENTS.get('config.json'));
    else response.end(JSON.stringify({ _id: '1', id: 'org/tiny', sha: COMMIT }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    asked,
    hurry: () => (hub.pauseMs = 0),
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function tree(): object[] {
  return [...CONTENTS].map(([path, content]) => {
    const oid = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
    return { type: 'file', path, size: content.length, oid };
  });
}

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
  await using hub = await slowHub(40);
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
  await using hub = await slowHub(40);
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
  await using hub = await slowHub(40);
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
