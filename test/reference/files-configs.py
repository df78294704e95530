"""Writes files-configs.json: configs of known models with what transformers makes of them, and logits of odd folders.

`configs`: for each, config.json as it is published or as transformers 5 saves it, and the sizes transformers reads in it.
`logits`: of tiny models of test/fixtures/models whose folder was changed as the names say (the same changes are made in
test/learning/altered-files.ts); float32, last position, for the tokens of `ids`.
Made with transformers 5.24, torch 2.15. Run: python test/reference/files-configs.py
"""
import json
import math
import shutil
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, GPT2Config, LlamaConfig, Qwen2Config, Qwen3Config

HERE = Path(__file__).parent
MODELS = HERE.parent / "fixtures" / "models"
IDS = [3, 17, 5, 29, 11, 2, 38, 7]
LLAMA3_ROPE = {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"}

# As published on the hub, key by key.
PUBLISHED = {
    "Llama-3.2-1B": {"architectures": ["LlamaForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 128000, "eos_token_id": 128001, "head_dim": 64, "hidden_act": "silu", "hidden_size": 2048, "initializer_range": 0.02, "intermediate_size": 8192, "max_position_embeddings": 131072, "mlp_bias": False, "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 16, "num_key_value_heads": 8, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": LLAMA3_ROPE, "rope_theta": 500000.0, "tie_word_embeddings": True, "torch_dtype": "bfloat16", "transformers_version": "4.45.0.dev0", "use_cache": True, "vocab_size": 128256},
    "Llama-3.1-8B-Instruct": {"architectures": ["LlamaForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 128000, "eos_token_id": [128001, 128008, 128009], "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02, "intermediate_size": 14336, "max_position_embeddings": 131072, "mlp_bias": False, "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": LLAMA3_ROPE | {"factor": 8.0}, "rope_theta": 500000.0, "tie_word_embeddings": False, "torch_dtype": "bfloat16", "transformers_version": "4.42.3", "use_cache": True, "vocab_size": 128256},
    "TinyLlama-1.1B-Chat-v1.0": {"architectures": ["LlamaForCausalLM"], "attention_bias": False, "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 2048, "initializer_range": 0.02, "intermediate_size": 5632, "max_position_embeddings": 2048, "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 22, "num_key_value_heads": 4, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": None, "rope_theta": 10000.0, "tie_word_embeddings": False, "torch_dtype": "bfloat16", "transformers_version": "4.35.0", "use_cache": True, "vocab_size": 32000},
    "SmolLM2-135M-Instruct": {"architectures": ["LlamaForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 576, "initializer_range": 0.041666666666666664, "intermediate_size": 1536, "is_llama_config": True, "max_position_embeddings": 8192, "mlp_bias": False, "model_type": "llama", "num_attention_heads": 9, "num_hidden_layers": 30, "num_key_value_heads": 3, "pad_token_id": 2, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_interleaved": False, "rope_scaling": None, "rope_theta": 100000, "tie_word_embeddings": True, "torch_dtype": "bfloat16", "transformers_version": "4.42.3", "transformers.js_config": {"kv_cache_dtype": {"q4f16": "float16", "fp16": "float16"}}, "use_cache": True, "vocab_size": 49152},
    "Qwen2.5-0.5B": {"architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151643, "hidden_act": "silu", "hidden_size": 896, "initializer_range": 0.02, "intermediate_size": 4864, "max_position_embeddings": 32768, "max_window_layers": 24, "model_type": "qwen2", "num_attention_heads": 14, "num_hidden_layers": 24, "num_key_value_heads": 2, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 32768, "tie_word_embeddings": True, "torch_dtype": "bfloat16", "transformers_version": "4.40.1", "use_cache": True, "use_mrope": False, "use_sliding_window": False, "vocab_size": 151936},
    "Qwen2.5-7B-Instruct": {"architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151645, "hidden_act": "silu", "hidden_size": 3584, "initializer_range": 0.02, "intermediate_size": 18944, "max_position_embeddings": 32768, "max_window_layers": 28, "model_type": "qwen2", "num_attention_heads": 28, "num_hidden_layers": 28, "num_key_value_heads": 4, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 131072, "tie_word_embeddings": False, "torch_dtype": "bfloat16", "transformers_version": "4.43.1", "use_cache": True, "use_sliding_window": False, "vocab_size": 152064},
    "Qwen3-0.6B": {"architectures": ["Qwen3ForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151645, "head_dim": 128, "hidden_act": "silu", "hidden_size": 1024, "initializer_range": 0.02, "intermediate_size": 3072, "max_position_embeddings": 40960, "max_window_layers": 28, "model_type": "qwen3", "num_attention_heads": 16, "num_hidden_layers": 28, "num_key_value_heads": 8, "rms_norm_eps": 1e-06, "rope_scaling": None, "rope_theta": 1000000, "sliding_window": None, "tie_word_embeddings": True, "torch_dtype": "bfloat16", "transformers_version": "4.51.0", "use_cache": True, "use_sliding_window": False, "vocab_size": 151936},
    "gpt2": {"activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "attn_pdrop": 0.1, "bos_token_id": 50256, "embd_pdrop": 0.1, "eos_token_id": 50256, "initializer_range": 0.02, "layer_norm_epsilon": 1e-05, "model_type": "gpt2", "n_ctx": 1024, "n_embd": 768, "n_head": 12, "n_layer": 12, "n_positions": 1024, "resid_pdrop": 0.1, "summary_activation": None, "summary_first_dropout": 0.1, "summary_proj_to_labels": True, "summary_type": "cls_index", "summary_use_proj": True, "task_specific_params": {"text-generation": {"do_sample": True, "max_length": 50}}, "vocab_size": 50257},
    "distilgpt2": {"_num_labels": 1, "activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "attn_pdrop": 0.1, "bos_token_id": 50256, "embd_pdrop": 0.1, "eos_token_id": 50256, "id2label": {"0": "LABEL_0"}, "initializer_range": 0.02, "label2id": {"LABEL_0": 0}, "layer_norm_epsilon": 1e-05, "model_type": "gpt2", "n_ctx": 1024, "n_embd": 768, "n_head": 12, "n_layer": 6, "n_positions": 1024, "resid_pdrop": 0.1, "summary_activation": None, "summary_first_dropout": 0.1, "summary_proj_to_labels": True, "summary_type": "cls_index", "summary_use_proj": True, "task_specific_params": {"text-generation": {"do_sample": True, "max_length": 50}}, "vocab_size": 50257},
}
CLASSES = {"llama": LlamaConfig, "qwen2": Qwen2Config, "qwen3": Qwen3Config, "gpt2": GPT2Config}


def meaning(config) -> dict:
    rope = None if config.model_type == "gpt2" else config.rope_parameters
    heads = config.num_attention_heads
    return {
        "family": config.model_type,
        "dModel": config.hidden_size,
        "nLayers": config.num_hidden_layers,
        "nHeads": heads,
        "nKvHeads": heads if rope is None else config.num_key_value_heads,
        "headDim": getattr(config, "head_dim", None) or config.hidden_size // heads,
        "vocabulary": config.vocab_size,
        "contextLength": config.max_position_embeddings,
        "epsilon": config.layer_norm_epsilon if rope is None else config.rms_norm_eps,
        "tied": config.tie_word_embeddings,
        **({} if rope is None else {"theta": rope["rope_theta"], "rope": rope["rope_type"]}),
    }


def read(config: dict):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(config))
        return AutoConfig.from_pretrained(folder)


def configs() -> dict:
    found = {}
    for name, config in PUBLISHED.items():
        parsed = read(config)
        parsed._name_or_path = name  # not the temporary folder it was read from
        found[name] = {"config": config, "means": meaning(parsed)}
        found[f"{name}, as transformers 5 saves it"] = {"config": json.loads(parsed.to_json_string()), "means": meaning(parsed)}
        found[f"{name}, every field"] = {"config": json.loads(parsed.to_json_string(use_diff=False)), "means": meaning(parsed)}
    for name, kind in CLASSES.items():
        found[f"the defaults of {name}"] = {"config": json.loads(kind().to_json_string(use_diff=False)), "means": meaning(kind())}
    return found


def sines(*shape: int) -> torch.Tensor:
    """0.3 sin(1.3 (i + 1)), computed in float64."""
    return torch.tensor([0.3 * math.sin(1.3 * (i + 1)) for i in range(math.prod(shape))], dtype=torch.float32).reshape(shape)


def own_head(tensors: dict) -> dict:
    embedding = next(value for name, value in tensors.items() if name.endswith((".embed_tokens.weight", ".wte.weight")))
    return tensors | {"lm_head.weight": sines(*embedding.shape)}


def head_alone(tensors: dict) -> dict:
    return {("lm_head.weight" if name == "model.embed_tokens.weight" else name): value for name, value in tensors.items()}


def same(tensors: dict) -> dict:
    return tensors


CASES = {
    "a tied model with a head of its own": ("qwen2", own_head, {}),
    "a tied GPT-2 with a head of its own": ("gpt2", own_head, {}),
    "a tied model whose embedding is stored as the head": ("qwen2", head_alone, {}),
    "theta inside rope_scaling": ("qwen3", same, {"rope_parameters": None, "rope_scaling": {"type": "linear", "factor": 4.0, "rope_theta": 3000.0}}),
    "theta beside rope_scaling": ("qwen3", same, {"rope_parameters": None, "rope_theta": 3000.0, "rope_scaling": {"rope_type": "linear", "factor": 4.0}}),
    "theta beside rope_parameters": ("qwen3", same, {"rope_parameters": {"rope_type": "linear", "factor": 4.0}, "rope_theta": 3000.0}),
}


def logits() -> dict:
    found = {}
    for name, (source, change, options) in CASES.items():
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "model"
            shutil.copytree(MODELS / source, folder)
            config = json.loads((folder / "config.json").read_text()) | options
            (folder / "config.json").write_text(json.dumps({key: value for key, value in config.items() if value is not None or key not in options}))
            save_file({key: value.contiguous() for key, value in change(load_file(folder / "model.safetensors")).items()}, folder / "model.safetensors", {"format": "pt"})
            model = AutoModelForCausalLM.from_pretrained(str(folder), dtype=torch.float32).eval()
            with torch.no_grad():
                values = model(torch.tensor([IDS])).logits[0, -1]
            found[name] = {"model": source, "options": options, "logits": [round(float(value), 6) for value in values]}
    return found


(HERE / "files-configs.json").write_text(json.dumps({"ids": IDS, "configs": configs(), "logits": logits()}, indent=0) + "\n")
