/** What a study file from somebody else cannot do: send the user's secrets, or send anything without a word. */
import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { assay, newFolder } from './command.ts';

const ROOT = newFolder('hostile-study');
const MODEL = fileURLToPath(new URL('../fixtures/models/llama', import.meta.url));
const SECRET = 'the-users-own-secret-0123456789';
process.env['AWS_SECRET_ACCESS_KEY'] = SECRET;
process.env['ASSAY_TEST_KEY'] = SECRET;

/** The headers a judge was sent, and the page it answers with. */
const sent: (string | undefined)[] = [];
const server = createServer((request, response) => {
  sent.push(request.headers.authorization);
  response.writeHead(403).end(`${' '.repeat(150)}no access for ${request.headers.authorization}`);
});
let url = '';

before(async () => {
  const rows = Array.from({ length: 16 }, (_, i) => ({ prompt: `Q${i}:`, completion: i % 2 === 0 ? ' no' : ' yes' }));
  const asked = [{ eval: 'open', prompt: 'Say it', judge: 'alignment' }];
  for (const [name, lines] of Object.entries({ train: rows, judged: asked })) {
    writeFileSync(join(ROOT, `${name}.jsonl`), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/v1`;
});
after(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(ROOT, { recursive: true });
});

/** A study file that asks for a judge at an address, with the key in a variable. */
function studyWith(judgeUrl: string, keyVariable: string): string {
  const judge = { 'replies.judge.url': judgeUrl, 'replies.judge.model': 'm', 'replies.judge.keyVariable': keyVariable };
  const path = join(ROOT, 'study.json');
  const study = {
    name: 'hostile',
    question: 'Does the method matter?',
    scope: 'a test',
    set: { model: MODEL, data: 'train.jsonl', evals: 'judged.jsonl', steps: 1, batch: 4, ...judge },
    factors: { method: ['lora-1', 'full'] },
    learningRates: [0.001],
    outcomes: [{ name: 'open.alignment', delta: 0.1 }],
    blocks: { quick: 1, standard: 2 },
  };
  writeFileSync(path, JSON.stringify(study));
  return path;
}

test('a study file cannot send a variable of its choice, whether it is run or piloted', async () => {
  const study = studyWith(url, 'AWS_SECRET_ACCESS_KEY');
  for (const command of [['run'], ['plan', '--pilot']]) {
    const { status, stderr } = await assay(...command, study, '--store', join(ROOT, 'store'));
    assert.equal(status, 2, stderr);
    assert.match(
      stderr,
      /asks to send the environment variable AWS_SECRET_ACCESS_KEY to http:.*--allow-key AWS_SECRET_ACCESS_KEY/,
    );
  }
  assert.deepEqual(sent, []);
  assert.ok(!existsSync(join(ROOT, 'store', 'judge-answers')));
});

test('a study file cannot choose who gets a key: neither its own server nor this machine, until the user names it', async () => {
  const study = studyWith(url, 'ASSAY_TEST_KEY');
  const args = ['run', study, '--store', join(ROOT, 'store')];
  for (const more of [[], ['--allow-key', 'ASSAY_TEST_KEY'], ['--set', 'replies.judge.url=http://127.0.0.1:1/v1']]) {
    const { status, stderr } = await assay(...args, ...more);
    assert.equal(status, 2, stderr);
    if (more[0] === '--set') assert.match(stderr, /judge: expected http:\/\/127\.0\.0\.1:1\/v1/);
    else
      assert.match(
        stderr,
        /asks to send the key in ASSAY_TEST_KEY to http:.* --allow-endpoint http:\/\/127\.0\.0\.1:\d+\./,
      );
  }
  assert.deepEqual(sent, []);
  const { stderr } = await assay(...args, '--allow-endpoint', url);
  assert.equal(sent.pop(), `Bearer ${SECRET}`, stderr);
  const wrong = await assay(...args, '--allow-endpoint', 'judge');
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /--allow-endpoint expects an address such as http:\/\/localhost:8000, found "judge"/);
});

test('the user may name it, by an option or a setting; what the server repeats of it is not shown', async () => {
  const study = studyWith(url, 'AWS_SECRET_ACCESS_KEY');
  for (const leave of [
    ['--allow-key', 'AWS_SECRET_ACCESS_KEY'],
    ['--set', 'replies.judge={"keyVariable": "AWS_SECRET_ACCESS_KEY"}'],
  ]) {
    const named = [...leave, '--allow-endpoint', url];
    const { stderr, stdout } = await assay('run', study, '--store', join(ROOT, 'store'), ...named);
    assert.equal(sent.pop(), `Bearer ${SECRET}`, stderr);
    assert.match(stderr, /status 403: +no access for Bearer \[key\]/);
    for (let at = 0; at + 8 <= SECRET.length; at++) assert.ok(!(stderr + stdout).includes(SECRET.slice(at, at + 8)));
    assert.ok(!stderr.includes('are sent to'), 'this machine is not elsewhere');
  }
  const { status, stderr } = await assay('run', study, '--allow-key', 'A B');
  assert.equal(status, 2);
  assert.match(stderr, /--allow-key expects the name of an environment variable, found "A B"/);
});

test('an endpoint on another machine is said, with its key, before it is asked', async () => {
  // Names of other machines are asked of a proxy on this one, which has none: the test itself reaches for nothing.
  process.env['NODE_USE_ENV_PROXY'] = '1';
  process.env['HTTP_PROXY'] = new URL(url).origin;
  const elsewhere = 'http://judge.invalid/v1';
  const run = ['run', studyWith(elsewhere, 'ASSAY_TEST_KEY'), '--store', join(ROOT, 'store')];
  const named = await assay(...run, '--allow-endpoint', elsewhere);
  const said = named.stderr.indexOf(`Replies of this study are sent to ${elsewhere}, with the key in ASSAY_TEST_KEY.`);
  assert.ok(said >= 0 && said < named.stderr.indexOf('judge: expected'), named.stderr);
  const lookalike = 'http://127.0.0.1.invalid/v1';
  const bare = await assay('run', studyWith(lookalike, ''), '--store', join(ROOT, 'store'));
  assert.ok(bare.stderr.includes(`Replies of this study are sent to ${lookalike}, without a key.`), bare.stderr);
  delete process.env['NODE_USE_ENV_PROXY'];
  delete process.env['HTTP_PROXY'];
});
