/** Configs with the keys of published models are read, and refused by name where a key says what is not computed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { JsonObject } from '#base/json.ts';
import { turnedDim } from '#learning/models/config.ts';
import { read, type Refusal, testRead, testRefused } from '#learning/files/hugging-face/config-fixture.ts';

import { PUBLISHED } from './published-fixture.ts';

testRead(PUBLISHED);

const WINDOWS: JsonObject = { sliding_window: 64, sliding_window_pattern: 4 };

/** Settings that are not computed, or that other readers pass over. */
const REFUSED: readonly Refusal[] = [
  ['GLM-4-9B-chat', { mlp_bias: true }, /mlp_bias to be false/],
  ['GLM-4-9B-chat', { multi_query_attention: true }, /unknown key multi_query_attention/],
  ['GLM-4-9B-chat', { partial_rotary_factor: 0.2 }, /an even head dimension for rotations/],
  ['Phi-2', { hidden_act: 'relu6' }, /hidden_act to be one of/],
  ['Phi-2', { rotary_dim: 4 }, /unknown key rotary_dim/],
  ['Command R', { use_parallel_block: false }, /use_parallel_block to be true/],
  ['Command R', { rope_theta: null }, /rope_theta to be given: versions/],
  ['Command R', { logit_scale: null }, /logit_scale to be a positive number/],
  ['Command R', { mlp_bias: true }, /mlp_bias to be false/],
  ['Command R7B', { sliding_window: null }, /sliding_window to be a number/],
  ['Command R7B', { layer_switch: 2 }, /layer_switch to be 4/],
  ['Command R7B', { head_dim: 8 }, /head_dim to be 16/],
  ['Command R7B', { position_embedding_type: 'alibi' }, /position_embedding_type to be "rope_gptj"/],
  ['Command R7B', { use_qk_norm: true }, /unknown key use_qk_norm/],
  ['OPT-125M', { do_layer_norm_before: false }, /do_layer_norm_before to be true/],
  ['OPT-125M', { word_embed_proj_dim: 32 }, /word_embed_proj_dim to be 64/],
  ['OPT-125M', { _remove_final_layer_norm: true }, /_remove_final_layer_norm to be false/],
  [
    'OPT-125M',
    { hidden_size: 66, word_embed_proj_dim: 66 },
    /json: expected a width of 66 to be a multiple of 4 heads/,
  ],
  ['OPT-125M', { prefix: 'A' }, /prefix to be "" or "<\/s>"/],
  ['OPT-125M', { layer_norm_eps: 1e-3 }, /unknown key layer_norm_eps/],
  ['GPT-J-6B', { rotary_dim: null }, /rotary_dim to be a positive integer/],
  ['GPT-J-6B', { rotary_dim: 64 }, /rotary_dim to be at most 48/],
  ['GPT-J-6B', { n_embd: 97 }, /json: expected a width of 97 to be a multiple of 2 heads/],
  ['GPT-J-6B', { rotary: false }, /rotary to be true/],
  ['GPT-J-6B', { rope_theta: 10_000 }, /unknown key rope_theta/],
  ['ERNIE-4.5-0.3B', { compression_ratio: 2 }, /unknown key compression_ratio/],
  ['Minitron-4B', { kv_channels: 8 }, /kv_channels to be 16/],
  ['Minitron-4B', { layer_norm_eps: 1e-5 }, /unknown key layer_norm_eps/],
  ['EXAONE-4.0-1.2B', { layer_types: null }, /layer_types to be given, where sliding_window is null/],
  ['EXAONE-4.0-1.2B', { layer_types: null, sliding_window: 64, sliding_window_pattern: 'LLLG' }, /positive integer/],
  ['EXAONE-4.0-1.2B', { attention_bias: true }, /unknown key attention_bias/],
  ['Hunyuan-7B', { hidden_size: 66, head_dim: null, attention_head_dim: null }, /a width of 66 to be a multiple of 4/],
  ['Hunyuan-7B', { use_cla: true }, /use_cla to be false/],
  ['Hunyuan-7B', { use_qk_norm: false }, /use_qk_norm to be true/],
  ['Hunyuan-7B', { rope_scaling: { alpha: 10, rope_type: 'linear', factor: 2 } }, /rope_type to be "dynamic"/],
  ['ERNIE-4.5-0.3B', { rope_scaling: { alpha: 10, rope_type: 'dynamic', factor: 2 } }, /unknown key alpha/],
  ['OLMo-1B', { rms_norm_eps: 1e-5 }, /unknown key rms_norm_eps/],
  ['OLMo-1B', { clip_qkv: -1 }, /clip_qkv to be a positive number/],
  ['OLMoE-1B-7B', { output_router_logits: true }, /output_router_logits to be false/],
  ['OLMoE-1B-7B', { head_dim: 8 }, /head_dim to be 16/],
  ['Qwen1.5-MoE-A2.7B', { use_sliding_window: true, sliding_window: 64 }, /layer_types to be given: versions/],
  ['Qwen1.5-MoE-A2.7B', { num_experts_per_tok: 7 }, /num_experts_per_tok to be at most 6/],
  ['Qwen1.5-MoE-A2.7B', { layer_types: Array.from({ length: 4 }, () => 'sliding_attention') }, /sliding_window/],
  ['Qwen1.5-MoE-A2.7B', { shared_expert_intermediate_size: 0 }, /positive integer/],
  ['Apertus-8B', { qk_norm: false }, /qk_norm to be true/],
  ['Apertus-8B', { post_norm: true }, /post_norm to be false/],
  ['Apertus-8B', { rope_scaling: null }, /rope_scaling to be given/],
  ['Apertus-8B', { rope_scaling: {} }, /rope_scaling to be given/],
  ['Apertus-8B', { mlp_bias: true }, /mlp_bias to be false/],
  ['AFM-4.5B', { hidden_act: 'xielu' }, /hidden_act to be one of/],
];

