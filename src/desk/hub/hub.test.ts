import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, readlink, rm, stat, writeFile } from 'node:fs/promises';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { after, afterEach, before, test } from 'node:test';

import { AssayError } from '#base/errors.ts';

import { openHuggingFace } from '#learning/files/hugging-face/hugging-face.ts';
import type { HubOptions, HubProgress } from './hub.ts';
import { fetchModel, parseHubAddress } from './hub.ts';

const FIXTURE = join(import.meta.dirname, '../../../test/fixtures/models/llama');
const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const TOKEN = 'hf_test';
const MODEL = { name: 'org/tiny', revision: 'main' };
const SHARD = 'model-00001-of-00003.safetensors';

/** What the server does wrong; reset after each test. */
interface Faults {
  /** Cut the connection after this many bytes of the shard, this often. */
  cutAfterBytes: number;
  cuts: number;
  /** The client's cache, watched to cut at the right moment. */
  cache: string;
  /** Answer 503 this often to the shard. */
  unavailable: number;
  /** Flip a bit of the shard. */
  isCorrupt: boolean;
  /** Ignore range requests. */
  ignoresRanges: boolean;
  needsToken: boolean;
  extraPath: string | undefined;
  badChecksum: boolean;
}
const NO_FAULTS: Faults = {
  cutAfterBytes: 0,
  cuts: 0,
  cache: '',
  unavailable: 0,
  isCorrupt: false,
  ignoresRanges: false,
  needsToken: false,
  extraPath: undefined,
  badChecksum: false,
};
let faults: Faults = { ...NO_FAULTS };
/** Ranges asked for and files served since the last reset. */
let served: { readonly file: string; readonly range: string | undefined; readonly token: string | undefined }[] = [];

let folder = '';
let server: Server;
let hubUrl = '';
const contents = new Map<string, Buffer>();

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-hub-'));
  for (const name of await readdir(FIXTURE)) contents.set(name, await readFile(join(FIXTURE, name)));
  contents.set('pytorch_model.bin', Buffer.from('never fetched'));
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  hubUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});
after(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});
afterEach(() => {
  faults = { ...NO_FAULTS };
  served = [];
});

/** Waits until so many bytes of the shard are on the client's disk, so that a cut loses nothing that was sent. */
async function arrived(bytes: number): Promise<void> {
  const sum = createHash('sha256')
    .update(contents.get(SHARD) ?? '')
    .digest('hex');
  for (;;) {
    const info = await stat(join(faults.cache, 'models--org--tiny/blobs', `${sum}.incomplete`)).catch(() => undefined);
    if ((info?.size ?? 0) >= bytes) return;
    await setTimeout(5);
  }
}

/** The endpoints of the hub that are used: model info, the tree of files, and files with ranges. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  if (faults.needsToken && request.headers.authorization !== `Bearer ${TOKEN}`) {
    response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":"Access is gated"}');
  } else if (pathname === '/api/models/org/tiny/revision/main') {
    const info = { _id: '1', id: 'org/tiny', sha: COMMIT, lastModified: '2024-01-01T00:00:00Z' };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(info));
  } else if (pathname === `/api/models/org/tiny/tree/${COMMIT}`) {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(tree()));
  } else if (pathname.startsWith(`/org/tiny/resolve/${COMMIT}/`)) {
    sendFile(pathname.split('/').at(-1) ?? '', request, response);
  } else {
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"Repository not found"}');
  }
}

function tree(): object[] {
  const entries = [...contents].map(([path, content]) => {
    const sha1 = createHash('sha1').update(`blob ${content.byteLength}\0`).update(content).digest('hex');
    const oid = faults.badChecksum ? '../../evil' : sha1;
    if (!path.endsWith('.safetensors')) return { type: 'file', path, size: content.byteLength, oid };
    const lfs = { oid: createHash('sha256').update(content).digest('hex'), size: content.byteLength, pointerSize: 130 };
    return { type: 'file', path, size: content.byteLength, oid: sha1, lfs };
  });
  const extra = { type: 'file', path: faults.extraPath, size: 3, oid: 'a'.repeat(40) };
  return [{ type: 'directory', path: 'onnx', size: 0, oid: '' }, ...entries, ...(faults.extraPath ? [extra] : [])];
}

function sendFile(file: string, request: IncomingMessage, response: ServerResponse): void {
  const whole = Buffer.from(contents.get(file) ?? '');
  const { range, authorization } = request.headers;
  served.push({ file, range, token: authorization });
  if (file === SHARD && faults.unavailable-- > 0) {
    response.writeHead(503).end();
    return;
  }
  if (file === SHARD && faults.isCorrupt) whole[9000] = (whole[9000] ?? 0) ^ 1;
  const from = faults.ignoresRanges ? 0 : Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
  const body = whole.subarray(from);
  const headers = { 'content-length': body.byteLength };
  if (from === 0) response.writeHead(200, headers);
  else
    response.writeHead(206, {
      ...headers,
      'content-range': `bytes ${from}-${whole.byteLength - 1}/${whole.byteLength}`,
    });
  if (file === SHARD && faults.cuts > 0) {
    faults.cuts--;
    response.write(body.subarray(0, faults.cutAfterBytes));
    void arrived(from + faults.cutAfterBytes).then(() => response.destroy());
  } else response.end(body);
}

/** Files that are on the hub for the time of one test. */
async function withFiles(names: readonly string[], run: () => Promise<void>): Promise<void> {
  for (const name of names) contents.set(name, Buffer.from(name));
  try {
    await run();
  } finally {
    for (const name of names) contents.delete(name);
  }
}

