/** Models that see images beside text: the language model inside is read, what sees goes with an export as it is. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import type { JsonObject } from '#base/json.ts';
import { huggingFaceConfig } from '#learning/files/hugging-face/hugging-face-config.ts';
import { writeHuggingFace } from '#learning/files/hugging-face/hugging-face-write.ts';
import { writePeftAdapter } from '#learning/files/hugging-face/peft.ts';
import type { ModelFiles } from '#learning/files/model-files.ts';
import { openModel } from '#learning/files/open-model.ts';
import { openFolderWeights } from '#learning/files/tensors/sharded.ts';
import { modelFolder } from '#learning/files/hugging-face/model-folder.ts';
import type { TensorToWrite } from '#learning/files/tensors/safetensors-write.ts';
import { linearModules } from '#learning/models/parameters.ts';

import { FAMILY_MODELS, type FamilyCase, familyFolder } from './family-folders.ts';

const TYPES = ['gemma3', 'mistral3'];

function casesOf(type: string): readonly FamilyCase[] {
  return FAMILY_MODELS.families[type] ?? assert.fail(`no models of ${type}`);
}

/** The names of published files, and of what transformers 5 writes. */
function asPublished({ name, ...rest }: TensorToWrite): TensorToWrite {
  const older = name
    .replace('model.language_model.', 'language_model.model.')
    .replace('lm_head', 'language_model.lm_head');
  return { ...rest, name: older.replace(/^model\.(?=vision_tower|multi_modal_projector)/, '') };
}

async function weightsOf(files: ModelFiles): Promise<ReadonlyMap<string, Float32Array>> {
  const weights = new Map<string, Float32Array>();
  for (const name of files.shapes.keys()) weights.set(name, await files.tensor(name));
  return weights;
}

for (const type of TYPES) {
  for (const [index, model] of casesOf(type).entries()) {
    test(`${type} ${index} under the names of published files is the same model, and takes along what sees images`, async () => {
      await using files = await openModel(await familyFolder(model));
      await using older = await openModel(await familyFolder(model, (tensors) => tensors.map(asPublished)));
      assert.deepEqual(await weightsOf(older), await weightsOf(files));
      const seeing = Object.keys(model.carried ?? {});
      assert.ok(seeing.length > 5);
      assert.deepEqual(files.carried?.map(({ name }) => name).toSorted(), seeing.toSorted());
      assert.deepEqual(older.carried?.map(({ name }) => `model.${name}`).toSorted(), seeing.toSorted());
    });
  }
}

test('what sees images is written in shards too, value by value', async () => {
  const [model] = casesOf('gemma3');
  assert.ok(model !== undefined);
  const from = await familyFolder(model);
  await using files = await openModel(from);
  const weights = await weightsOf(files);
  const to = join(await mkdtemp(join(tmpdir(), 'assay-written-')), 'model');
  await writeHuggingFace(to, files, (name) => weights.get(name) ?? new Float32Array(), 5000);
  assert.ok((await readdir(to)).filter((name) => name.startsWith('model-')).length > 2);
  await using before = await openFolderWeights(await modelFolder(from, 'language model'));
  await using after = await openFolderWeights(await modelFolder(to, 'language model'));
  assert.deepEqual([...after.tensors.keys()].toSorted(), [...before.tensors.keys()].toSorted());
  for (const name of before.tensors.keys()) assert.deepEqual(await after.read(name), await before.read(name), name);
});

test('an export of a tied model says so in both configs, since versions of transformers look in one of them', async () => {
  const model = casesOf('mistral3').find(({ config }) => config['tie_word_embeddings'] !== false);
  assert.ok(model !== undefined);
  await using files = await openModel(await familyFolder(model));
  assert.equal(files.config.tied, true);
  const companions = await files.companions();
  const text = new TextDecoder().decode(companions.find(({ name }) => name === 'config.json')?.bytes);
  assert.equal(text.match(/"tie_word_embeddings": true/g)?.length, 2);
});

test('a head that is stored and differs from the embedding unties both configs of an export', async () => {
  const model = casesOf('gemma3').find(({ config }) => config['tie_word_embeddings'] !== false);
  assert.ok(model !== undefined);
  const folder = await familyFolder(model, (tensors) => {
    const embedding = tensors.find(({ name }) => name.endsWith('embed_tokens.weight'));
    assert.ok(embedding?.dtype === 'F32');
    const values = embedding.values.map((value) => 2 * value);
    return [...tensors, { ...embedding, name: 'lm_head.weight', values }].map(asPublished);
  });
  await using files = await openModel(folder);
  assert.equal(files.config.tied, false);
  const companions = await files.companions();
  const text = new TextDecoder().decode(companions.find(({ name }) => name === 'config.json')?.bytes);
  assert.equal(text.match(/"tie_word_embeddings": false/g)?.length, 2);
});

