"""Tiny models of every family of decoders, random over the fields of its config, as Hugging Face transformers runs them.

Run: python test/reference/family-models.py [FAMILY ...]      (torch, transformers)
Writes family-models.json beside itself, and a file each in family-models/ for families that came later, their hook points (hook-points.py)
among it; with families named, only these, so that the others keep their numbers.

A case is a `config.json`, as published models or `save_pretrained` write it, with the tensors of the model and what comes
out: the logits of a row's last token; norms and projections of all logits and of every gradient; greedy tokens with the
cache; the losses of LoRA under SGD. No weight is stored: element i of a tensor is center + spread * u, where u in
[-.5, .5) comes from the top 24 bits of a hash of i and the tensor's name (`values`), the center is 1 for the weights of norms
and else 0.
"""
import importlib
import json
import random
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

HERE = Path(__file__).parent
VOCABULARY = 29
TOKENS = [[3, 17, 5, 23, 11, 2, 9, 28, 14, 6], [7, 7, 20, 1, 3, 19, 25, 12, 0, 8]]
LABELS = [[17, -1, 23, 11, 2, 9, -1, 14, 6, 21], [-1, 20, 1, 3, -1, 25, 12, 0, 8, 4]]
PROMPTS = [[3, 17, 5, 23, 11, 2, 9], [7, 20]]
NEW_TOKENS = 10
PHI = 0.6180339887498949
RANK, ALPHA, RATE, STEPS = 2, 4.0, 0.02, 3
CASES = 3


def hashed(name):
    h = 2166136261
    for byte in name.encode():
        h = ((h ^ byte) * 16777619) & 0xFFFFFFFF
    return h


def values(name, shape):
    x = np.arange(int(np.prod(shape)), dtype=np.uint64) * 2654435761 + hashed(name)
    x &= 0xFFFFFFFF
    for multiplier in (0x85EBCA6B, 0xC2B2AE35):
        x ^= x >> np.uint64(15)
        x = (x * np.uint64(multiplier)) & np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(16)
    u = (x >> np.uint64(8)).astype(np.float64) / 2**24 - 0.5
    is_norm = "norm" in name and name.endswith(".weight")
    center, spread = (1, 0.5) if is_norm else (0, 1 if len(shape) > 1 else 0.5)
    return (center + spread * u).astype(np.float32).reshape(shape)


def pick(rng, *options):
    return rng.choice(options)


def some(rng, fields):
    """Fields, each at one of its options; the option `...` leaves it out."""
    chosen = {name: rng.choice(options) for name, options in fields.items()}
    return {name: value for name, value in chosen.items() if value is not ...}


