"""Reference numbers for the transformer models: logits, loss and gradients of tiny random models as Hugging Face
transformers defines them (GPT2LMHeadModel, LlamaForCausalLM, eager attention), with and without LoRA.

Run: python test/reference/model.py      (torch, transformers)
Writes model-gpt2.json and model-llama.json beside itself.

Parameters are decimals of five digits, rounded to float32; logits, loss and gradients are computed in float64 from
them (transformers itself keeps Llama's RMSNorm, softmax and RoPE in float32: those numbers carry errors up to 8e-7), so
a float32 implementation should agree to a few 1e-6. Loss: mean cross-entropy over the positions whose label is
not -1; labels are already aligned (labels[b][t] is the target of position t; nothing is shifted). Each tensor is
{"shape": [...], "data": [flat, row-major]}. Names and layouts are those of the state dicts: GPT-2's Conv1D weights are
[in, out], Llama's Linear weights [out, in].

LoRA: for every adapted linear with y = x W (W as [in, out]) the output gains (alpha / r) * (x A^T) B^T with
A [r, in], B [out, r], as in PEFT; B is not zero, so that both gradients are seen. Only A and B train there: the base
gradients are of the model without LoRA.
"""

import json
import math
import pathlib

import torch
import transformers
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

HERE = pathlib.Path(__file__).parent
ROWS, TOKENS, VOCABULARY = 2, 5, 11
LORA_RANK, LORA_ALPHA = 2, 4.0

GPT2 = GPT2Config(
    vocab_size=VOCABULARY,
    n_positions=8,
    n_embd=16,
    n_layer=2,
    n_head=2,
    activation_function="gelu",  # exact: x * Phi(x)
    resid_pdrop=0.0,
    embd_pdrop=0.0,
    attn_pdrop=0.0,
    layer_norm_epsilon=1e-5,
    bos_token_id=None,
    eos_token_id=None,
    tie_word_embeddings=True,
    attn_implementation="eager",
)
LLAMA = LlamaConfig(
    vocab_size=VOCABULARY,
    hidden_size=16,
    intermediate_size=24,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=4,
    hidden_act="silu",
    rms_norm_eps=1e-5,
    rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    max_position_embeddings=8,
    attention_bias=False,
    mlp_bias=False,
    tie_word_embeddings=False,
    attn_implementation="eager",
)


def tensor_json(tensor, digits):
    flat = tensor.detach().reshape(-1).tolist()
    return {"shape": list(tensor.shape), "data": [float(f"{x:.{digits}g}") for x in flat]}


def randomize(model, generator):
    """Every parameter away from its special value (norm gains from 1, biases from 0), rounded to float32."""
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        is_gain = name.endswith("weight") and ("ln_" in name or "norm" in name)
        value = 1 + 0.2 * noise if is_gain else (0.1 if name.endswith("bias") else 0.25) * noise
        # Five significant digits keep the file small; rounding to float32 makes the decimal exact there.
        value = value.apply_(lambda x: float(f"{x:.5g}")).float().double()
        parameter.data.copy_(value)


class Lora(torch.nn.Module):
    """A linear (torch Linear or GPT-2 Conv1D) with an adapter beside it."""

    def __init__(self, base, generator):
        super().__init__()
        is_conv1d = type(base).__name__ == "Conv1D"
        d_in, d_out = base.weight.shape if is_conv1d else reversed(base.weight.shape)
        self.base = base

        def drawn(rows, columns):
            noise = 0.3 * torch.randn(rows, columns, generator=generator, dtype=torch.float64)
            return torch.nn.Parameter(noise.apply_(lambda x: float(f"{x:.5g}")).float().double())

        self.lora_A = drawn(LORA_RANK, d_in)
        self.lora_B = drawn(d_out, LORA_RANK)

    def forward(self, x):
        return self.base(x) + (LORA_ALPHA / LORA_RANK) * (x @ self.lora_A.T) @ self.lora_B.T


def forward_loss(model, tokens, labels):
    logits = model(input_ids=tokens).logits
    loss = torch.nn.functional.cross_entropy(logits.reshape(-1, VOCABULARY), labels.reshape(-1), ignore_index=-1)
    return logits, loss


def adapt(model, generator):
    """Puts an adapter beside every linear inside the blocks (the head is left alone); returns name -> adapter."""
    adapters = {}
    for name, module in list(model.named_modules()):
        if type(module).__name__ not in ("Linear", "Conv1D") or name == "lm_head":
            continue
        parent_name, child = name.rsplit(".", 1)
        adapters[name] = Lora(module, generator)
        setattr(model.get_submodule(parent_name), child, adapters[name])
    return adapters


def reference(model, config, seed):
    generator = torch.Generator().manual_seed(seed)
    model.double().eval()
    randomize(model, generator)
    tokens = torch.randint(0, VOCABULARY, (ROWS, TOKENS), generator=generator)
    labels = torch.randint(0, VOCABULARY, (ROWS, TOKENS), generator=generator)
    labels[0, 1] = labels[1, 0] = labels[1, 3] = -1
    tokens[0, 3] = tokens[0, 0]  # the same token twice: its embedding gradient must sum

    logits, loss = forward_loss(model, tokens, labels)
    loss.backward()
    out = {
        "source": f"transformers {transformers.__version__}, torch {torch.__version__}; test/reference/model.py",
        "config": config,
        "tokens": {"shape": [ROWS, TOKENS], "data": tokens.reshape(-1).tolist()},
        "labels": {"shape": [ROWS, TOKENS], "data": labels.reshape(-1).tolist()},
        "parameters": {name: tensor_json(p, 5) for name, p in model.named_parameters()},
        "logits": tensor_json(logits, 10),
        "loss": loss.item(),
        "gradients": {name: tensor_json(p.grad, 9) for name, p in model.named_parameters()},
    }

    model.requires_grad_(False)
    adapters = adapt(model, generator)
    logits, loss = forward_loss(model, tokens, labels)
    loss.backward()
    pairs = [(f"{name}.{half}", getattr(a, half)) for name, a in adapters.items() for half in ("lora_A", "lora_B")]
    out["lora"] = {
        "rank": LORA_RANK,
        "alpha": LORA_ALPHA,
        "parameters": {name: tensor_json(p, 5) for name, p in pairs},
        "logits": tensor_json(logits, 10),
        "loss": loss.item(),
        "gradients": {name: tensor_json(p.grad, 9) for name, p in pairs},
    }
    assert all(math.isfinite(x) for g in out["gradients"].values() for x in g["data"])
    return out


def main():
    torch.set_num_threads(1)
    gpt2 = {
        "kind": "gpt2", "nLayers": 2, "dModel": 16, "nHeads": 2, "dMlp": 64, "vocabulary": VOCABULARY, "nPositions": 8,
        "layerNormEpsilon": 1e-5, "activation": "gelu (exact)", "tied": True,
    }
    llama = {
        "kind": "llama", "nLayers": 2, "dModel": 16, "nHeads": 4, "nKvHeads": 2, "dHead": 4, "dMlp": 24,
        "vocabulary": VOCABULARY, "rmsNormEpsilon": 1e-5, "ropeTheta": 10000, "tied": False,
    }
    for name, model, config, seed in (
        ("gpt2", GPT2LMHeadModel(GPT2), gpt2, 1),
        ("llama", LlamaForCausalLM(LLAMA), llama, 2),
    ):
        path = HERE / f"model-{name}.json"
        path.write_text(json.dumps(reference(model, config, seed), separators=(",", ":")) + "\n")
        print(path.name, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