testRefused(PUBLISHED, REFUSED);

test('what families have of their own is what the engine is told', () => {
  const glm = read(PUBLISHED['GLM-4-9B-chat'] ?? {}).config;
  assert.deepEqual(glm.positions, { kind: 'rotary', theta: 10_000, fraction: 0.5, isInterleaved: true });
  assert.deepEqual(glm.biases, { qkv: true, attentionOut: false, mlp: false });
  const phi = read(PUBLISHED['Phi-2'] ?? {}).config;
  assert.equal(phi.residual, 'parallelOneNorm');
  assert.equal(phi.biases.head, true);
  const command = read(PUBLISHED['Command R7B'] ?? {}).config;
  assert.deepEqual(command.layers?.at(-1), { positions: { kind: 'none' } });
  assert.deepEqual(
    command.layers?.map(({ window }) => window),
    [128, 128, 128, undefined],
  );
  assert.equal(command.norm.parts, 'scale');
  const exaone = read(PUBLISHED['EXAONE-4.0-1.2B'] ?? {}).config;
  assert.equal(exaone.layers, undefined); // all see all, and all are turned
  const windowed = read({ ...PUBLISHED['EXAONE-4.0-1.2B'], layer_types: null, ...WINDOWS }).config;
  assert.deepEqual(windowed.layers?.slice(2), [{ window: 64 }, { positions: { kind: 'none' } }]);
  const hunyuan = read(PUBLISHED['Hunyuan-7B'] ?? {}).config;
  assert.deepEqual(hunyuan.positions, { kind: 'rotary', theta: 10_000 * 1000 ** (16 / 14) });
  assert.equal(read({ ...PUBLISHED['OLMo-1B'], clip_qkv: 8 }).config.qkvBound, 8);
  assert.equal(read(PUBLISHED['Qwen1.5-MoE-A2.7B'] ?? {}).config.experts?.sharedHidden, 48);
  assert.equal(read({ ...PUBLISHED['Minitron-4B'], head_dim: null }).config.headDim, 16);
  const opt = read(PUBLISHED['OPT-125M'] ?? {}).config;
  assert.deepEqual(opt.positions, { kind: 'learned', length: 128, offset: 2 });
});

test('as many numbers of a head are turned as rotary_dim says, whatever its share rounds to', () => {
  for (let headDim = 2; headDim <= 256; headDim += 2) {
    for (let turned = 2; turned <= headDim; turned += 2) {
      const { positions } = read({ ...PUBLISHED['GPT-J-6B'], n_embd: 2 * headDim, rotary_dim: turned }).config;
      assert.ok(positions.kind === 'rotary' && turnedDim(positions, headDim) === turned, `${turned} of ${headDim}`);
    }
  }
});