def rope(rng, turned, theta_name="rope_theta", share=None, kinds=("default", "linear", "llama3", "dynamic", "yarn")):
    """Rotary positions as published configs say them, or as transformers 5 does. @param turned Numbers of a head that turn."""
    theta = pick(rng, 10000.0, 500000.0)
    kind = pick(rng, *kinds)
    scaling = {
        "default": {},
        "linear": {"factor": 4.0},
        "dynamic": {"factor": 2.0},
        "llama3": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16},
        "yarn": {"factor": 4.0, "original_max_position_embeddings": 16, **some(rng, {"beta_fast": [..., 8.0], "beta_slow": [..., 2.0], "attention_factor": [..., 0.8], "truncate": [..., False]})},
        "longrope": {"short_factor": [1.0 + 0.3 * i for i in range(turned // 2)], "long_factor": [2.0 + i for i in range(turned // 2)], **({"attention_factor": 1.3} if rng.random() < 0.4 else {})},
    }[kind]
    if theta_name is None or (rng.random() < 0.5 and theta_name == "rope_theta"):
        shares = {} if share is None else {"partial_rotary_factor": share}
        return {"rope_parameters": {"rope_type": kind, "rope_theta": theta, **scaling, **shares}}
    old = {} if kind == "default" else {"rope_scaling": {pick(rng, "type", "rope_type"): kind, **scaling}}
    shares = {} if share is None else {("rotary_pct" if theta_name == "rotary_emb_base" else "partial_rotary_factor"): share}
    return {theta_name: theta, **old, **shares}


def sizes(rng, heads=(4,), kv=(1, 2, 4), **more):
    return {
        "vocab_size": VOCABULARY,
        "hidden_size": pick(rng, 16, 32),
        "num_hidden_layers": 3,
        "num_attention_heads": pick(rng, *heads),
        **({} if kv is None else {"num_key_value_heads": pick(rng, *kv)}),
        "intermediate_size": pick(rng, 20, 40),
        "max_position_embeddings": 64,
        **more,
    }


def head_of(config):
    return config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]


def layer_types(rng, count=3):
    return [pick(rng, "sliding_attention", "full_attention") for _ in range(count)]


EPSILON = [..., 1e-5, 1e-3]
ACTIVATIONS = [..., "silu", "gelu", "gelu_pytorch_tanh"]
SCALED = ("default", "linear", "llama3", "dynamic", "yarn")


def gemma(rng):
    config = sizes(rng) | {"head_dim": pick(rng, 8, 16)} | some(rng, {"rms_norm_eps": EPSILON, "attention_bias": [..., True], "tie_word_embeddings": [..., False]})
    return config | pick(rng, {"hidden_act": "gelu", "hidden_activation": None}, {"hidden_act": "gelu_pytorch_tanh"}, {}) | rope(rng, head_of(config))


def gemma2(rng):
    fields = {"rms_norm_eps": EPSILON, "attention_bias": [..., True], "tie_word_embeddings": [..., False], "attn_logit_softcapping": [..., None, 2.0], "final_logit_softcapping": [..., None, 3.0], "hidden_activation": [..., "gelu_pytorch_tanh", "silu"], "layer_types": [..., layer_types(rng)]}
    config = sizes(rng) | {"head_dim": pick(rng, 8, 16), "query_pre_attn_scalar": pick(rng, 8, 24), "sliding_window": pick(rng, 3, 5, 64)} | some(rng, fields)
    return config | rope(rng, head_of(config))


def gemma3_text(rng):
    fields = {"rms_norm_eps": EPSILON, "attention_bias": [..., True], "tie_word_embeddings": [..., False], "attn_logit_softcapping": [..., None], "final_logit_softcapping": [..., None, 3.0], "hidden_activation": [..., "gelu_pytorch_tanh"]}
    config = sizes(rng) | {"head_dim": pick(rng, 8, 16), "query_pre_attn_scalar": pick(rng, 8, 24), "sliding_window": pick(rng, 3, 5)} | some(rng, fields)
    config |= pick(rng, {"sliding_window_pattern": 2}, {"layer_types": layer_types(rng)}, {})
    new = {"rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0}, "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}}}
    old = {"rope_theta": 500000.0, "rope_local_base_freq": 5000.0} | pick(rng, {}, {"rope_scaling": {"rope_type": "linear", "factor": 8.0}})
    return config | pick(rng, new, old, {})


def phi3(rng):
    share = pick(rng, None, 0.5)
    config = sizes(rng) | {"pad_token_id": 0} | some(rng, {"rms_norm_eps": EPSILON, "hidden_act": ACTIVATIONS, "tie_word_embeddings": [..., True], "sliding_window": [..., None, 4], "original_max_position_embeddings": [32]})
    return config | rope(rng, int(head_of(config) * (share or 1)), share=share, kinds=("default", "longrope") if share is None else ("longrope",))


def mistral(rng):
    config = sizes(rng) | some(rng, {"head_dim": [..., None, 8], "rms_norm_eps": EPSILON, "hidden_act": ACTIVATIONS, "tie_word_embeddings": [..., True], "sliding_window": [..., None, 4, 6]})
    return config | rope(rng, head_of(config))


