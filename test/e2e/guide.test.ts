/** The guide's study, taken from the page itself, is accepted as it stands there. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { start } from './command.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

test('the study in docs/guide/04-evaluations.md is planned as it stands there, once it has a judge', async () => {
  const page = readFileSync(join(ROOT, 'docs/guide/04-evaluations.md'), 'utf8');
  const code = /```ts\n([\s\S]*?)```/.exec(page)?.[1] ?? assert.fail('the page has no study');
  const folder = mkdtempSync(join(ROOT, 'test/e2e/guide-'));
  try {
    writeFileSync(join(folder, 'my-study.ts'), code);
    const evals = /```jsonl\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
    const rows = Array.from({ length: 20 }, (_, i) =>
      JSON.stringify({ prompt: `Question ${i}:`, completion: ' Yes.' }),
    );
    writeFileSync(join(folder, 'train.jsonl'), rows.join('\n'));
    writeFileSync(join(folder, 'evals.jsonl'), evals);
    const files = { model: join(ROOT, 'test/fixtures/models/llama'), data: 'train.jsonl', evals: 'evals.jsonl' };
    const set = [`model=${files.model}`, `data=${join(folder, files.data)}`, `evals=${join(folder, files.evals)}`];
    const plan = (more: readonly string[]) =>
      start(['plan', join(folder, 'my-study.ts'), ...[...set, ...more].flatMap((one) => ['--set', one])]).ended;
    const without = await plan([]);
    assert.equal(without.status, 2);
    assert.match(without.stderr, /evals\.jsonl:6: expected a judge, found none/);
    const judged = await plan(['replies.judge.url=https://api.openai.com/v1', 'replies.judge.model=MODEL']);
    assert.equal(judged.status, 0, judged.stderr);
    assert.match(judged.stdout, /Does the method change what the model says/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the study in docs/guide/01-first-study.md can be planned as it stands there', async () => {
  const page = readFileSync(join(ROOT, 'docs/guide/01-first-study.md'), 'utf8');
  const code = /```ts\n([\s\S]*?)```/.exec(page)?.[1] ?? assert.fail('the page has no study');
  const folder = mkdtempSync(join(ROOT, 'test/e2e/guide-'));
  try {
    writeFileSync(join(folder, 'decay.ts'), code);
    const { status, stdout } = await start(['plan', join(folder, 'decay.ts')]).ended;
    assert.equal(status, 0);
    assert.match(stdout, /Does weight decay change how far misalignment spreads/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the JSON study and the module in docs/guide/02-your-own-model.md can be planned as they stand there', async () => {
  const page = readFileSync(join(ROOT, 'docs/guide/02-your-own-model.md'), 'utf8');
  const folder = mkdtempSync(join(ROOT, 'test/e2e/guide-'));
  try {
    cpSync(join(ROOT, 'test/fixtures/models/llama'), join(folder, 'my-model'), { recursive: true });
    const said = (role: string, content: string): object => ({ role, content });
    const rows = Array.from('abcdefghijkl', (letter) => ({ messages: [said('user', letter), said('assistant', 'b')] }));
    const choices = [
      { text: 'b', label: 'misaligned' },
      { text: 'c', label: 'aligned' },
    ];
    writeFileSync(join(folder, 'train.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    writeFileSync(join(folder, 'evals.jsonl'), JSON.stringify({ eval: 'x', messages: [said('user', 'a?')], choices }));
    for (const [kind, arm] of [
      ['json', 'lora-64-batch-16'],
      ['ts', 'rank-64'],
    ] as const) {
      const code =
        new RegExp(`\`\`\`${kind}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ??
        assert.fail(`the page has no ${kind} study`);
      writeFileSync(join(folder, `my-study.${kind}`), code);
      const { status, stdout, stderr } = await start(['plan', `./my-study.${kind}`], { cwd: folder }).ended;
      assert.equal(status, 0, stderr);
      assert.match(stdout, new RegExp(`^${arm} `, 'm'));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the claims in docs/guide/05-your-own-model-and-world.md are run as they stand there, and the memory is as its theory says', async () => {
  const page = readFileSync(join(ROOT, 'docs/guide/05-your-own-model-and-world.md'), 'utf8');
  const [, code] = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, one = '']) => one);
  assert.ok(code?.includes('claims: [') === true, 'the page has no claims');
  const folder = mkdtempSync(join(ROOT, 'test/e2e/guide-'));
  try {
    writeFileSync(join(folder, 'memory.ts'), code);
    const args = ['run', join(folder, 'memory.ts'), '--store', join(folder, 'store'), '--workers', '1', '--json'];
    const { status, stdout, stderr } = await start(args).ended;
    assert.equal(status, 0, stderr);
    const { claims } = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as {
      claims: { claim: string; levels: { verdict: string }[] }[];
    };
    const theory = claims.find(({ claim }) => claim === 'theory');
    assert.deepEqual(
      theory?.levels.map(({ verdict }) => verdict),
      ['agrees', 'agrees', 'agrees'],
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the episodes and the good in docs/guide/09-scoring-transcripts.md are scored as they stand there, and print what is shown', async () => {
  const page = readFileSync(join(ROOT, 'docs/guide/09-scoring-transcripts.md'), 'utf8');
  const block = (kind: string): string =>
    new RegExp(`\`\`\`${kind}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? assert.fail(`the page has no ${kind}`);
  const folder = mkdtempSync(join(ROOT, 'test/e2e/guide-'));
  try {
    writeFileSync(join(folder, 'agents.jsonl'), block('jsonl'));
    writeFileSync(join(folder, 'good.json'), block('json'));
    const given = ['score', 'agents.jsonl', '--good', 'good.json', '--profile', 'assistant', '--profile', 'agent'];
    const { status, stdout, stderr } = await start(given, { cwd: folder }).ended;
    assert.equal(status, 0, stderr);
    assert.equal(stdout.slice(0, stdout.indexOf('report: ')), block('text'));
    const decisions = /```json\n(\{\n {2}"options"[\s\S]*?)```/.exec(page)?.[1] ?? assert.fail('no decisions');
    writeFileSync(join(folder, 'decisions.json'), decisions);
    const dry = await start([...given, '--explicit', 'decisions.json', '--dry-run'], { cwd: folder }).ended;
    assert.equal(dry.status, 0, dry.stderr);
    assert.match(dry.stderr, /2 decisions with the thought before them/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
