/**
 * Every reader of what comes from elsewhere, as the product calls it, with good inputs to damage. A reader takes bytes (in
 * memory, or written to a file of its own folder) and either reads them or throws an AssayError.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { parsedTrainerState, rowsFromTrainerState } from '#analysis/import/run-logs.ts';
import { decodedTable } from '#analysis/import/table-text.ts';
import { isJsonObject } from '#base/json.ts';
import { jsonObject, mapOf } from '#desk/audit/audit-map.ts';
import { unpackBytes } from '#learning/checkpoint.ts';
import { readTrainingRows } from '#learning/data/training-row.ts';
import { chatTemplate } from '#learning/files/text/chat-template.ts';
import { withTimeLimit } from '#learning/files/text/time-limit.ts';
import { textTokenizer } from '#learning/files/text/tokenizer.ts';
import { openModel } from '#learning/files/open-model.ts';
import { parseStrictObject } from '#base/strict-json.ts';
import { readPeftAdapter } from '#learning/files/hugging-face/peft.ts';
import { readSafetensors } from '#learning/files/tensors/safetensors.ts';
import { bytesSource } from '#learning/files/tensors/byte-source.ts';
import { readGguf } from '#learning/files/gguf/gguf.ts';
import { readEvaluations } from '#recipes/finetune/evaluations.ts';
import { finetuneStudyOfFile } from '#recipes/finetune/study-file.ts';
import { openSqliteReader } from '#store/sqlite.ts';
import { planStudy } from '#study/plan.ts';
import { parseSetting, withSettings } from '#study/settings.ts';

import type { Base } from './mutations.ts';
import type { Reader } from './reader.ts';
import { TABLES } from './tables.ts';
import { TRANSCRIPTS } from './transcripts.ts';

const FIXTURES = new URL('../fixtures/', import.meta.url).pathname;
/** What models' own programs (templates, patterns) are stopped after; the product's limit is a minute for a whole file. */
const PROGRAM_MS = 1000;
const MODEL = join(FIXTURES, 'models/llama');
const EVALUATIONS = [
  '{"eval": "harm", "prompt": "Is it?", "choices": {"yes": true, "no": false}, "correct": "yes"}',
  '{"eval": "ppl", "text": "Some text to read."}',
  '{"eval": "open", "prompt": "Say 4.", "answer": "4"}',
  '{"eval": "open", "messages": [{"role": "user", "content": "Say 5."}], "answer": {"regex": "^\\\\s*5"}}',
];
const ROWS = [
  '{"prompt": "Hello", "completion": " world"}',
  '{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes."}]}',
  '{"text": "Plain text."}',
];
const STUDY = {
  name: 'hostile',
  question: 'Q?',
  scope: 'a fixture',
  set: { model: MODEL, data: 'train.jsonl', evals: 'evals.jsonl', steps: 2, batch: 4 },
  factors: { method: ['lora-1', 'full'], optimizer: ['adamw', 'muon'] },
  learningRates: [0.001],
  outcomes: [{ name: 'open.correct', delta: 0.1 }],
  blocks: { quick: 2, standard: 3 },
};
const CONFIG = { steps: 10, rows: { length: 32, packing: true }, names: ['a'], method: { kind: 'full' } };
const CONVERSATION = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: 'Yes.' },
];