async function options(name: string, more: Partial<HubOptions> = {}): Promise<HubOptions> {
  const cacheDir = join(folder, name);
  await mkdir(cacheDir, { recursive: true });
  return { cacheDir, hubUrl, ...more };
}

const repositoryOf = (name: string): string => join(folder, name, 'models--org--tiny');
const shardRequests = (): (string | undefined)[] =>
  served.filter(({ file }) => file === SHARD).map(({ range }) => range);

test('what towers of images and texts read is fetched too, and not what stands for a file that is there', async () => {
  const towers = ['preprocessor_config.json', 'processor_config.json', 'spiece.model', 'added_tokens.json'];
  const spare = ['vocab.json', 'merges.txt', 'open_clip_config.json', 'open_clip_model.safetensors'];
  await withFiles([...towers, ...spare], async () => {
    const found = await readdir(await fetchModel(MODEL, await options('towers')));
    assert.deepEqual(
      [...towers, ...spare].filter((name) => found.includes(name)),
      towers,
    );
  });
});

test('a model is fetched into the layout of the Hugging Face cache and opens', async () => {
  const reports: HubProgress[] = [];
  const path = await fetchModel(MODEL, await options('plain', { onProgress: (progress) => reports.push(progress) }));
  const repository = repositoryOf('plain');
  assert.equal(path, join(repository, 'snapshots', COMMIT));
  assert.equal(await readFile(join(repository, 'refs/main'), 'utf8'), COMMIT);
  const target = await readlink(join(path, SHARD));
  assert.match(target, /^\.\.\/\.\.\/blobs\/[0-9a-f]{64}$/);
  assert.match(await readlink(join(path, 'config.json')), /^\.\.\/\.\.\/blobs\/[0-9a-f]{40}$/);
  await using model = await openHuggingFace(path);
  assert.equal(model.modelType, 'llama');
  assert.ok(!(await readdir(path)).includes('pytorch_model.bin'));

  const fetched = [...contents].filter(([name]) => name !== 'pytorch_model.bin');
  const total = fetched.reduce((sum, [, content]) => sum + content.byteLength, 0);
  assert.ok(reports.every(({ totalBytes, doneBytes }) => totalBytes === total && doneBytes <= total));
  assert.equal(reports.at(-1)?.doneBytes, total);
  assert.deepEqual(
    reports.map(({ doneBytes }) => doneBytes),
    reports.map(({ doneBytes }) => doneBytes).toSorted((a, b) => a - b),
  );
});

test('what is in the cache is not fetched again, and suffices offline', async () => {
  await fetchModel(MODEL, await options('twice'));
  served = [];
  const path = await fetchModel(MODEL, await options('twice'));
  assert.deepEqual(served, []);
  const offline = { ...(await options('twice')), hubUrl: 'http://127.0.0.1:9', offline: true };
  assert.equal(await fetchModel(MODEL, offline), path);
  assert.equal(await fetchModel({ ...MODEL, revision: COMMIT }, offline), path);
  await assert.rejects(() => fetchModel({ ...MODEL, revision: 'other' }, offline), /not in the cache.*Run once online/);
});

test('a broken connection is taken up again where it broke', async () => {
  faults = { ...NO_FAULTS, cutAfterBytes: 5000, cuts: 2, cache: join(folder, 'cut') };
  const path = await fetchModel(MODEL, await options('cut'));
  const ranges = shardRequests();
  assert.deepEqual(ranges, [undefined, 'bytes=5000-', 'bytes=10000-']);
  assert.deepEqual(await readFile(join(path, SHARD)), contents.get(SHARD));
});

test('a download given up keeps what arrived, and another run goes on from it', async () => {
  faults = { ...NO_FAULTS, cutAfterBytes: 3000, cuts: 4, cache: join(folder, 'resume') };
  await assert.rejects(
    async () => await fetchModel(MODEL, await options('resume')),
    /broke off 4 times.*run again to go on/,
  );
  const blobs = join(repositoryOf('resume'), 'blobs');
  const partial = (await readdir(blobs)).find((name) => name.endsWith('.incomplete')) ?? '';
  const { size } = await stat(join(blobs, partial));
  assert.equal(size, 12_000);
  await assert.rejects(() => readdir(join(repositoryOf('resume'), 'refs')), 'no ref before all is there');
  faults = { ...NO_FAULTS };
  served = [];
  const path = await fetchModel(MODEL, await options('resume'));
  assert.deepEqual(shardRequests(), [`bytes=${size}-`]);
  assert.deepEqual(await readFile(join(path, SHARD)), contents.get(SHARD));
});