def ministral(rng):
    config = sizes(rng) | some(rng, {"head_dim": [8], "rms_norm_eps": EPSILON, "hidden_act": ACTIVATIONS, "tie_word_embeddings": [..., True], "layer_types": [..., layer_types(rng)], "sliding_window": [3, 4]})
    return config | rope(rng, head_of(config))


def olmo2(rng):
    config = sizes(rng) | {"pad_token_id": 0, "eos_token_id": 1} | some(rng, {"hidden_act": ACTIVATIONS, "rms_norm_eps": EPSILON, "attention_bias": [..., True], "tie_word_embeddings": [..., True]})
    return config | rope(rng, head_of(config))


def olmo3(rng):
    config = sizes(rng) | {"pad_token_id": 0, "eos_token_id": 1} | some(rng, {"hidden_act": ACTIVATIONS, "rms_norm_eps": EPSILON, "attention_bias": [..., True], "tie_word_embeddings": [..., True], "layer_types": [..., layer_types(rng)], "sliding_window": [3, 4]})
    yarn = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16, "attention_factor": 1.2}
    return config | pick(rng, {"rope_theta": 500000.0, "rope_scaling": yarn}, {"rope_theta": 500000.0}, {"rope_parameters": {"full_attention": yarn | {"rope_theta": 500000.0}, "sliding_attention": {"rope_type": "default", "rope_theta": 500000.0}}})


def gpt_neox(rng):
    share = pick(rng, 0.5, 1.0, 0.25)
    config = sizes(rng, kv=None) | {"hidden_size": 32} | some(rng, {"hidden_act": ACTIVATIONS, "layer_norm_eps": EPSILON, "attention_bias": [..., False], "use_parallel_residual": [..., True, False], "tie_word_embeddings": [..., True]})
    return config | rope(rng, int(head_of(config) * share), theta_name=pick(rng, "rotary_emb_base", None), share=share, kinds=("default", "default", "linear"))


def smollm3(rng):
    fields = {"hidden_act": ACTIVATIONS, "rms_norm_eps": EPSILON, "attention_bias": [..., True], "mlp_bias": [..., True], "tie_word_embeddings": [..., False], "no_rope_layers": [..., [1, 0, 1], [0, 1, 1]], "no_rope_layer_interval": [..., 2]}
    config = sizes(rng) | {"pad_token_id": 0} | some(rng, fields) | pick(rng, {}, {"use_sliding_window": True, "sliding_window": 4}, {"use_sliding_window": True, "sliding_window": 4, "layer_types": layer_types(rng)})
    return config | rope(rng, head_of(config))


def granite(rng):
    fields = {"hidden_act": ACTIVATIONS, "rms_norm_eps": EPSILON, "attention_bias": [..., True], "mlp_bias": [..., True], "tie_word_embeddings": [..., True], "embedding_multiplier": [..., 6.0], "logits_scaling": [..., 4.0], "residual_multiplier": [..., 0.22], "attention_multiplier": [0.1, 0.3]}
    config = sizes(rng) | some(rng, fields)
    return config | rope(rng, head_of(config))


def stablelm(rng):
    share = pick(rng, None, 0.5, 1.0)
    fields = {"hidden_act": ACTIVATIONS, "layer_norm_eps": EPSILON, "use_qkv_bias": [..., True], "use_parallel_residual": [..., True], "tie_word_embeddings": [..., True]}
    config = sizes(rng) | {"hidden_size": 32} | some(rng, fields)
    return config | rope(rng, int(head_of(config) * (share or 0.25)), share=share, kinds=("default", "default", "linear"))


def starcoder2(rng):
    fields = {"hidden_act": ACTIVATIONS, "norm_epsilon": EPSILON, "use_bias": [..., False], "sliding_window": [..., None, 4], "tie_word_embeddings": [..., False]}
    config = sizes(rng) | some(rng, fields)
    return config | rope(rng, head_of(config))


