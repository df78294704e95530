/** Judged studies from the command line, with a real HTTP server as the judge. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { newFolder, start } from '../e2e/command.ts';
import { EVALS, judge, writeFiles } from './evaluations-files.ts';
import { MODEL } from './finetune-fixture.ts';

const STUDY = fileURLToPath(new URL('evaluations-study.ts', import.meta.url));
const KEY = 'sk-test-9f8e7d6c5b4a';
process.env['ASSAY_TEST_KEY'] = KEY;

/** A judge over HTTP: scores as `judge` does, fails now and then, and repeats the key in what it says. */
async function judgeServer() {
  let count = 0;
  const fail = (response: ServerResponse, key: string): void => {
    response.writeHead(500).end(`bad moment for ${key}`);
  };
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', async () => {
      count++;
      const key = request.headers.authorization ?? 'nobody';
      if (count % 40 === 2) return fail(response, key);
      const reply = await judge({ url: '', keyVariable: '', body: JSON.parse(text) });
      const content = reply.kind === 'reply' ? reply.text : '';
      const usage = { prompt_tokens: 50, completion_tokens: 1 };
      return response.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content } }], usage, key }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/v1`,
    count: () => count,
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function settingsFor(url: string, more: readonly string[] = []): Promise<readonly string[]> {
  const { data, evals } = await writeFiles(EVALS);
  const judgeSet = [
    `replies.judge.url=${url}`,
    'replies.judge.model=judge-1',
    'replies.judge.keyVariable=ASSAY_TEST_KEY',
  ];
  const set = [
    `model=${MODEL}`,
    `data=${data}`,
    `evals=${evals}`,
    'replies.generation.maxTokens=8',
    ...judgeSet,
    ...more,
  ];
  return set.flatMap((one) => ['--set', one]);
}

test('a judged study runs from the command line; its replies lie in the store, and the key lies nowhere', async () => {
  await using server = await judgeServer();
  const store = newFolder('evaluations');
  const args = ['run', STUDY, ...(await settingsFor(server.url)), '--store', store, '--workers', '1', '--json'];
  const { status, stdout, stderr } = await start(args).ended;
  assert.equal(status, 0, stderr);
  assert.deepEqual(JSON.parse(stdout.trim().split('\n').at(-1) ?? '').runs, { finished: 6, diverged: 0, failed: 0 });
  assert.match(stderr, /judge: \d+ questions/);
  const files = globSync('**/*', { cwd: store, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  assert.equal(
    paths.filter((path) => /replies\/lora-\d-lr0\.01-block\d+-[0-9a-f]{12}\/replies-step-\d+\.jsonl$/.test(path))
      .length >= 6,
    true,
  );
  assert.ok(paths.some((path) => path.includes('judge-answers')));
  for (const path of paths) assert.ok(!readFileSync(path).includes(KEY), path);
  assert.ok(!stderr.includes(KEY) && !stdout.includes(KEY));

  const asked = server.count();
  const again = await start(args).ended;
  assert.equal(again.status, 0, again.stderr);
  assert.ok(server.count() - asked <= 2, 'nothing is judged twice');
});

test('without the key, or without the endpoint, a study is refused before any run, and says why', async () => {
  const store = newFolder('evaluations-refused');
  const args = ['--store', store, '--workers', '1', '--json'];
  await using server = await judgeServer();
  const noKey = await settingsFor(server.url, ['replies.judge.keyVariable=ASSAY_NO_SUCH_KEY']);
  const missing = await start(['run', STUDY, ...noKey, ...args]).ended;
  assert.equal(missing.status, 2, missing.stderr);
  assert.match(missing.stderr, /the environment variable ASSAY_NO_SUCH_KEY, which holds the key, is not set/);
  assert.equal(server.count(), 0);
  const gone = await settingsFor('http://127.0.0.1:1/v1');
  const unreachable = await start(['run', STUDY, ...gone, ...args]).ended;
  assert.equal(unreachable.status, 2, unreachable.stderr);
  assert.match(unreachable.stderr, /judge: expected http:\/\/127\.0\.0\.1:1\/v1 .* Nothing was run\./);
  assert.ok(!existsSync(join(store, 'replies')) && !existsSync(join(store, 'shared')));
});
