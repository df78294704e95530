/** What a study of one's own model says before any run where the path leads to none: the same for all of them, in `plan` as in `run`. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { said } from '../../src/cli/said-fixture.ts';
import { builtInNames, findStudy } from '../../src/desk/find-study.ts';
import { newFolder } from './command.ts';

const MODELS = fileURLToPath(new URL('../fixtures/models/', import.meta.url));
const DATA = fileURLToPath(new URL('../../studies/misalignment-real/data/', import.meta.url));
const ROOT = newFolder('model-paths');
after(() => rmSync(ROOT, { recursive: true }));

const place = (name: string): string => join(ROOT, name);
writeFileSync(place('FILE.ts'), 'export {};');
mkdirSync(place('empty'));
mkdirSync(join(place('around'), 'one'), { recursive: true });
writeFileSync(join(place('around'), 'one', 'config.json'), '{}');
cpSync(join(MODELS, 'gpt2'), place('no-tokenizer'), { recursive: true });

/** What else a study asks for. */
const CAPTIONS = place('captions.json');
const PICTURES = place('images');
mkdirSync(PICTURES);
const pairs = Array.from({ length: 4 }, (_, i) => [
  `${i}`,
  { filename: 'a.png', caption: `a ${i}`, negative_caption: `b ${i}` },
]);
writeFileSync(CAPTIONS, JSON.stringify(Object.fromEntries(pairs)));
writeFileSync(join(PICTURES, 'a.png'), '');
const MORE: Readonly<Record<string, readonly string[]>> = {
  finetune: [`data=${DATA}bad-plants.jsonl`, `evals=${DATA}evals-short.jsonl`, 'factors.method=["lora-1","lora-8"]'],
  'binding-benchmark': [`data=${CAPTIONS}`, 'shares=2'],
};
/** Studies of towers: of images and texts. */
const TOWERS: ReadonlySet<string> = new Set(['binding-clip', 'binding-benchmark']);

const names: string[] = [];
for (const name of builtInNames()) {
  const { study } = await findStudy(name);
  if (study.recipe.defaults['model'] === '') names.push(name);
}

async function refused(name: string, model: string): Promise<string> {
  const set = [`model=${model}`, ...(MORE[name] ?? [])].flatMap((one) => ['--set', one]);
  const store = place('never');
  const messages: string[] = [];
  for (const command of ['plan', 'run']) {
    const { status, out, notes } = await said(command, name, ...set, '--seeds', '2', '--store', store);
    assert.equal(status, 2, `${name} ${model}: ${notes}`);
    assert.equal(out, '');
    messages.push(notes);
  }
  assert.equal(existsSync(store), false);
  assert.equal(messages[0], messages[1]);
  return messages[0] ?? '';
}

/** Paths, and what is said of each beside the path. */
const PATHS: readonly (readonly [path: string, found: RegExp])[] = [
  [place('nowhere'), /found nothing there\. Check the path/],
  ['org/name', /found nothing there\..*write hf:\/\/org\/name/],
  ['hf:/org/name', /A hub address begins with hf:\/\/: hf:\/\/org\/name/],
  [place('FILE.ts'), /found another file\. Give a folder/],
  [join(place('around'), 'one', 'config.json'), /Give the folder that holds the file/],
  [place('empty'), /found a folder without config\.json\. The folder is empty/],
  [place('around'), /without config\.json\. Give the folder inside it: .*one/],
  [place('nul\0'), /nul/],
];

test('every study that takes a model is asked, and there are some of each kind', () => {
  assert.ok(names.length >= 6);
  for (const name of [...TOWERS, ...Object.keys(MORE)]) assert.ok(names.includes(name), name);
});

for (const name of names) {
  test(`${name} says before any run that no model is at the path, what may be, and what to do`, async () => {
    for (const [path, found] of PATHS) {
      const message = await refused(name, path);
      assert.match(message, found);
      assert.match(message, TOWERS.has(name) ? /CLIP, SigLIP/ : /Hugging Face folder .*GGUF file or hf:\/\/org\/name/);
      assert.doesNotMatch(message, /ENOENT|ENOTDIR/);
    }
  });
}

test('towers are not read from GGUF files, and say so', async () => {
  for (const name of TOWERS)
    assert.match(await refused(name, join(MODELS, 'llama.gguf')), /GGUF files are not read here/);
});

test('a folder of a language model without a tokenizer is refused before any run, with where one comes from', async () => {
  for (const name of names.filter((one) => !TOWERS.has(one))) {
    const message = await refused(name, place('no-tokenizer'));
    assert.match(message, /expected a tokenizer \(tokenizer\.json\), found none.*save_pretrained/);
  }
});