def qwen2(rng):
    windows = pick(rng, {}, {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 1}, {"use_sliding_window": True, "sliding_window": 4, "layer_types": layer_types(rng)})
    config = sizes(rng) | some(rng, {"hidden_act": ACTIVATIONS, "rms_norm_eps": EPSILON, "tie_word_embeddings": [..., True]}) | windows
    return config | rope(rng, head_of(config))


def qwen3(rng):
    config = qwen2(rng) | {"head_dim": 8} | some(rng, {"attention_bias": [..., True]})
    return config | rope(rng, 8) if "rope_theta" not in config and "rope_parameters" not in config else config


def llama(rng):
    config = sizes(rng) | some(rng, {"head_dim": [..., 8], "hidden_act": ACTIVATIONS, "rms_norm_eps": EPSILON, "attention_bias": [..., True], "mlp_bias": [..., True], "tie_word_embeddings": [..., True]})
    return config | rope(rng, head_of(config))


def mixtral(rng):
    count = pick(rng, 2, 3, 4)
    fields = {"hidden_act": ACTIVATIONS, "rms_norm_eps": EPSILON, "tie_word_embeddings": [..., True], "sliding_window": [..., None, 4], "head_dim": [..., 8], "router_aux_loss_coef": [..., 0.02], "router_jitter_noise": [..., 0.0]}
    config = sizes(rng) | {"num_local_experts": count, "num_experts_per_tok": rng.randint(1, count)} | some(rng, fields)
    return config | rope(rng, head_of(config))


def qwen3_moe(rng):
    count = pick(rng, 3, 4, 5)
    fields = {"hidden_act": ACTIVATIONS, "rms_norm_eps": EPSILON, "tie_word_embeddings": [..., True], "attention_bias": [..., True], "norm_topk_prob": [..., True, False], "decoder_sparse_step": [..., 2], "mlp_only_layers": [..., [], [0], [2]], "router_aux_loss_coef": [..., 0.02]}
    windows = pick(rng, {}, {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 1}, {"use_sliding_window": False, "sliding_window": 4})
    config = sizes(rng) | {"head_dim": 8, pick(rng, "num_experts", "num_local_experts"): count, "num_experts_per_tok": rng.randint(1, count), "moe_intermediate_size": pick(rng, 8, 12)} | some(rng, fields) | windows
    return config | rope(rng, 8)


def glm(rng):
    share = pick(rng, None, 0.5, 1.0)
    fields = {"hidden_act": ACTIVATIONS, "rms_norm_eps": EPSILON, "attention_bias": [..., False], "tie_word_embeddings": [..., True]}
    config = sizes(rng) | {"head_dim": pick(rng, 8, 16), "pad_token_id": 0, "eos_token_id": 1} | some(rng, fields)
    return config | rope(rng, int(config["head_dim"] * (share or 0.5)), share=share)


def glm4(rng):
    return glm(rng)


def phi(rng):
    share = pick(rng, None, 0.5, 1.0)
    fields = {"qk_layernorm": [..., True], "tie_word_embeddings": [..., True, True], "hidden_act": ACTIVATIONS, "layer_norm_eps": EPSILON}
    config = sizes(rng, kv=pick(rng, (1, 2), None)) | {"hidden_size": 32} | some(rng, fields)
    return config | rope(rng, int(head_of(config) * (share or 0.5)), share=share, kinds=("default", "default", "linear"))


def cohere(rng):
    fields = {"use_qk_norm": [..., True], "attention_bias": [..., True], "logit_scale": [..., 0.25], "tie_word_embeddings": [..., False], "hidden_act": ACTIVATIONS, "layer_norm_eps": EPSILON}
    config = sizes(rng, kv=(2, 4)) | some(rng, fields | {"head_dim": [..., 8]})
    return config | rope(rng, head_of(config))


