/** Configs of towers: what published files say is read, what is not understood is refused by its name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { JsonObject } from '#base/json.ts';

import { towersConfig } from './towers-config.ts';

/** What transformers 4 wrote into every part of a config, none of which changes a number here. */
const GENERIC: JsonObject = {
  _name_or_path: '',
  add_cross_attention: false,
  architectures: null,
  bad_words_ids: null,
  chunk_size_feed_forward: 0,
  cross_attention_hidden_size: null,
  do_sample: false,
  dropout: 0,
  finetuning_task: null,
  id2label: { 0: 'LABEL_0', 1: 'LABEL_1' },
  is_decoder: false,
  is_encoder_decoder: false,
  max_length: 20,
  num_beams: 1,
  prefix: null,
  problem_type: null,
  pruned_heads: {},
  return_dict: true,
  tie_word_embeddings: true,
  top_k: 50,
  torch_dtype: null,
  transformers_version: '4.16.0.dev0',
  use_bfloat16: false,
};

const CLIP: JsonObject = {
  architectures: ['CLIPModel'],
  initializer_factor: 1,
  logit_scale_init_value: 2.6592,
  model_type: 'clip',
  projection_dim: 512,
  text_config: { ...GENERIC, eos_token_id: 2, pad_token_id: 1, model_type: 'clip_text_model', projection_dim: 512 },
  text_config_dict: null,
  torch_dtype: 'float32',
  transformers_version: null,
  vision_config: { ...GENERIC, model_type: 'clip_vision_model', projection_dim: 512 },
  vision_config_dict: null,
};

test('what early files say is read: CLIP ViT-B/32 in every size, pooled at the largest id', () => {
  const { config, imageSize, pooledPlace } = towersConfig(CLIP, 'config.json');
  const { image, text } = config;
  assert.deepEqual(
    [image.encoder.dModel, image.encoder.nLayers, image.encoder.nHeads, image.encoder.dMlp],
    [768, 12, 12, 3072],
  );
  assert.deepEqual(
    [text.encoder.dModel, text.encoder.nLayers, text.encoder.nHeads, text.encoder.dMlp],
    [512, 12, 8, 2048],
  );
  assert.deepEqual([image.patches.size, image.patches.rows, image.patches.bias], [32, 7, false]);
  assert.deepEqual(
    [text.vocabulary, text.length, text.projection, imageSize],
    [49_408, 77, { width: 512, bias: false }, 224],
  );
  assert.deepEqual(pooledPlace, { kind: 'largest' });
  const { eos_token_id: _, ...rest } = CLIP['text_config'] as JsonObject;
  assert.deepEqual(towersConfig({ ...CLIP, text_config: rest }, 'c').pooledPlace, { kind: 'first', id: 49_407 });
});

test("SigLIP's sizes that a file does not name are those of its class; pixels beyond whole patches are left out", () => {
  const { config, pooledPlace } = towersConfig(
    { model_type: 'siglip', vision_config: { image_size: 384, patch_size: 14 } },
    'c',
  );
  assert.deepEqual(
    [config.image.patches.rows, config.image.encoder.epsilon, config.image.encoder.activation],
    [27, 1e-6, 'geluTanh'],
  );
  assert.deepEqual(
    [config.text.length, config.text.vocabulary, config.text.pooling, pooledPlace],
    [64, 32_000, 'last', null],
  );
  assert.deepEqual([config.text.projection, config.image.projection], [{ width: 768, bias: true }, null]);
});

test('settings that are not known, or ask for what is not built, are refused by name', () => {
  const refused = (changes: JsonObject, expected: RegExp): void => {
    assert.throws(() => towersConfig({ ...CLIP, ...changes }, 'config.json'), expected);
  };
  refused({ model_type: 'blip' }, /config.json: expected model_type to be one of clip, siglip, siglip2/);
  refused({ architectures: ['CLIPVisionModel'] }, /expected architectures to be \["CLIPModel"\]/);
  refused({ text_config: { rope_theta: 1 } }, /config.json: text_config: unknown key rope_theta/);
  refused(
    { vision_config: { hidden_act: 'mish' } },
    /vision_config: expected hidden_act to be one of quick_gelu, gelu/,
  );
  refused({ vision_config: { image_size: [224, 224] } }, /vision_config: expected image_size to be a positive integer/);
  refused({ text_config: { eos_token_id: [1, 2] } }, /text_config: expected eos_token_id to be one token id/);
  refused({ text_config: { num_attention_heads: 7 } }, /heads that divide the width 512, found 7/);
  refused({ text_config: { add_cross_attention: true } }, /expected add_cross_attention to be false/);
  refused({ text_config: { vocab_size: 1e9 } }, /no model has a size of 1000000000/);
  refused({ quantization_config: { bits: 4 } }, /quantization_config is not supported/);
  refused({ text_config: { odd: 1 }, text_config_dict: { hidden_size: 512 } }, /text_config: unknown key odd/);
  const siglip = (vision: JsonObject): void => {
    towersConfig({ model_type: 'siglip2', vision_config: vision }, 'c');
  };
  assert.throws(() => siglip({ vision_use_head: false }), /expected vision_use_head to be true/);
  assert.throws(() => siglip({ num_patches: 250 }), /expected num_patches to be a square number/);
  assert.throws(() => siglip({ hidden_size: 384, num_attention_heads: 6 }), /one width of the shared space/);
});
