/**
 * The names of tensors in GGUF files, by what a module does in its block.
 * Source: `gguf-py/gguf/tensor_mapping.py` of llama.cpp.
 */
import { AssayError } from '#base/errors.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { type BlockModules, MODULES } from '#learning/models/modules.ts';

/** What decides on names: whose they are, and where norms stand. */
export type Named = Pick<TransformerConfig, 'family' | 'normPlacement'>;

/**
 * The GGUF name of a Hugging Face tensor: `model.layers.3.mlp.up_proj.weight` is `blk.3.ffn_up.weight`.
 * @throws AssayError for a name that no module has.
 */
export function ggufName(config: Named, name: string): string {
  const { tokenEmbedding, positionEmbedding, finalNorm, head, block } = MODULES[config.family];
  const [, stem = '', kind = ''] = /^(.+?)(?:\.norms\.\d+)?\.(weight|bias)$/.exec(name) ?? []; // norms of all heads are one
  const outside = new Map([
    [stemOf(tokenEmbedding), 'token_embd'],
    [stemOf(positionEmbedding), 'position_embd'],
    [finalNorm, 'output_norm'],
    [head, 'output'],
  ]).get(stem);
  if (outside !== undefined) return `${outside}.${kind}`;
  const layer = Number(/\.(\d+)\./.exec(stem)?.[1] ?? 0);
  const expert = Number(/\.experts\.(\d+)\./.exec(stem)?.[1] ?? 0);
  const modules = block(layer);
  const inside = blockNames(modules, config).get(stem) ?? expertNames(modules, expert).get(stem);
  if (inside !== undefined) return `blk.${layer}.${inside}.${kind}`;
  throw new AssayError('file', `There is no GGUF name for the tensor ${name}.`);
}

function stemOf(parameter: string): string {
  return parameter.replace(/\.weight$/, '');
}

/** Of a block with experts: its router, and one expert as `gguf.ts` names it. */
function expertNames({ experts }: BlockModules, index: number): ReadonlyMap<string, string> {
  if (experts === undefined) return new Map();
  const { gate, up, down } = experts.expert(index);
  return new Map([
    [experts.router, 'ffn_gate_inp'],
    [gate, `ffn_gate_exps.${index}`],
    [up, `ffn_up_exps.${index}`],
    [down, `ffn_down_exps.${index}`],
    [experts.shared.gate, 'ffn_gate_shexp'],
    [experts.shared.up, 'ffn_up_shexp'],
    [experts.shared.down, 'ffn_down_shexp'],
    [experts.sharedGate, 'ffn_gate_inp_shexp'],
  ]);
}

function blockNames(modules: BlockModules, { normPlacement = 'pre' }: Named): ReadonlyMap<string, string> {
  const { qkv } = modules;
  const before = [
    [modules.attentionNorm, 'attn_norm'],
    [modules.mlpNorm, 'ffn_norm'],
  ] as const;
  const after = [
    [modules.attentionPostNorm, 'post_attention_norm'],
    [modules.mlpPostNorm, 'post_ffw_norm'],
  ] as const;
  return new Map<string, string>([
    ...(normPlacement === 'post' ? [] : before),
    ...(normPlacement === 'pre' ? [] : after), // Llama's name of the norm before the MLP is another family's of one after
    ...(qkv.kind === 'fused'
      ? [[qkv.module, 'attn_qkv'] as const]
      : ([
          [qkv.q, 'attn_q'],
          [qkv.k, 'attn_k'],
          [qkv.v, 'attn_v'],
        ] as const)),
    [modules.queryNorm, 'attn_q_norm'],
    [modules.keyNorm, 'attn_k_norm'],
    [modules.attentionOut, 'attn_output'],
    [modules.mlpGate, 'ffn_gate'],
    [modules.mlpUp, 'ffn_up'], // after the gate: where both are one layer, this is its name
    [modules.mlpDown, 'ffn_down'],
  ]);
}
