/** The chat service against a real HTTP server that misbehaves in every way endpoints do. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import type { ChatReply, ChatRequest } from '#base/chat.ts';

import { chatService, type Patience } from './chat-service.ts';
import { keyToSend, withLeave } from './judge-keys.ts';

const KEY = 'sk-secret-0123456789';
/** The servers here are on this machine, at any port. */
const envOf = (url: string, key = KEY): Record<string, string> => ({
  ASSAY_TEST_KEY: key,
  ASSAY_ALLOWED_ENDPOINTS: url,
});
const PATIENCE: Patience = { tries: 3, timeoutMs: 60_000, firstDelayMs: 1, mostDelayMs: 5 };
const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** A server that answers as told; `url` is its API. */
async function serve(answer: Answer) {
  let count = 0;
  const bodies: unknown[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      bodies.push(JSON.parse(text));
      answer(request, response, ++count);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    count: () => count,
    bodies,
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function say(response: ServerResponse, content: string | null, more: object = {}): void {
  const message = { role: 'assistant', content, ...more };
  response.end(JSON.stringify({ choices: [{ message }], usage: { prompt_tokens: 11, completion_tokens: 2 } }));
}

function newStore(): string {
  const folder = mkdtempSync(join(tmpdir(), 'assay-chat-'));
  folders.push(folder);
  return folder;
}

function requestTo(url: string, over: Partial<ChatRequest> = {}): ChatRequest {
  return {
    url,
    keyVariable: 'ASSAY_TEST_KEY',
    body: { model: 'm', messages: [{ role: 'user', content: 'Hi' }] },
    ...over,
  };
}

async function ask(
  answer: Answer,
  over: Partial<ChatRequest> = {},
  folder = newStore(),
  timeoutMs = PATIENCE.timeoutMs,
): Promise<{ reply: ChatReply; count: number }> {
  await using server = await serve(answer);
  const reply = await chatService(folder, envOf(server.url), { ...PATIENCE, timeoutMs })(requestTo(server.url, over));
  return { reply, count: server.count() };
}

test('a question is asked once a store: the answer is kept, with its tokens, and the key is in the header alone', async () => {
  const folder = newStore();
  const headers: (string | undefined)[] = [];
  await using server = await serve((request, response) => {
    headers.push(request.headers.authorization);
    assert.equal(request.url, '/v1/chat/completions');
    say(response, '87');
  });
  const chat = chatService(folder, envOf(server.url, `${KEY}\n`), PATIENCE);
  const first = await chat(requestTo(server.url));
  assert.deepEqual(first, { kind: 'reply', text: '87', isCached: false, promptTokens: 11, completionTokens: 2 });
  const again = chatService(folder, {}, PATIENCE);
  assert.deepEqual(await again(requestTo(server.url)), { ...first, isCached: true });
  assert.equal(server.count(), 1);
  assert.deepEqual(headers, [`Bearer ${KEY}`]);
  const other = await chat(requestTo(server.url, { body: { model: 'other' } }));
  assert.equal(other.kind === 'reply' && other.isCached, false, 'another body is another question');
  const fresh = await chat(requestTo(server.url, { isFresh: true }));
  assert.equal(fresh.kind === 'reply' && fresh.isCached, false);
  assert.equal(server.count(), 3);
  for (const name of readdirSync(join(folder, 'judge-answers'))) {
    assert.ok(!readFileSync(join(folder, 'judge-answers', name), 'utf8').includes(KEY));
    writeFileSync(join(folder, 'judge-answers', name), '{"text":');
  }
  await chat(requestTo(server.url));
  assert.equal(server.count(), 4, 'a damaged answer is asked for again');
});

test('each draw of a question is asked and kept for itself', async () => {
  await using server = await serve((_, response, count) => say(response, String(count)));
  const chat = chatService(newStore(), envOf(server.url), PATIENCE);
  const ask = async (draw?: number): Promise<string> => {
    const reply = await chat({
      url: server.url,
      keyVariable: '',
      body: { model: 'm' },
      ...(draw !== undefined && { draw }),
    });
    return reply.kind === 'reply' ? reply.text : reply.reason;
  };
  assert.deepEqual([await ask(), await ask(0), await ask(1), await ask(2), await ask(1)], ['1', '1', '2', '3', '2']);
});

test('an answer that was changed, put in another’s place or never sealed is no answer: it is asked for again', async () => {
  const folder = newStore();
  await using server = await serve((_request, response) => say(response, '87'));
  const chat = chatService(folder, envOf(server.url), PATIENCE);
  await chat(requestTo(server.url));
  const [name = ''] = readdirSync(join(folder, 'judge-answers'));
  const path = join(folder, 'judge-answers', name);
  const kept = readFileSync(path, 'utf8');
  await chat(requestTo(server.url, { body: { model: 'other' } }));
  const other = readdirSync(join(folder, 'judge-answers')).find((one) => one !== name) ?? '';
  const damages = [
    kept.replace('"87"', '"17"'),
    kept.replace('"seal"', '"sfal"'),
    kept.replace('"promptTokens":11', '"promptTokens":12'),
    readFileSync(join(folder, 'judge-answers', other), 'utf8'),
    '{"text":"17","promptTokens":11,"completionTokens":2}',
  ];
  for (const damage of damages) {
    assert.notEqual(damage, kept);
    writeFileSync(path, damage);
    const asked = server.count();
    const reply = await chat(requestTo(server.url));
    assert.equal(reply.kind === 'reply' && reply.text, '87', damage);
    assert.equal(server.count(), asked + 1, damage);
  }
  assert.equal(readFileSync(path, 'utf8'), kept);
});

test('equal questions asked at once are one request', async () => {
  await using server = await serve((_request, response) => setTimeout(() => say(response, '1'), 20));
  const chat = chatService(newStore(), envOf(server.url), PATIENCE);
  await Promise.all([1, 2, 3].map(async () => chat(requestTo(server.url))));
  assert.equal(server.count(), 1);
});

const PASSING: readonly (readonly [string, Answer])[] = [
  ['429', (_request, response) => void response.writeHead(429, { 'retry-after': '0' }).end('slow down')],
  ['500', (_request, response) => void response.writeHead(500).end('oops')],
  ['a hang', () => {}],
  ['a broken connection', (request) => void request.socket.destroy()],
  ['malformed JSON', (_request, response) => void response.end('{"choices": [')],
  ['JSON that is no completion', (_request, response) => void response.end('{"choices": []}')],
];

for (const [what, misbehave] of PASSING) {
  test(`${what} is tried again, and ends as a failure with its reason when it stays`, async () => {
    // A hang is waited out: long where the second try must be in time on a busy machine, short where all hang.
    const [longMs, shortMs] = what === 'a hang' ? [3000, 50] : [PATIENCE.timeoutMs, PATIENCE.timeoutMs];
    const mended: Answer = (request, response, count) =>
      count === 1 ? misbehave(request, response, count) : say(response, '5');
    const once = await ask(mended, {}, newStore(), longMs);
    assert.deepEqual([once.reply.kind, once.count], ['reply', 2]);
    const folder = newStore();
    const always = await ask(misbehave, {}, folder, shortMs);
    assert.deepEqual([always.reply.kind, always.count], ['failed', PATIENCE.tries]);
    assert.ok(always.reply.kind === 'failed' && always.reply.reason.endsWith('(3 tries)'));
    assert.deepEqual(readdirSync(folder), [], 'a failure is not kept');
  });
}

test('a wrong key is not tried again, and a server that repeats the key does not spread it', async () => {
  const { reply, count } = await ask((request, response) => {
    response.writeHead(401).end(`{"error": "Incorrect key: ${request.headers.authorization}"}`);
  });
  assert.deepEqual([reply.kind, count], ['failed', 1]);
  assert.ok(
    reply.kind === 'failed' && reply.reason.includes('status 401') && !reply.reason.includes(KEY),
    JSON.stringify(reply),
  );
});

test('of a key that a server repeats at any place of a long error, no part of eight characters is shown', async () => {
  for (let before = 0; before < 300; before += 7) {
    const page = `{"error": "${'x'.repeat(before)}${KEY} and ${KEY.slice(3, 15)}, ${encodeURIComponent(KEY)}"}`;
    const { reply } = await ask((_request, response) => void response.writeHead(401).end(page));
    const reason = reply.kind === 'failed' ? reply.reason : '';
    assert.match(reason, /^status 401: /);
    for (let at = 0; at + 8 <= KEY.length; at++) assert.ok(!reason.includes(KEY.slice(at, at + 8)), reason);
  }
});

test('a key of fewer than eight characters is refused: taken out of answers, it would corrupt scores', async () => {
  await using server = await serve((_request, response) => say(response, '87'));
  const reply = await chatService(newStore(), envOf(server.url, '87'), PATIENCE)(requestTo(server.url));
  assert.ok(reply.kind === 'failed' && reply.reason.includes('fewer than 8 characters'), JSON.stringify(reply));
  assert.equal(server.count(), 0);
});

test('only variables made for keys are sent, unless the user names another', async () => {
  await using server = await serve((request, response) => say(response, request.headers.authorization ?? ''));
  const endpoint = { ASSAY_ALLOWED_ENDPOINTS: server.url };
  const secret = {
    ...endpoint,
    AWS_SECRET_ACCESS_KEY: KEY,
    HF_TOKEN: KEY,
    OPENAI_API_KEY: KEY,
    PATH: '/usr/local/bin',
  };
  const askFor = async (keyVariable: string, environment: Record<string, string>) =>
    chatService(newStore(), environment, PATIENCE)(requestTo(server.url, { keyVariable }));
  for (const name of ['AWS_SECRET_ACCESS_KEY', 'HF_TOKEN', 'PATH', 'ASSAY_ALLOWED_KEYS', '__proto__', 'constructor']) {
    const reply = await askFor(name, secret);
    assert.ok(reply.kind === 'failed' && reply.reason.includes(`--allow-key ${name}`), JSON.stringify(reply));
  }
  assert.equal(server.count(), 0);
  assert.equal((await askFor('OPENAI_API_KEY', secret)).kind, 'reply');
  const allowed = { ...secret, ...withLeave(secret, { keys: ['HF_TOKEN'], endpoints: [] }) };
  assert.equal((await askFor('HF_TOKEN', allowed)).kind, 'reply');
  assert.equal((await askFor('AWS_SECRET_ACCESS_KEY', allowed)).kind, 'failed');
});

test('a key goes to its provider’s own address, or to one that the user has named; not to one that looks like it', () => {
  const environment = { OPENAI_API_KEY: KEY, ASSAY_MY_KEY: KEY, AZURE_OPENAI_API_KEY: KEY };
  const kindOf = (variable: string, url: string, more: Record<string, string> = {}): string =>
    keyToSend(variable, url, { ...environment, ...more }).kind;
  assert.equal(kindOf('OPENAI_API_KEY', 'https://api.openai.com/v1'), 'key');
  for (const url of [
    'http://api.openai.com/v1',
    'https://api.openai.com.evil.example/v1',
    'https://api.openai.com@evil.example/v1',
    'https://api.openai.com:8443/v1',
    'https://evil.example/https://api.openai.com',
    'http://127.0.0.1:8000/v1',
    'https://api.anthropic.com/v1',
    'no address',
    '',
  ]) {
    const answer = keyToSend('OPENAI_API_KEY', url, environment);
    assert.ok(answer.kind === 'refused' && answer.reason.includes('--allow-endpoint'), url);
    assert.ok(!answer.reason.includes(KEY));
  }
  // Anybody can have an address at Azure, and a key of the user's own has no provider.
  assert.equal(kindOf('AZURE_OPENAI_API_KEY', 'https://x.openai.azure.com/v1'), 'refused');
  assert.equal(kindOf('ASSAY_MY_KEY', 'https://api.openai.com/v1'), 'refused');
  const leave = withLeave(
    { ASSAY_ALLOWED_ENDPOINTS: 'http://mine:1' },
    { keys: [], endpoints: ['https://judge.example/v1'] },
  );
  assert.deepEqual(leave, { ASSAY_ALLOWED_ENDPOINTS: 'http://mine:1,https://judge.example' });
  for (const url of ['https://judge.example/v1', 'http://mine:1/v2'])
    assert.equal(kindOf('ASSAY_MY_KEY', url, leave), 'key');
  assert.equal(kindOf('ASSAY_MY_KEY', 'http://judge.example/v1', leave), 'refused');
});

test('an answer without end is left at the limit, and not asked for again', async () => {
  let sent = 0;
  const chunk = 'x'.repeat(1 << 16);
  const { reply, count } = await ask((_request, response) => {
    const more = (): void => {
      if (response.destroyed || sent > 1 << 28) return void response.end();
      sent += chunk.length;
      response.write(chunk, () => setImmediate(more));
    };
    more();
  });
  assert.ok(reply.kind === 'failed' && reply.reason.includes('at most 1048576 bytes'), JSON.stringify(reply));
  assert.equal(count, 1);
  assert.ok(sent < 1 << 26, `${sent} bytes were taken`);
});

test('a key that an answer repeats is kept out of it', async () => {
  const folder = newStore();
  const { reply } = await ask((request, response) => say(response, `${request.headers.authorization}`), {}, folder);
  assert.equal(reply.kind === 'reply' && reply.text, 'Bearer [key]');
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    assert.ok(!file.endsWith('.json') || !readFileSync(join(folder, file), 'utf8').includes(KEY), file);
  }
});

test('a redirect is not followed: it would carry the key elsewhere', async () => {
  const { reply } = await ask((_request, response) => {
    response.writeHead(307, { location: 'http://127.0.0.1:1/elsewhere' }).end();
  });
  assert.equal(reply.kind, 'failed');
});

test('a refusal is an answer: the text of it', async () => {
  const { reply } = await ask((_request, response) => say(response, null, { refusal: 'I will not.' }));
  assert.equal(reply.kind === 'reply' && reply.text, 'I will not.');
});

test('a key that is not set is a failure with the variable’s name; none is sent where none is named', async () => {
  const missing = await chatService(
    newStore(),
    { ASSAY_ALLOWED_ENDPOINTS: 'http://127.0.0.1:1' },
    PATIENCE,
  )(requestTo('http://127.0.0.1:1/v1'));
  assert.deepEqual(missing, {
    kind: 'failed',
    reason: 'the environment variable ASSAY_TEST_KEY, which holds the key, is not set',
  });
  const { reply } = await ask(
    (request, response) => say(response, request.headers.authorization === undefined ? '1' : '0'),
    { keyVariable: '' },
  );
  assert.equal(reply.kind === 'reply' && reply.text, '1');
});

test('an endpoint that is not there fails; an abort is thrown', async () => {
  const reply = await chatService(
    newStore(),
    envOf('http://127.0.0.1:1'),
    PATIENCE,
  )(requestTo('http://127.0.0.1:1/v1'));
  assert.equal(reply.kind, 'failed');
  await using server = await serve(() => {});
  const stop = new AbortController();
  const asking = chatService(newStore(), envOf(server.url), { ...PATIENCE, timeoutMs: 60_000 })(
    requestTo(server.url, { signal: stop.signal }),
  );
  stop.abort(new Error('stopped'));
  await assert.rejects(asking, /stopped/);
});