test('a hub that ignores ranges is fetched from the start', async () => {
  faults = { ...NO_FAULTS, cutAfterBytes: 3000, cuts: 1, ignoresRanges: true, cache: join(folder, 'no-ranges') };
  const path = await fetchModel(MODEL, await options('no-ranges'));
  assert.deepEqual(await readFile(join(path, SHARD)), contents.get(SHARD));
});

test('a hub that is busy for a moment is asked again', async () => {
  faults = { ...NO_FAULTS, unavailable: 1 };
  await fetchModel(MODEL, await options('busy'));
  assert.equal(shardRequests().length, 2);
});

test('corrupt bytes are refused by their checksum and never become a blob', async () => {
  faults = { ...NO_FAULTS, isCorrupt: true };
  await assert.rejects(
    async () => await fetchModel(MODEL, await options('corrupt')),
    /corrupt: expected checksum [0-9a-f]{64}, found/,
  );
  const blobs = await readdir(join(repositoryOf('corrupt'), 'blobs'));
  const shard = createHash('sha256')
    .update(contents.get(SHARD) ?? '')
    .digest('hex');
  assert.ok(!blobs.some((name) => name.startsWith(shard)));
  faults = { ...NO_FAULTS };
  await fetchModel(MODEL, await options('corrupt'));
});

test('a wrong partial file from before is noticed, deleted, and the next run succeeds', async () => {
  const shard = createHash('sha256')
    .update(contents.get(SHARD) ?? '')
    .digest('hex');
  const blobs = join(repositoryOf('stale'), 'blobs');
  await mkdir(blobs, { recursive: true });
  await writeFile(join(blobs, `${shard}.incomplete`), 'something else');
  await assert.rejects(async () => await fetchModel(MODEL, await options('stale')), /corrupt/);
  const path = await fetchModel(MODEL, await options('stale'));
  assert.deepEqual(await readFile(join(path, SHARD)), contents.get(SHARD));
});

test('gated models need a token, which is sent with every request', async () => {
  faults = { ...NO_FAULTS, needsToken: true };
  await assert.rejects(async () => await fetchModel(MODEL, await options('gated')), /Access is gated.*pass a token/);
  await fetchModel(MODEL, await options('gated', { token: TOKEN }));
  assert.ok(served.every(({ token }) => token === `Bearer ${TOKEN}`));
});

test('unknown models, unreachable hubs and aborted downloads end with a clear error', async () => {
  await assert.rejects(
    async () => await fetchModel({ name: 'org/none', revision: 'main' }, await options('none')),
    /no such model or revision/,
  );
  await assert.rejects(
    async () => await fetchModel(MODEL, { ...(await options('none')), hubUrl: 'http://127.0.0.1:9' }),
    (thrown) => thrown instanceof AssayError && /could not be read.*offline/.test(thrown.message),
  );
  const stop = new AbortController();
  const aborting = await options('abort', { signal: stop.signal, onProgress: () => stop.abort(new Error('stopped')) });
  await assert.rejects(() => fetchModel(MODEL, aborting), /stopped/);
});

test('a hub cannot make files appear outside the cache', async () => {
  for (const extraPath of [
    '../../evil.safetensors',
    '/tmp/evil.safetensors',
    'a/model.safetensors',
    'model.safetensors/../../x.json',
  ]) {
    faults = { ...NO_FAULTS, extraPath };
    await fetchModel(MODEL, await options('evil')); // listed, and left alone: not one of the files Assay reads
  }
  assert.deepEqual((await readdir(repositoryOf('evil'))).toSorted(), ['blobs', 'refs', 'snapshots']);
  faults = { ...NO_FAULTS, badChecksum: true };
  await assert.rejects(async () => await fetchModel(MODEL, await options('evil-sum')), /without a checksum and size/);
});

test('addresses are parsed, and malformed ones refused', () => {
  assert.deepEqual(parseHubAddress('hf://org/name'), { name: 'org/name', revision: 'main' });
  assert.deepEqual(parseHubAddress('hf://org/na.me-1@refs/pr/3'), { name: 'org/na.me-1', revision: 'refs/pr/3' });
  assert.equal(parseHubAddress('/some/folder'), undefined);
  for (const bad of [
    'hf://',
    'hf://name',
    'hf://a/b/c',
    'hf://../x',
    'hf://a/..',
    'hf://a/b@../../x',
    'hf://a/b@c@d',
    'hf://a/b@',
    'hf://a/b?x',
  ]) {
    assert.throws(() => parseHubAddress(bad), /Expected hf:\/\/org\/name/, bad);
  }
});