def cohere2(rng):
    fields = {"attention_bias": [..., True], "logit_scale": [..., 0.25], "tie_word_embeddings": [..., ..., False], "hidden_act": ACTIVATIONS, "layer_norm_eps": EPSILON, "sliding_window": [4, 3, 64]}
    config = sizes(rng) | some(rng, fields) | pick(rng, {"sliding_window_pattern": 2}, {"layer_types": layer_types(rng)}, {})
    return config | rope(rng, head_of(config))


def gptj(rng):
    width = pick(rng, 16, 32)
    fields = {"activation_function": ACTIVATIONS, "layer_norm_epsilon": EPSILON, "tie_word_embeddings": [..., True], "n_inner": [..., 24]}
    return {"vocab_size": VOCABULARY, "n_embd": width, "n_layer": 3, "n_head": 4, "n_positions": 64, "rotary_dim": pick(rng, 2, 4)} | some(rng, fields)


def opt(rng):
    width = pick(rng, 16, 32)
    fields = {"layer_norm_elementwise_affine": [..., False], "enable_bias": [..., False], "tie_word_embeddings": [..., False], "activation_function": [..., "gelu", "relu2"], "word_embed_proj_dim": [..., width]}
    return {"vocab_size": VOCABULARY, "hidden_size": width, "num_hidden_layers": 3, "num_attention_heads": 4, "ffn_dim": pick(rng, 20, 40), "max_position_embeddings": 64} | some(rng, fields)


RECTIFIERS = [..., "relu2", "silu", "relu"]


def arcee(rng):
    fields = {"hidden_act": RECTIFIERS, "rms_norm_eps": EPSILON, "attention_bias": [..., True], "mlp_bias": [..., True], "tie_word_embeddings": [..., True], "head_dim": [..., 8]}
    config = sizes(rng) | some(rng, fields)
    return config | rope(rng, head_of(config))


def ernie4_5(rng):
    fields = {"use_bias": [..., True], "tie_word_embeddings": [False, ...], "rms_norm_eps": EPSILON, "hidden_act": ACTIVATIONS, "head_dim": [8, 16]}
    config = sizes(rng) | some(rng, fields)
    return config | pick(rng, {}, rope(rng, head_of(config)))


def nemotron(rng):
    share = pick(rng, None, 0.5, 1.0)
    fields = {"hidden_act": RECTIFIERS, "norm_eps": EPSILON, "attention_bias": [..., True], "mlp_bias": [..., True], "tie_word_embeddings": [..., True], "head_dim": [..., 8, 16]}
    config = sizes(rng) | {"hidden_size": 32} | some(rng, fields)
    return config | rope(rng, int(head_of(config) * (share or 0.5)), share=share, kinds=("default", "default", "linear"))


def seed_oss(rng):
    fields = {"attention_bias": [..., False], "attention_out_bias": [..., True], "mlp_bias": [..., True], "tie_word_embeddings": [..., ..., True], "rms_norm_eps": EPSILON, "hidden_act": ACTIVATIONS, "head_dim": [8, 16]}
    config = sizes(rng) | some(rng, fields)
    return config | rope(rng, head_of(config))


def exaone4(rng):
    window = {"sliding_window": 3}
    windows = pick(rng, window | {"sliding_window_pattern": 2}, window, {"sliding_window": None, "layer_types": ["full_attention"] * 3}, window | {"sliding_window_pattern": "LLG", "layer_types": layer_types(rng)})
    fields = {"hidden_act": ACTIVATIONS, "rms_norm_eps": EPSILON, "tie_word_embeddings": [..., True], "head_dim": [..., 8, 16]}
    config = sizes(rng) | some(rng, fields) | windows
    return config | rope(rng, head_of(config))


