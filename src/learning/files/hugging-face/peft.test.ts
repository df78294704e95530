import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { AssayError } from '#base/errors.ts';
import type { JsonObject } from '#base/json.ts';
import { sha256 } from '#base/json.ts';
import { rngOf } from '#base/rng.ts';

import { openHuggingFace } from './hugging-face.ts';
import type { LoraAdapter } from './peft.ts';
import { loraScale, readPeftAdapter, writePeftAdapter } from './peft.ts';

const FIXTURES = join(import.meta.dirname, '../../../../test/fixtures');
const ADAPTERS = ['all-linear', 'one-layer-rslora', 'gpt2', 'gpt2-projections', 'irregular'];

interface Expected {
  readonly base: string;
  readonly scale: number;
  readonly logitsDifference: number;
  readonly moved: number;
  readonly sha256: Record<string, string>;
}
const expectedOf = async (name: string): Promise<Expected | undefined> => {
  const all: Record<string, Expected> = JSON.parse(await readFile(join(FIXTURES, 'peft/expected.json'), 'utf8'));
  return all[name];
};

let temporary = '';
before(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'assay-peft-'));
});
after(async () => {
  await rm(temporary, { recursive: true });
});

for (const name of ADAPTERS) {
  test(`adapter ${name} of PEFT: scale and modules fit the base; what is written is what PEFT was seen to load`, async () => {
    const adapter = await readPeftAdapter(join(FIXTURES, 'peft', name));
    const expected = await expectedOf(name);
    assert.equal(loraScale(adapter), expected?.scale);
    await using base = await openHuggingFace(join(FIXTURES, 'models', adapter.baseModel));
    for (const [module, { dIn, dOut }] of adapter.modules) {
      assert.deepEqual(base.shapes.get(`${module}.weight`), [dOut, dIn], module);
    }
    const folder = join(temporary, name);
    await writePeftAdapter(folder, adapter);
    const files = (await readdir(folder)).toSorted();
    const hashes: [string, string][] = [];
    for (const file of files) hashes.push([file, sha256(await readFile(join(folder, file)))]);
    assert.deepEqual(Object.fromEntries(hashes), expected?.sha256);
    assert.ok((expected?.moved ?? 0) > 0.1); // the adapter mattered
    assert.equal(expected?.logitsDifference, 0);
  });

  test(`adapter ${name}: the weights file is byte for byte the one PEFT wrote`, async () => {
    const folder = join(temporary, `${name}-again`);
    await writePeftAdapter(folder, await readPeftAdapter(join(FIXTURES, 'peft', name)));
    const [ours, theirs] = await Promise.all(
      [folder, join(FIXTURES, 'peft', name)].map((path) => readFile(join(path, 'adapter_model.safetensors'))),
    );
    assert.ok(theirs !== undefined && ours?.equals(theirs));
  });
}

const UNSUPPORTED: readonly (readonly [JsonObject, RegExp])[] = [
  [{ peft_type: 'IA3' }, /peft_type to be "LORA", found "IA3"/],
  [{ use_dora: true }, /use_dora to be off/],
  [{ target_parameters: ['mlp.gate.weight'] }, /target_parameters to be a list of gate_up_proj and down_proj/],
  [
    { target_parameters: ['experts.gate_up_proj'], alpha_pattern: { gate_up_proj: 8 } },
    /alpha_pattern to be such that/,
  ],
  [{ bias: 'all' }, /bias to be "none"/],
  [{ modules_to_save: ['lm_head'] }, /modules_to_save to be off/],
  [{ rank_pattern: { q_proj: 2 } }, /rank_pattern to be off/],
  [{ alpha_pattern: { q_proj: 2 } }, /alpha_pattern to be off/],
  [{ init_lora_weights: 'pissa' }, /leaves the base model as it is/],
  [{ r: 0 }, /r to be a positive integer/],
  [{ r: 5 }, /expected factors \[5, dIn\] and \[dOut, 5\]/],
  [{ lora_alpha: null }, /lora_alpha to be a number/],
  [{ use_new_variant: true }, /unknown key use_new_variant \(true\): it may change what the model computes/],
  [{ use_new_variant: false }, /unknown key use_new_variant \(false\)/],
  [{ init_lora_weights: 'loftq' }, /leaves the base model as it is/],
  [{ init_lora_weights: 'new_start' }, /leaves the base model as it is/],
  [{ ensure_weight_tying: true }, /ensure_weight_tying to be off/],
  [{ fan_in_fan_out: 'yes' }, /fan_in_fan_out to be true or false/],
  [{ target_modules: ['v_proj'] }, /to choose what is stored, found factors of model\.layers\.\d\./],
  [{ exclude_modules: ['q_proj'] }, /found factors of model\.layers\.0\.self_attn\.q_proj/],
  [{ layers_to_transform: [1] }, /found factors of model\.layers\.0\.self_attn\.q_proj/],
];