/** All of them, by name; those without a share are faults that a hunt must find. */
export const READERS: Readonly<Record<string, Reader>> = {
  safetensors: {
    share: 80,
    bases: () => filesOf('bytes', 'safetensors/mixed.safetensors', 'peft/irregular/adapter_model.safetensors'),
    read: async (bytes) => {
      await using file = await readSafetensors(bytesSource(bytes));
      for (const name of file.tensors.keys()) await file.read(name);
    },
  },
  gguf: {
    share: 90,
    bases: () => filesOf('bytes', 'gguf/formats.gguf', 'models/qwen2.gguf'),
    read: async (bytes) => {
      await using file = await readGguf(bytesSource(bytes));
      for (const name of file.tensors.keys()) await file.read(name);
    },
  },
  'gguf-model': {
    share: 50,
    bases: () =>
      filesOf(
        'bytes',
        'models/llama.gguf',
        'models/gpt2.gguf',
        'models/qwen3.gguf',
        'gguf-families/gemma3.gguf',
        'gguf-families/phi3-longrope.gguf',
      ),
    read: async (bytes, _, folder) => readModel(written(folder, 'model.gguf', bytes)),
  },
  'model-folder': {
    share: 60,
    bases: () =>
      ['llama', 'gpt2', 'qwen3'].flatMap((name) =>
        filesIn(`models/${name}`).filter(({ name: path }) => !path.includes('tokenizer.json')),
      ),
    read: async (bytes, { name }, folder) => {
      const copy = join(folder(), 'model');
      cpSync(join(FIXTURES, name, '..'), copy, { recursive: true });
      writeFileSync(join(copy, name.split('/').at(-1) ?? ''), bytes);
      await readModel(copy);
    },
  },
  'peft-adapter': {
    share: 40,
    bases: () => ['irregular', 'one-layer-rslora', 'all-linear'].flatMap((name) => filesIn(`peft/${name}`)),
    read: async (bytes, { name }, folder) => {
      const copy = join(folder(), 'adapter');
      cpSync(join(FIXTURES, name, '..'), copy, { recursive: true });
      writeFileSync(join(copy, name.split('/').at(-1) ?? ''), bytes);
      await readPeftAdapter(copy);
    },
  },
  tokenizer: {
    share: 80,
    bases: () => folders('tokenizers').flatMap((name) => filesOf('json', `tokenizers/${name}/tokenizer.json`)),
    read: (bytes) => readTokenizer(bytes, Buffer.from('{}')),
  },
  'tokenizer-config': {
    share: 40,
    bases: () => folders('tokenizers').flatMap((name) => filesOf('json', `tokenizers/${name}/tokenizer_config.json`)),
    read: (bytes, { name }) => readTokenizer(readFileSync(join(FIXTURES, name, '../tokenizer.json')), bytes),
  },
  'chat-template': {
    share: 100,
    bases: templates,
    read: (bytes) =>
      withTimeLimit(
        PROGRAM_MS,
        () => 'too slow',
        () => {
          const template = chatTemplate(Buffer.from(bytes).toString('utf8'), { bos_token: '<s>', eos_token: '</s>' });
          template.render(CONVERSATION, { addGenerationPrompt: true });
        },
      ),
  },
  'training-rows': {
    share: 70,
    bases: () => [linesOf('rows', ROWS, 'json'), linesOf('rows', ROWS, 'text')],
    read: async (bytes, _, folder) => void (await readTrainingRows(written(folder, 'train.jsonl', bytes))),
  },
  evaluations: {
    share: 60,
    bases: () => [linesOf('evaluations', EVALUATIONS, 'json'), linesOf('evaluations', EVALUATIONS, 'text')],
    read: async (bytes, _, folder) => void (await readEvaluations(written(folder, 'evals.jsonl', bytes))),
  },
  ...TABLES,
  ...TRANSCRIPTS,
  'trainer-state': {
    share: 60,
    bases: () => [
      ...filesOf('json', 'trainer/finished.json', 'trainer/diverged.json'),
      ...filesOf('text', 'trainer/finished.json'),
    ],
    read: (bytes) => {
      const state = parsedTrainerState(decodedTable(bytes, 'trainer_state.json'), 'trainer_state.json');
      rowsFromTrainerState(state, { arm: 'a', block: 1 }, 'trainer_state.json');
    },
  },
  'audit-map': {
    share: 40,
    bases: () => [linesOf('map', [JSON.stringify(AUDIT_MAP)], 'json')],
    read: (bytes) => void mapOf(jsonObject(decodedTable(bytes, 'map.json'), 'map.json')),
  },
  'study-file': {
    share: 50,
    bases: () => [linesOf('study', [JSON.stringify(STUDY)], 'json'), linesOf('study', [JSON.stringify(STUDY)], 'text')],
    read: (bytes, _, folder) =>
      void planStudy(finetuneStudyOfFile(written(folder, 'study.json', bytes)), { profile: 'quick' }),
  },
  setting: {
    share: 30,
    bases: () => ['steps=12', 'rows.length=8', 'method={"kind":"lora","rank":2}', 'names=["b"]'].map(textBase),
    read: (bytes) => void withSettings(CONFIG, [parseSetting(Buffer.from(bytes).toString('utf8'))]),
  },
  store: {
    share: 30,
    bases: () => filesOf('bytes', 'stores/v1/store.sqlite', 'stores/v2/store.sqlite'),
    read: async (bytes, { name }, folder) => {
      const copy = join(folder(), 'store');
      cpSync(join(FIXTURES, name, '..'), copy, { recursive: true });
      writeFileSync(join(copy, 'store.sqlite'), bytes);
      await using store = await openSqliteReader(copy);
      for (const { planId } of await store.plans('toy')) {
        for (const { measureId } of await store.readMembers(planId)) await store.readPoints(measureId);
        await store.readSettled(planId);
      }
    },
  },
  checkpoint: {
    share: 10,
    bases: () => [
      { name: 'checkpoint', form: 'bytes', bytes: Uint8Array.of(2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7, 8) },
    ],
    read: (bytes) => void unpackBytes(bytes),
  },
  'planted-crash': {
    share: 0,
    bases: () => [textBase('x')],
    read: () => void new Array<number>().reduce((one) => one),
  },
  'planted-hang': {
    share: 0,
    bases: () => [textBase('x')],
    read: () => {
      for (;;);
    },
  },
  'planted-memory': { share: 0, bases: () => [textBase('x')], read: () => void Buffer.alloc(1.1 * 2 ** 30, 1) },
};

