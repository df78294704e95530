/** A hub, or somebody it sends us to, that wants the user's token, memory or time. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { fetchModel } from './hub.ts';

const ROOT = mkdtempSync(join(tmpdir(), 'assay-hostile-hub-'));
const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const MODEL = { name: 'org/tiny', revision: 'main' };
const TOKEN = 'hf_secret';
const CONFIG = Buffer.from('{}');

after(() => rmSync(ROOT, { recursive: true }));

/** A server with its requests' authorizations. */
async function serve(answer: (path: string, response: ServerResponse, request: IncomingMessage) => void) {
  const tokens: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    tokens.push(request.headers.authorization);
    answer(request.url ?? '', response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    tokens,
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A hub that is as it should be but for its list of files, and for how it sends them. */
async function hubWith(
  list: (response: ServerResponse, url: string) => void,
  file?: (response: ServerResponse) => void,
) {
  const hub = await serve((path, response) => {
    const json = (value: unknown): void => void response.end(JSON.stringify(value));
    if (path.includes('/tree/')) list(response, hub.url);
    else if (path.includes('/resolve/') && file !== undefined) file(response);
    else json({ _id: '1', id: MODEL.name, sha: COMMIT, lastModified: '2024-01-01T00:00:00Z' });
  });
  return hub;
}

let folders = 0;

async function fetchFrom(hubUrl: string): Promise<string> {
  return fetchModel(MODEL, { cacheDir: join(ROOT, String(++folders)), hubUrl, token: TOKEN });
}

test('a list that goes on at another address is refused: nobody there is asked, or told the token', async () => {
  await using thief = await serve((_path, response) => void response.end('[]'));
  for (const header of [
    `<${thief.url}/more>; rel="next"`,
    `<${thief.url.replace('127.0.0.1', 'localhost')}>; rel="next"`,
  ]) {
    await using hub = await hubWith((response) => void response.writeHead(200, { link: header }).end('[]'));
    await assert.rejects(fetchFrom(hub.url), /expected its list of files to go on at the same address, found that/);
  }
  assert.deepEqual(thief.tokens, []);
});

test('a redirect elsewhere, of a list or a file, goes without the token', async () => {
  const oid = createHash('sha1').update(`blob ${CONFIG.byteLength}\0`).update(CONFIG).digest('hex');
  const files = ['config.json', 'model.safetensors'].map((path) => ({
    type: 'file',
    path,
    size: CONFIG.byteLength,
    oid,
  }));
  await using elsewhere = await serve(
    (path, response) => void response.end(path === '/list' ? JSON.stringify(files) : CONFIG),
  );
  const to = (path: string) => (response: ServerResponse) =>
    void response.writeHead(302, { location: `${elsewhere.url}${path}` }).end();
  await using hub = await hubWith(to('/list'), to('/file'));
  await fetchFrom(hub.url);
  assert.ok(elsewhere.tokens.length >= 2);
  assert.ok(elsewhere.tokens.every((token) => token === undefined));
  assert.ok(hub.tokens.every((token) => token === `Bearer ${TOKEN}`));
});

test('a list without end ends', async () => {
  let pages = 0;
  await using hub = await hubWith((response, url) => {
    const link = `<${url}/api/models/org/tiny/tree/${COMMIT}?cursor=${++pages}>; rel="next"`;
    response.writeHead(200, { link }).end('[]');
  });
  await assert.rejects(fetchFrom(hub.url), /expected a list of files of at most 100 pages, found that it goes on/);
  assert.equal(pages, 100);
});

test('a page without end is left', async () => {
  let sent = 0;
  await using hub = await hubWith((response) => {
    const more = (): void => {
      if (response.destroyed || sent > 1 << 28) return void response.end();
      sent += 1 << 16;
      response.write(' '.repeat(1 << 16), () => setImmediate(more));
    };
    more();
  });
  await assert.rejects(fetchFrom(hub.url), /expected pages of at most 16777216 bytes, found a longer one/);
  assert.ok(sent < 1 << 26, `${sent} bytes were taken`);
});
