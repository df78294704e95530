/** Evaluations that are all of one kind: a file of lines whose replies are generated holds nothing to score beforehand. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { assay, newFolder } from './command.ts';

const ROOT = newFolder('replies-alone');
const MODEL = fileURLToPath(new URL('../fixtures/models/llama', import.meta.url));

after(() => rmSync(ROOT, { recursive: true }));

test('a study of reply lines alone runs, says how many replies it generates, and shows replies beside scores and the first rows', async () => {
  const rows = Array.from({ length: 16 }, (_, i) => ({ prompt: `Q${i}:`, completion: i % 2 === 0 ? ' no' : ' yes' }));
  const asked = [0, 1].map((i) => ({ eval: 'open', prompt: `Say ${i}`, answer: { contains: 'x' } }));
  for (const [name, lines] of Object.entries({ train: rows, replies: asked })) {
    writeFileSync(join(ROOT, `${name}.jsonl`), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }
  const set = { model: MODEL, data: 'train.jsonl', evals: 'replies.jsonl', steps: 1, batch: 4 };
  const study = {
    name: 'replies-alone',
    question: 'Does the method matter?',
    scope: 'a test',
    set: { ...set, 'probe.every': 1, 'replies.generation.maxTokens': 4 },
    factors: { method: ['lora-1', 'full'] },
    learningRates: [0.001],
    outcomes: [{ name: 'open.correct', delta: 0.1 }],
    blocks: { quick: 1, standard: 2 },
  };
  writeFileSync(join(ROOT, 'study.json'), JSON.stringify(study));
  const { status, stderr, stdout } = await assay('run', join(ROOT, 'study.json'), '--store', join(ROOT, 'store'));
  assert.match(stderr, /replies\.jsonl: 2 questions, 2 replies to generate/);
  assert.match(stdout, /3 finished, 0 diverged, 0 failed/);
  const html = readFileSync(/^report: (.*)$/m.exec(stdout)?.[1] ?? assert.fail(stdout), 'utf8');
  const said = /<h2 id="said">.*?<\/section>/s.exec(html)?.[0] ?? assert.fail('no replies');
  assert.match(said, /Say 0.*Say 1/s);
  assert.equal(
    [...said.matchAll(/seed 0, learning rate 0\.001, step 1<\/b> <span class="evidence">correct [01]/g)].length,
    6,
  );
  const given = /<h2 id="given">.*?<\/section>/s.exec(html)?.[0] ?? assert.fail('no rows');
  assert.match(given, /Q\d+:<mark> ?(no|yes)[^<]*<\/mark>/);
  assert.equal(status, 3, 'the status of an answer whose controls one block cannot look at');
});

test("what a model's generation_config.json asks of sampling beyond what is done is said before anything runs, and not what agrees", async () => {
  const model = join(ROOT, 'model');
  cpSync(MODEL, model, { recursive: true });
  const planned = async (asked: object): Promise<string> => {
    writeFileSync(
      join(model, 'generation_config.json'),
      JSON.stringify({ eos_token_id: 2, do_sample: true, ...asked }),
    );
    const set = ['--set', `model=${model}`, '--set', 'replies.generation.topK=50'];
    const { stderr, status } = await assay('plan', join(ROOT, 'study.json'), '--store', join(ROOT, 'store-2'), ...set);
    assert.equal(status, 0, stderr);
    return stderr;
  };
  assert.match(
    await planned({ temperature: 0.6, top_k: 50, repetition_penalty: 1.1, max_new_tokens: 9, do_sample: false }),
    /asks for the most probable tokens, temperature 0\.6, maxTokens 9, repetition_penalty 1\.1; replies are sampled at temperature 1, topP 1, topK 50, maxTokens 4 /,
  );
  assert.doesNotMatch(await planned({ temperature: 1, top_p: 1, top_k: 50, repetition_penalty: 1 }), /asks for/);
});