def hunyuan_v1_dense(rng):
    alpha = {"alpha": 1000.0, "factor": 1.0, "beta_fast": 32, "beta_slow": 1, "mscale": 1.0, "mscale_all_dim": 0.0, "type": "dynamic"}
    positions = pick(rng, {"rope_theta": 10000.0, "rope_scaling": alpha}, {"rope_parameters": {"rope_theta": 500000.0, "rope_type": "dynamic", "alpha": 50.0, "factor": 2.0}}, None)
    fields = {"hidden_act": ACTIVATIONS, "rms_norm_eps": EPSILON, "attention_bias": [..., True], "tie_word_embeddings": [..., True]}
    config = sizes(rng) | {"head_dim": pick(rng, 8, 16)} | some(rng, fields)
    return config | (positions or rope(rng, head_of(config)))


def olmo(rng):
    fields = {"clip_qkv": [..., 0.8, None], "attention_bias": [..., True], "hidden_act": ACTIVATIONS, "tie_word_embeddings": [..., True]}
    config = sizes(rng) | {"pad_token_id": 0, "eos_token_id": 1} | some(rng, fields)
    return config | rope(rng, head_of(config))


def olmoe(rng):
    count = pick(rng, 2, 3, 4)
    fields = {"clip_qkv": [..., 1.2, None], "norm_topk_prob": [..., True, False], "attention_bias": [..., True], "hidden_act": ACTIVATIONS, "rms_norm_eps": EPSILON, "tie_word_embeddings": [..., True], "router_aux_loss_coef": [..., 0.02]}
    config = sizes(rng) | {"pad_token_id": 0, "eos_token_id": 1, "num_experts": count, "num_experts_per_tok": rng.randint(1, count)} | some(rng, fields)
    return config | rope(rng, head_of(config))


def qwen2_moe(rng):
    windows = pick(rng, {}, {"use_sliding_window": True, "sliding_window": 3, "layer_types": layer_types(rng)}, {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 2, "layer_types": layer_types(rng)}, {"use_sliding_window": False, "sliding_window": 4})
    count = pick(rng, 3, 4, 5)
    fields = {"qkv_bias": [..., ..., False], "hidden_act": ACTIVATIONS, "rms_norm_eps": EPSILON, "tie_word_embeddings": [..., True], "norm_topk_prob": [..., True, False], "decoder_sparse_step": [..., ..., 2], "mlp_only_layers": [..., [], [0], [2]]}
    config = sizes(rng) | {"num_experts": count, "num_experts_per_tok": rng.randint(1, count), "moe_intermediate_size": pick(rng, 8, 12), "shared_expert_intermediate_size": pick(rng, 10, 16)} | some(rng, fields) | windows
    return config | rope(rng, head_of(config))


def apertus(rng):
    fields = {"hidden_act": [..., "xielu", ..., "relu2"], "attention_bias": [..., True], "tie_word_embeddings": [..., True], "rms_norm_eps": EPSILON, "head_dim": [..., 8]}
    config = sizes(rng) | some(rng, fields)
    positions = rope(rng, head_of(config))
    return config | positions | ({} if "rope_parameters" in positions else {"rope_scaling": {"rope_type": "default"}} | positions)


def stablelm_12b(rng):
    """StableLM 2 12B: each head's queries and keys are normed by a module of their own."""
    return {**stablelm(rng), "model_type": "stablelm", "qk_layernorm": True}


def with_images(text, vision, **more):
    """A model that sees images beside text; only the language model inside has a gradient here."""
    outer = {name: text[name] for name in ("tie_word_embeddings",) if name in text}
    return {"text_config": text, "vision_config": vision, **outer, **more}


def gemma3(rng):
    vision = dict(model_type="siglip_vision_model", hidden_size=16, intermediate_size=12, num_hidden_layers=1, num_attention_heads=2, image_size=8, patch_size=4, vision_use_head=False)
    tokens = dict(boi_token_index=26, eoi_token_index=27, image_token_index=40, mm_tokens_per_image=4)
    return with_images(gemma3_text(rng) | pick(rng, {"model_type": "gemma3_text"}, {}), vision, **tokens)


