"""What the models of family-models.py, and the tiny GPT-2 of the fixtures, compute at TransformerLens's hook points.

Run: python test/reference/hook-points.py      (torch, transformers; with transformer-lens also against its own hooks)
Writes hook-points.json beside itself, for the families of family-models.json (family-models.py writes those of the others): by model and hook point the norm and two projections of both rows' activations, read by forward
hooks on the modules of transformers. With transformer-lens the GPT-2 is run there too, and must have the same numbers under each name.
"""
import importlib
import json
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM

families = importlib.import_module("family-models")
HERE = Path(__file__).parent
GPT2 = HERE.parent / "fixtures" / "models" / "gpt2"
# Module names of a layer, from transformers: attention's and the MLP's last matrices, and the norms behind attention and MLP where norms
# stand after; `mid` is what first reads the stream between the two.
LLAMA = {"layers": "model.layers", "z": "self_attn.o_proj", "down": "mlp.down_proj", "mid": "post_attention_layernorm"}
GEMMA2 = LLAMA | {"mid": "pre_feedforward_layernorm", "attn": "post_attention_layernorm", "mlp": "post_feedforward_layernorm"}
OLMO2 = GEMMA2 | {"mid": "mlp"}
MODULES = {
    "gpt2": {"layers": "transformer.h", "z": "attn.c_proj", "down": "mlp.c_proj", "mid": "ln_2"},
    "gemma2": GEMMA2,
    "gemma3_text": GEMMA2,
    "olmo2": OLMO2,
    "olmo3": OLMO2,
    "exaone4": OLMO2,
    "gpt_neox": {"layers": "gpt_neox.layers", "z": "attention.dense", "down": "mlp.dense_4h_to_h", "mid": "post_attention_layernorm"},
    "glm4": LLAMA | {"attn": "post_self_attn_layernorm", "mlp": "post_mlp_layernorm"},
    "apertus": LLAMA | {"mid": "feedforward_layernorm"},
    "gptj": {"layers": "transformer.h", "z": "attn.out_proj", "down": "mlp.fc_out", "mid": "mlp"},
    "opt": {"layers": "model.decoder.layers", "z": "self_attn.out_proj", "down": "fc2", "mid": "final_layer_norm"},
    "phi": LLAMA | {"z": "self_attn.dense", "down": "mlp.fc2"},
    "starcoder2": LLAMA | {"down": "mlp.c_proj"},
    "gemma3": GEMMA2 | {"layers": "model.language_model.layers"},
    "mistral3": LLAMA | {"layers": "model.language_model.layers"},
}


def tokens_of(vocabulary):
    return torch.tensor(families.TOKENS) % vocabulary


def is_parallel(config):
    by_default = config.model_type in ("gpt_neox", "phi", "cohere", "cohere2", "gptj")
    return bool(getattr(config, "use_parallel_residual", by_default))


def activations(model):
    names = MODULES.get(model.config.model_type, LLAMA)
    factor = getattr(model.config, "residual_multiplier", 1.0)
    seen = {}

    def keep(name, value, times=1.0):
        seen[name] = (value[0] if isinstance(value, tuple) else value).detach() * times

    for index, layer in enumerate(model.get_submodule(names["layers"])):
        at = f"blocks.{index}"
        module = layer.get_submodule

        def before(path, name, of=module):
            of(path).register_forward_pre_hook(lambda _, inputs, name=name: keep(name, inputs[0]))

        def after(path, name, of=module):
            of(path).register_forward_hook(lambda _, inputs, output, name=name: keep(name, output, factor))

        layer.register_forward_pre_hook(lambda _, inputs, kwargs, at=at: keep(f"{at}.hook_resid_pre", inputs[0] if inputs else kwargs["hidden_states"]), with_kwargs=True)
        layer.register_forward_hook(lambda _, inputs, output, at=at: keep(f"{at}.hook_resid_post", output))
        before(names["z"], f"{at}.attn.hook_z")
        after(names.get("attn", names["z"]), f"{at}.hook_attn_out")
        if not is_parallel(model.config):
            before(names["mid"], f"{at}.hook_resid_mid")
        has_experts = hasattr(module("mlp") if "mlp." in names["down"] else layer, "experts")
        if not has_experts:
            before(names["down"], f"{at}.mlp.hook_post")
        after("mlp" if has_experts else names.get("mlp", names["down"]), f"{at}.hook_mlp_out")
    with torch.no_grad():
        model(tokens_of(model.config.get_text_config().vocab_size), use_cache=False)
    return seen


def numbers(model):
    return {name: families.projections(value, 2, 7) for name, value in sorted(activations(model).items())}


def check_against_transformer_lens(model):
    try:
        from transformer_lens import HookedTransformer, HookedTransformerConfig
        from transformer_lens.pretrained.weight_conversions import convert_gpt2_weights
    except ImportError:
        return print("without transformer-lens: not compared")
    config = model.config
    cfg = HookedTransformerConfig(n_layers=config.n_layer, d_model=config.n_embd, n_ctx=config.n_positions, n_heads=config.n_head, d_head=config.n_embd // config.n_head, d_mlp=4 * config.n_embd, d_vocab=config.vocab_size, act_fn="gelu_new", normalization_type="LN", eps=config.layer_norm_epsilon, original_architecture="GPT2LMHeadModel")
    hooked = HookedTransformer(cfg)
    hooked.load_state_dict(convert_gpt2_weights(model, cfg), strict=False)
    with torch.no_grad():
        _, cache = hooked.run_with_cache(tokens_of(config.vocab_size), prepend_bos=False)
    for name, value in activations(model).items():
        theirs = cache[name].reshape(value.shape)
        assert torch.allclose(theirs, value, rtol=1e-4, atol=1e-4), (name, (theirs - value).abs().max())
    print("transformer-lens has the same at", len(activations(model)), "hook points")


def main():
    torch.set_num_threads(1)
    gpt2 = AutoModelForCausalLM.from_pretrained(GPT2, attn_implementation="eager", torch_dtype=torch.float32).eval()
    stored = json.loads((HERE / "family-models.json").read_text())["families"]
    cases = {family: [numbers(families.model_of(one["config"])) for one in of] for family, of in stored.items()}
    reference = {"source": f"transformers {transformers.__version__}, torch {torch.__version__}; test/reference/hook-points.py", "gpt2": numbers(gpt2), "families": cases}
    text = json.dumps(reference, separators=(",", ":")) + "\n"
    (HERE / "hook-points.json").write_text(text)
    print(len(text), "bytes")
    check_against_transformer_lens(AutoModelForCausalLM.from_pretrained(GPT2, attn_implementation="eager", torch_dtype=torch.float32).eval())


if __name__ == "__main__":
    main()