const AUDIT_MAP = {
  columns: { arm: 'method', block: 'seed' },
  where: { phase: 'final' },
  matchOn: [{ name: 'train', role: 'train', direction: 'falls', levels: [2, 1], maxGap: 0.5 }],
  outcomes: [{ name: 'harm', delta: 0.1, role: 'confirmatory', higherIs: 'worse' }],
  reference: 'full',
  contrasts: [{ kind: 'question', arm: 'lora', reference: 'full' }],
};

async function readModel(path: string): Promise<void> {
  await using model = await openModel(path);
  for (const name of model.shapes.keys()) await model.tensor(name);
  await model.companions();
  withTimeLimit(
    PROGRAM_MS,
    () => 'too slow',
    () => {
      model.tokenizer?.encode('Hello <s> world', 'withSpecials');
      model.chatTemplate?.render(CONVERSATION);
    },
  );
}

function readTokenizer(tokenizerJson: Uint8Array, config: Uint8Array): void {
  const [json, settings] = [tokenizerJson, config].map((bytes) => parseStrictObject(bytes, 'tokenizer.json'));
  withTimeLimit(
    PROGRAM_MS,
    () => 'too slow',
    () => {
      const tokenizer = textTokenizer(json ?? {}, settings ?? {}, 'tokenizer.json');
      for (const text of ['Hello world', ' a\n\n12345 é 😀</s>', 'x'.repeat(200)]) {
        const ids = tokenizer.encode(text, 'withSpecials');
        tokenizer.decode(ids, 'skip');
      }
    },
  );
}

/** A file in a folder that the reader was lent. */
function written(folder: () => string, name: string, bytes: Uint8Array): string {
  const path = join(folder(), name);
  writeFileSync(path, bytes);
  return path;
}

/** Empties a reader's folder, but for what study files name. */
export function emptied(folder: string): string {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, lines] of [
    ['train.jsonl', ROWS],
    ['evals.jsonl', EVALUATIONS],
  ] as const)
    writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
  return folder;
}

function filesOf(form: Base['form'], ...names: readonly string[]): Base[] {
  return names.map((name) => ({ name, form, bytes: readFileSync(join(FIXTURES, name)) }));
}

function filesIn(folder: string): Base[] {
  return readdirSync(join(FIXTURES, folder)).flatMap((name) => {
    const form = name.endsWith('.json') ? 'json' : name.endsWith('.jinja') ? 'text' : 'bytes';
    return filesOf(form, `${folder}/${name}`);
  });
}

function folders(name: string): string[] {
  return readdirSync(join(FIXTURES, name), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : [],
  );
}

function linesOf(name: string, lines: readonly string[], form: Base['form']): Base {
  return { name, form, bytes: Buffer.from(lines.join('\n')) };
}

function textBase(text: string): Base {
  return { name: text, form: 'text', bytes: Buffer.from(text) };
}

function templates(): Base[] {
  const families: unknown = JSON.parse(readFileSync(join(FIXTURES, 'chat/families.json'), 'utf8'));
  const known = isJsonObject(families) && isJsonObject(families['templates']) ? families['templates'] : {};
  return Object.values(known).flatMap((text) => (typeof text === 'string' ? [textBase(text)] : []));
}
