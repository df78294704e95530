/**
 * The metadata of a GGUF file that changes nothing of what Assay computes, by the reason; every other key under the
 * architecture, `general.`, `tokenizer.` and the like is read or refused. Names outside those spaces are notes of other
 * programs (such as `mradermacher.quantized_by`): no engine reads them.
 * Source: `gguf-py/gguf/constants.py` and `src/llama-arch.cpp` of llama.cpp.
 */

/** Where keys stand that engines read. */
const SPACES = new Set('adapter clip control_vector diffusion general imatrix split tokenizer training'.split(' '));

const GENERAL = new Set([
  // how the weights were stored; each tensor says it itself
  'file_type',
  'quantization_version',
  'quantized_by',
  // names, origins, licences
  'author',
  'basename',
  'datasets',
  'description',
  'doi',
  'finetune',
  'languages',
  'license',
  'name',
  'organization',
  'parameter_count',
  'repo_url',
  'size_label',
  'tags',
  'url',
  'uuid',
  'version',
]);

/** Groups of such: origins again, and how a chat program may sample, which is told (gguf-generation.ts). */
const GENERAL_GROUPS = /^(?:base_model|dataset|license|sampling|source)\./;

/** Keys of the tokenizer: those under `ggml.` are looked at where it is made (gguf-tokenizer.ts), the others repeat them. */
const TOKENIZER = /^(?:chat_template(?:\.[^.]+)?|chat_templates|huggingface\.json|ggml\..+)$/;

/** Keys under the architecture that only other kinds of scaling read; the rest is read in `gguf-config.ts`. */
const MODEL = new Set(['rope.scaling.finetuned', 'rope.scaling.original_context_length']);

/** Keys under the architecture that change something unless they say what every supported model does anyway. */
export const ONLY: Readonly<Record<string, readonly (string | number | boolean)[]>> = {
  'attention.causal': [true],
  'attention.clamp_kqv': [0],
  'attention.max_alibi_bias': [0],
  'attention.shared_kv_layers': [0],
  attn_logit_softcapping: [0],
  embedding_scale: [0, 1], // llama.cpp takes 0 for not set
  expert_count: [0],
  expert_group_count: [0],
  expert_group_used_count: [0],
  expert_shared_count: [0],
  expert_used_count: [0],
  final_logit_softcapping: [0],
  leading_dense_block_count: [0],
  logit_scale: [0, 1],
  nextn_predict_layers: [0],
  pooling_type: [0],
  residual_scale: [0, 1],
  'rope.scaling.attn_factor': [1],
  tensor_data_layout: ['Meta AI original pth'], // the order of rows that every llama file has
  use_parallel_residual: [false],
};

/** Whether a key of the metadata changes nothing, whatever its value. @param family The architecture the file says. */
export function isIdleGgufKey(name: string, family: string): boolean {
  const [space = ''] = name.split('.', 1);
  const rest = name.slice(space.length + 1);
  if (space === family) return MODEL.has(rest);
  if (space === 'general') return GENERAL.has(rest) || GENERAL_GROUPS.test(rest);
  if (space === 'tokenizer') return TOKENIZER.test(rest);
  return !SPACES.has(space);
}
