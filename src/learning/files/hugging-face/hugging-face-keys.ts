/**
 * The settings of a `config.json` that change nothing of what Assay computes, by the reason; every other one is read or
 * refused. Closed on purpose: a key that is not here may be new, and mean something.
 * Source: the configuration classes of transformers 4 and 5, and the configs of published models.
 */

const NEVER: Readonly<Record<string, readonly string[]>> = {
  'names and origins': [
    '_commit_hash',
    '_name_or_path',
    'finetuning_task',
    'is_llama_config',
    'model_name',
    'name_or_path',
    'transformers_version',
    'unsloth_fixed',
    'unsloth_version',
  ],
  'how the same numbers are computed: kernels, caches, slices, memory': [
    '_attn_implementation',
    '_attn_implementation_autoset',
    '_attn_implementation_internal',
    '_flash_attn_2_enabled',
    'attn_implementation',
    'cache_implementation',
    'gradient_checkpointing',
    'low_memory',
    'pretraining_tp',
    'reorder_and_upcast_attn',
    'torchscript',
    'transformers.js_config',
    'use_cache',
    'use_flash_attn',
  ],
  'what a call returns besides': [
    'keys_to_ignore_at_inference',
    'output_attentions',
    'output_hidden_states',
    'output_past',
    'output_scores',
    'return_dict',
    'return_dict_in_generate',
    'tie_last_hidden_states',
    'use_return_dict',
  ],
  'how weights start before training; these are read': ['initializer_range', 'init_std'],
  'dropout while training: Assay trains without': [
    'activation_dropout',
    'attention_dropout',
    'attn_pdrop',
    'classifier_dropout',
    'dropout',
    'embd_pdrop',
    'hidden_dropout',
    'embedding_dropout',
    'layerdrop',
    'resid_pdrop',
    'residual_dropout',
  ],
  'heads that classify or score, which are not read': [
    '_num_labels',
    'id2label',
    'label2id',
    'num_labels',
    'predict_special_tokens',
    'problem_type',
    'summary_activation',
    'summary_first_dropout',
    'summary_proj_to_labels',
    'summary_type',
    'summary_use_proj',
    'task_specific_params',
  ],
  'token ids: the tokenizer has its own, sampling stops at those of generation_config.json and eos_token_id': [
    'bos_token_id',
    'decoder_start_token_id',
    'eos_token_id',
    'pad_token_id',
    'sep_token_id',
    'tokenizer_class',
    'unk_token_id',
  ],
  'how older versions sampled: an evaluation says it itself': [
    'bad_words_ids',
    'begin_suppress_tokens',
    'diversity_penalty',
    'do_sample',
    'early_stopping',
    'encoder_no_repeat_ngram_size',
    'exponential_decay_length_penalty',
    'forced_bos_token_id',
    'forced_eos_token_id',
    'length_penalty',
    'max_length',
    'max_new_tokens',
    'min_length',
    'no_repeat_ngram_size',
    'num_beam_groups',
    'num_beams',
    'num_return_sequences',
    'remove_invalid_values',
    'repetition_penalty',
    'suppress_tokens',
    'temperature',
    'top_k',
    'top_p',
    'typical_p',
  ],
  'lengths that older loaders kept for themselves': ['max_sequence_length', 'model_max_length'],
};

const IDLE: ReadonlySet<string> = new Set(Object.values(NEVER).flat());

/** Whether a key of `config.json` changes nothing, whatever its value. */
export function isIdleConfigKey(name: string): boolean {
  return IDLE.has(name);
}

/** Settings that change something unless they say what every supported model does anyway; null says nothing. */
export const ONLY: Readonly<Record<string, readonly (string | number | boolean)[]>> = {
  chunk_size_feed_forward: [0],
  is_decoder: [false, true], // causal in either case: the model types that are read have no other
  is_encoder_decoder: [false],
  n_special: [0],
  prefix: ['', '</s>'], // OPT's: its tokenizer begins with it too
  rope_interleaved: [false],
  tf_legacy_loss: [false],
  tie_encoder_decoder: [false],
  use_bfloat16: [false],
  use_bidirectional_attention: [false],
  use_mrope: [false],
};