test('an adapter beside images names its modules in full, since what sees has some of the same short names', async () => {
  const [model] = casesOf('gemma3');
  assert.ok(model !== undefined);
  await using files = await openModel(await familyFolder(model));
  const modules = linearModules(files.config).map((module) => {
    const [dOut = 0, dIn = 0] = files.shapes.get(`${module}.weight`) ?? [];
    return [module, { dIn, dOut, a: new Float32Array(dIn), b: new Float32Array(dOut) }] as const;
  });
  const folder = await mkdtemp(join(tmpdir(), 'assay-adapter-'));
  const adapter = { baseModel: 'gemma3', rank: 1, alpha: 1, useRsLora: false, isBaseTransposed: false };
  await writePeftAdapter(folder, { ...adapter, modules: new Map(modules) });
  const config: JsonObject = JSON.parse(await readFile(join(folder, 'adapter_config.json'), 'utf8'));
  assert.deepEqual(config['target_modules'], linearModules(files.config).toSorted());
  assert.equal(config['layers_to_transform'], undefined);
});

const GEMMA_4B: JsonObject = {
  architectures: ['Gemma3ForConditionalGeneration'],
  boi_token_index: 255_999,
  eoi_token_index: 256_000,
  eos_token_id: [1, 106],
  image_token_index: 262_144,
  initializer_range: 0.02,
  mm_tokens_per_image: 256,
  model_type: 'gemma3',
  text_config: {
    hidden_size: 2560,
    intermediate_size: 10_240,
    model_type: 'gemma3_text',
    num_hidden_layers: 34,
    rope_scaling: { factor: 8, rope_type: 'linear' },
    sliding_window: 1024,
  },
  torch_dtype: 'bfloat16',
  transformers_version: '4.50.0.dev0',
  vision_config: { hidden_size: 1152, image_size: 896, model_type: 'siglip_vision_model', patch_size: 14 },
};

const MISTRAL_SMALL: JsonObject = {
  architectures: ['Mistral3ForConditionalGeneration'],
  image_token_index: 10,
  model_type: 'mistral3',
  multimodal_projector_bias: false,
  projector_hidden_act: 'gelu',
  spatial_merge_size: 2,
  text_config: {
    attention_dropout: 0,
    head_dim: 128,
    hidden_act: 'silu',
    hidden_size: 5120,
    initializer_range: 0.02,
    intermediate_size: 32_768,
    max_position_embeddings: 131_072,
    model_type: 'mistral',
    num_attention_heads: 32,
    num_hidden_layers: 40,
    num_key_value_heads: 8,
    rms_norm_eps: 1e-5,
    rope_theta: 1e9,
    sliding_window: null,
    use_cache: true,
    vocab_size: 131_072,
  },
  torch_dtype: 'bfloat16',
  vision_config: { hidden_size: 1024, model_type: 'pixtral', patch_size: 14 },
  vision_feature_layer: -1,
};

test('the published configs of Gemma 3 4B and Mistral Small 3.1 are read, with the sizes that the former leaves out', () => {
  const { config } = huggingFaceConfig(GEMMA_4B, 'config.json');
  const { vocabulary, dModel, nLayers, nHeads, nKvHeads, headDim } = config;
  assert.deepEqual([vocabulary, dModel, nLayers, nHeads, nKvHeads, headDim], [262_208, 2560, 34, 8, 4, 256]);
  assert.deepEqual([config.layers?.[0]?.window, config.layers?.[5]?.window], [1024, undefined]);
  const small = huggingFaceConfig(MISTRAL_SMALL, 'config.json');
  assert.deepEqual([small.modelType, small.config.nLayers, small.config.tied], ['mistral3', 40, true]);
});

const inText = (config: JsonObject, change: JsonObject): JsonObject => ({
  ...config,
  text_config: { ...(config['text_config'] as JsonObject), ...change },
});

const REFUSED: readonly (readonly [what: string, config: JsonObject, message: RegExp])[] = [
  ['no language model', { ...GEMMA_4B, text_config: null }, /text_config to be the config of a language model/],
  ['another language model', inText(MISTRAL_SMALL, { model_type: 'ministral3' }), /model_type to be "mistral"/],
  [
    'attention both ways',
    inText(GEMMA_4B, { use_bidirectional_attention: true }),
    /use_bidirectional_attention to be false/,
  ],
  [
    'a key of the language model that nobody knows',
    inText(GEMMA_4B, { new_key: 1 }),
    /text_config: unknown key new_key/,
  ],
  [
    'a cap on logits, which transformers does not apply beside images',
    inText(GEMMA_4B, { final_logit_softcapping: 30 }),
    /text_config: expected final_logit_softcapping to be absent/,
  ],
  ['a key that nobody knows', { ...GEMMA_4B, new_key: 1 }, /config\.json: unknown key new_key/],
  ['another class', { ...GEMMA_4B, architectures: ['Gemma3ForSequenceClassification'] }, /architectures/],
];

for (const [what, config, message] of REFUSED) {
  test(`a config of a model with images that says of ${what} is refused, naming it`, () => {
    assert.throws(() => huggingFaceConfig(config, 'config.json'), message);
  });
}