for (const [change, message] of UNSUPPORTED) {
  test(`an adapter with ${JSON.stringify(change)} is refused, naming the option`, async () => {
    const folder = join(temporary, 'changed');
    await cp(join(FIXTURES, 'peft/irregular'), folder, { recursive: true });
    const config: JsonObject = JSON.parse(await readFile(join(folder, 'adapter_config.json'), 'utf8'));
    await writeFile(join(folder, 'adapter_config.json'), JSON.stringify({ ...config, ...change }));
    await assert.rejects(
      () => readPeftAdapter(folder),
      (thrown) => thrown instanceof AssayError && message.test(thrown.message),
    );
  });
}

test('options at the values that say nothing leave an adapter as it is', async () => {
  const folder = join(temporary, 'idle');
  await cp(join(FIXTURES, 'peft/irregular'), folder, { recursive: true });
  const config: JsonObject = JSON.parse(await readFile(join(folder, 'adapter_config.json'), 'utf8'));
  const idle: JsonObject = {
    alpha_pattern: {},
    rank_pattern: null,
    layers_to_transform: [],
    layers_pattern: [],
    exclude_modules: [],
    modules_to_save: [],
    init_lora_weights: 'gaussian',
    lora_dropout: 0.1,
    peft_version: '9.9',
    a_new_option: null,
  };
  await writeFile(join(folder, 'adapter_config.json'), JSON.stringify({ ...config, ...idle }));
  assert.deepEqual(await readPeftAdapter(folder), await readPeftAdapter(join(FIXTURES, 'peft/irregular')));
});

test('factors that do not fit the rank, and an empty adapter, are refused before writing', async () => {
  const factors = { dIn: 3, dOut: 2, a: new Float32Array(6), b: new Float32Array(4) };
  const adapter: LoraAdapter = {
    baseModel: 'x',
    rank: 2,
    alpha: 4,
    useRsLora: false,
    isBaseTransposed: false,
    modules: new Map([['m', { ...factors, b: new Float32Array(5) }]]),
  };
  await assert.rejects(() => writePeftAdapter(join(temporary, 'bad'), adapter), /A of \[2, 3\] and B of \[2, 2\]/);
  await assert.rejects(
    () => writePeftAdapter(join(temporary, 'bad'), { ...adapter, modules: new Map() }),
    /at least one/,
  );
  assert.equal(loraScale({ rank: 4, alpha: 8, useRsLora: true }), 4);
});

test('mutated adapters are read or refused with an AssayError', async () => {
  const folder = join(temporary, 'mutated');
  await cp(join(FIXTURES, 'peft/irregular'), folder, { recursive: true });
  const rng = rngOf(7, 'mutations');
  for (let i = 0; i < 300; i++) {
    const name = i % 3 === 0 ? 'adapter_config.json' : 'adapter_model.safetensors';
    const original = await readFile(join(FIXTURES, 'peft/irregular', name));
    const bytes = Uint8Array.from(original);
    const at = rng.below(Math.min(bytes.byteLength, 700));
    bytes[at] = (bytes[at] ?? 0) ^ (1 << rng.below(8));
    await writeFile(join(folder, name), i % 10 === 0 ? bytes.subarray(0, at) : bytes);
    try {
      await readPeftAdapter(folder);
    } catch (thrown) {
      assert.ok(thrown instanceof AssayError, String(thrown));
    }
    await writeFile(join(folder, name), original);
  }
});
