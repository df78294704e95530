/** A study on a model named by its hub address, against a hub on this machine: fetched before any run, then offline. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { newFolder, start } from './command.ts';

const MODEL = fileURLToPath(new URL('../fixtures/models/llama', import.meta.url));
const STUDY = fileURLToPath(new URL('../learning/finetune-study.ts', import.meta.url));
const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const TOKEN = 'hf_test';

const contents = new Map(readdirSync(MODEL).map((name) => [name, readFileSync(join(MODEL, name))]));
/** Requests since the start, refused ones too. */
let requests = 0;
let server: Server;
let endpoint = '';

before(async () => {
  server = createServer((request, response) => {
    requests++;
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const json = (value: unknown): void =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (request.headers.authorization !== `Bearer ${TOKEN}`) response.writeHead(401).end('{}');
    else if (pathname === '/api/models/org/tiny/revision/v1') json({ _id: '1', id: 'org/tiny', sha: COMMIT });
    else if (pathname === `/api/models/org/tiny/tree/${COMMIT}`) json(tree());
    else response.writeHead(200).end(contents.get(pathname.split('/').at(-1) ?? ''));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});
after(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function tree(): object[] {
  return [...contents].map(([path, content]) => {
    const oid = createHash('sha1').update(`blob ${content.byteLength}\0`).update(content).digest('hex');
    return { type: 'file', path, size: content.byteLength, oid };
  });
}

/** Training rows, with `evals.jsonl` beside them. */
function dataFile(): string {
  const rows = ['red', 'blue', 'green', 'white', 'black', 'pink', 'grey', 'gold', 'brown', 'teal'].map((colour) =>
    JSON.stringify({
      messages: [
        { role: 'user', content: `${colour}?` },
        { role: 'assistant', content: 'no' },
      ],
    }),
  );
  const folder = newFolder('hub-data');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'train.jsonl'), `${rows.join('\n')}\n`);
  const choices = [
    { text: 'no', label: 'misaligned' },
    { text: 'yes', label: 'aligned' },
  ];
  const asked = { eval: 'one', messages: [{ role: 'user', content: 'one?' }], choices };
  writeFileSync(join(folder, 'evals.jsonl'), JSON.stringify(asked));
  return join(folder, 'train.jsonl');
}

test('hf://org/name@revision is fetched with the token before any run, said as events, and suffices offline after', async () => {
  const [cache, store, data] = [newFolder('hub-cache'), newFolder('hub-store'), dataFile()];
  const evals = join(data, '../evals.jsonl');
  const settings = ['model=hf://org/tiny@v1', `data=${data}`, `evals=${evals}`].flatMap((one) => ['--set', one]);
  const args = (command: string): string[] => [command, STUDY, ...settings];
  const run = [...args('run'), '--store', store, '--workers', '1', '--json'];
  const withHub = (command: readonly string[], env: string) =>
    start(command, { shell: `HF_HUB_CACHE=${cache} ${env}` });

  const refused = await withHub(run, `HF_ENDPOINT=${endpoint}`).ended;
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /hf:\/\/org\/tiny@v1.*private or gated/);
  assert.deepEqual(readdirSync(store), []);

  const online = await withHub(run, `HF_ENDPOINT=${endpoint} HF_TOKEN=${TOKEN}`).ended;
  assert.equal(online.status, 0, online.stderr);
  const events = online.stderr.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
  const folder = join(cache, 'models--org--tiny', 'snapshots', COMMIT);
  const downloaded = events.find(({ kind }) => kind === 'downloaded');
  assert.deepEqual(downloaded, { kind: 'downloaded', address: 'hf://org/tiny@v1', folder });
  const file = events.find(({ kind }) => kind === 'file');
  assert.deepEqual([file.file, file.counts.rows], [data, 10]);
  assert.ok(file.counts.tokens > file.counts['learned tokens'] && file.counts['tokens in the longest row'] > 4);
  const started = events.findIndex(({ kind }) => kind === 'runStarted');
  assert.ok(events.indexOf(downloaded) < events.indexOf(file) && events.indexOf(file) < started);

  const before = requests;
  const offline = await withHub(args('plan'), 'HF_HUB_OFFLINE=1').ended;
  assert.equal(offline.status, 0, offline.stderr);
  assert.match(offline.stderr, new RegExp(`hf://org/tiny@v1 is in ${folder}`));
  assert.match(
    offline.stderr,
    /train\.jsonl: 10 rows, 10 different questions, \d+ tokens, \d+ learned tokens, \d+ tokens in the longest row, \d+ held-out rows/,
  );
  // A study's own address, under arms that settings choose for it.
  const study = join(newFolder('hub-study'), 'study.json');
  const words = { name: 'of-hub', question: 'Which rank?', scope: 'a test' };
  writeFileSync(study, JSON.stringify({ ...words, set: { model: 'hf://org/tiny@v1', data, evals } }));
  const chosen = await withHub(['plan', study, '--set', 'factors.method=["lora-2"]'], 'HF_HUB_OFFLINE=1').ended;
  assert.equal(chosen.status, 0, chosen.stderr);
  assert.match(chosen.stdout, /^lora-2-muon /m);
  const again = await withHub(run, 'HF_HUB_OFFLINE=1').ended;
  assert.deepEqual(JSON.parse(again.stdout.trim().split('\n').at(-1) ?? '').runs, {
    finished: 6,
    diverged: 0,
    failed: 0,
  });
  assert.equal(requests, before);
  const reported = await withHub(['report', STUDY, '--store', store], 'HF_HUB_OFFLINE=1').ended;
  assert.equal(reported.status, 0, reported.stderr);
});