def mistral3(rng):
    vision = dict(model_type="pixtral", hidden_size=16, intermediate_size=12, num_hidden_layers=1, num_attention_heads=2, head_dim=8, image_size=8, patch_size=4)
    more = dict(image_token_index=40) | some(rng, {"spatial_merge_size": [2, 1], "multimodal_projector_bias": [..., True], "vision_feature_layer": [..., -1]})
    return with_images(mistral(rng) | {"model_type": "mistral"}, vision, **more)


FAMILIES = {f.__name__: f for f in (llama, gemma, gemma2, gemma3_text, phi3, mistral, ministral, olmo2, olmo3, gpt_neox, smollm3, granite, stablelm, starcoder2, qwen2, qwen3, mixtral, qwen3_moe)}
LATER = {f.__name__: f for f in (glm, glm4, phi, cohere, cohere2, stablelm_12b, gptj, opt, arcee, ernie4_5, nemotron, seed_oss, exaone4, hunyuan_v1_dense, olmo, olmoe, qwen2_moe, apertus, gemma3, mistral3)}


def class_of(config):
    """The class that opens a model: most of those that see images too are no models for text to transformers."""
    return AutoModelForImageTextToText if config["model_type"] == "mistral3" else AutoModelForCausalLM


def model_of(config):
    """The model of a config as transformers reads it from a file."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(config))
        read = AutoConfig.from_pretrained(folder)
    model = class_of(config).from_config(read, attn_implementation="eager", experts_implementation="eager").eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            for stored_name, part in parts(model, name, parameter):
                part.copy_(torch.from_numpy(values(stored_name, tuple(part.shape))))
    model.get_input_embeddings().padding_idx = None  # PyTorch would give the row of that token no gradient
    return model


def stored(model, name):
    """A parameter's name in files: transformers 5 has NeoX's head under another one in memory."""
    if model.config.model_type == "mixtral":
        return name.replace(".mlp.gate.", ".block_sparse_moe.gate.")
    return "embed_out.weight" if model.config.model_type == "gpt_neox" and name == "lm_head.weight" else name


def parts(model, name, tensor):
    """A parameter, or its gradient, by the names in files: transformers 5 has all experts of a layer in two parameters."""
    at, _, kind = name.partition("experts.")
    if not kind:
        yield stored(model, name), tensor
        return
    is_mixtral = model.config.model_type == "mixtral"
    at = at.replace(".mlp.", ".block_sparse_moe.") if is_mixtral else at
    names = ("w1", "w3", "w2") if is_mixtral else ("gate_proj", "up_proj", "down_proj")
    for e in range(len(tensor)):
        halves = zip(names, tensor[e].chunk(2)) if kind == "gate_up_proj" else [(names[2], tensor[e])]
        for own, part in halves:
            yield f"{at}experts.{e}.{own}.weight", part


def projections(tensor, count=1, digits=6):
    flat = tensor.detach().double().reshape(-1)
    places = torch.arange(1, len(flat) + 1, dtype=torch.float64)
    sums = [float((flat * torch.cos(places * (k + 1) * PHI)).sum()) for k in range(count)]
    return [float(f"{value:.{digits}g}") for value in [float(flat.norm()), *sums]]


def loss_of(model):
    logits = model(input_ids=torch.tensor(TOKENS), use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.tensor(LABELS).flatten(), ignore_index=-1)


def factor(length, wave, rate):
    return (0.2 * wave(rate * torch.arange(1, length + 1, dtype=torch.float64))).float().double()


def lora_losses(model):
    """The losses of SGD on the factors of every linear inside the blocks (with experts: of attention), A_i = .2 sin(1.3 (i + 1)), B_i = .2 cos(.7 (i + 1))."""
    model.requires_grad_(False)
    factors = []
    for name, module in list(model.named_modules()):
        if not isinstance(module, torch.nn.Linear) or (".layers." not in name and ".h." not in name) or (hasattr(model.config, "num_experts_per_tok") and ".self_attn." not in name):
            continue
        d_out, d_in = module.weight.shape
        a = factor(RANK * d_in, torch.sin, 1.3).reshape(RANK, d_in).requires_grad_()
        b = factor(RANK * d_out, torch.cos, 0.7).reshape(d_out, RANK).requires_grad_()
        module.register_forward_hook(lambda _, inputs, output, a=a, b=b: output + ALPHA / RANK * inputs[0] @ a.T @ b.T)
        factors += [a, b]
    optimizer = torch.optim.SGD(factors, lr=RATE)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(model)
        loss.backward()
        optimizer.step()
        losses.append(float(f"{loss.item():.8g}"))
    return losses


def case(family, index):
    rng = random.Random(f"{family} {index}")
    config = {"model_type": family, **(FAMILIES | LATER)[family](rng)}
    model = model_of(config)
    if rng.random() < 0.4:  # as `save_pretrained` writes it
        config = json.loads(model.config.to_json_string(use_diff=True))
    with torch.no_grad():
        logits = model(torch.tensor(TOKENS), use_cache=False).logits
        replies = [model.generate(torch.tensor([p]), attention_mask=torch.ones(1, len(p), dtype=torch.long), max_new_tokens=NEW_TOKENS, min_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=None, pad_token_id=0)[0, len(p):].tolist() for p in PROMPTS]
    model = model.double()
    loss = loss_of(model)
    loss.backward()
    tensors = {name: [list(part.shape), projections(part)] for parameter, p in model.named_parameters() if p.grad is not None for name, part in parts(model, parameter, p.grad)}
    carried = {name: list(p.shape) for name, p in model.named_parameters() if p.grad is None}
    constants = {name: float(f"{buffer.item():.8g}") for name, buffer in model.named_buffers() if ".act_fn." in name}
    return {
        "config": config,
        "tensors": tensors,
        **({"carried": carried} if carried else {}),
        **({"constants": constants} if constants else {}),
        "last": [float(f"{v:.8g}") for v in logits[0, -1].tolist()],
        "logits": projections(logits, 4, 8),
        "loss": float(f"{loss.item():.8g}"),
        "replies": replies,
        "lora": lora_losses(model),
    }


def stored_families():
    """All cases, by family, as they were written."""
    families = json.loads((HERE / "family-models.json").read_text())["families"]
    for path in sorted((HERE / "family-models").glob("*.json")):
        families[path.stem] = json.loads(path.read_text())["models"]
    return families


def write(path, content):
    text = json.dumps({"source": f"transformers {transformers.__version__}, torch {torch.__version__}; test/reference/family-models.py", **content}, separators=(",", ":")) + "\n"
    path.write_text(text)
    print(path.name, len(text), "bytes")


def write_later(family):
    cases = [case(family, index) for index in range(CASES)]
    for one in cases:
        one["hookPoints"] = importlib.import_module("hook-points").numbers(model_of(one["config"]))
    write(HERE / "family-models" / f"{family}.json", {"models": cases})
    return [one["config"] for one in cases]


def main():
    torch.set_num_threads(1)
    for family in sys.argv[1:] or LATER:
        print(write_later(family) if family in LATER else [case(family, index)["config"] for index in range(CASES)])
    if len(sys.argv) > 1:
        return
    cases = {family: [case(family, index) for index in range(CASES)] for family in FAMILIES}
    about = {"tokens": TOKENS, "labels": LABELS, "prompts": PROMPTS, "phi": PHI, "rank": RANK, "alpha": ALPHA, "rate": RATE}
    write(HERE / "family-models.json", {**about, "families": cases})


if __name__ == "__main__":
    main()
