"""Reference activations of the residual stream of every model family in test/fixtures/models, and logits where it is
changed, as Hugging Face transformers computes them.

Run: python test/reference/sites.py      (torch, transformers; after files-models.py)
Writes sites.json beside itself.

An array, flattened in row-major order, is stored as its norm and PROJECTIONS sums over i of x_i cos((i + 1)(k + 1) PHI).
Sites: the input of the first block; in each block what the second norm reads (after attention); each block's output.
Changed runs, by forward hooks on the first block's output x: `ablate` x - (x.d / d.d) d, `add` x + 2 d, with d_i = sin(1.1 (i + 1)).
"""
import json
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM

HERE = Path(__file__).parent
MODELS = HERE.parent / "fixtures" / "models"
FAMILIES = ["llama", "llama3", "qwen2", "qwen3", "gpt2"]
TOKENS = [[3, 17, 5, 29, 11, 2], [7, 7, 38, 1, 3, 19]]
PROJECTIONS, PHI = 4, 0.6180339887498949


def projections(values):
    flat = values.double().reshape(-1)
    places = torch.arange(1, len(flat) + 1, dtype=torch.float64)
    sums = [float((flat * torch.cos(places * (k + 1) * PHI)).sum()) for k in range(PROJECTIONS)]
    return [float(f"{value:.10g}") for value in [float(flat.norm()), *sums]]


def first(output):
    return output[0] if isinstance(output, tuple) else output


def blocks_of(model):
    return model.transformer.h if model.config.model_type == "gpt2" else model.model.layers


def recorded(model):
    """The stream at every site, in the order of the model."""
    seen, hooks = {}, []
    for i, block in enumerate(blocks_of(model)):
        second = block.ln_2 if model.config.model_type == "gpt2" else block.post_attention_layernorm
        if i == 0:
            hooks.append(block.register_forward_pre_hook(lambda _, inputs: seen.update(embeddings=inputs[0])))
        hooks.append(second.register_forward_pre_hook(lambda _, inputs, i=i: seen.update({f"{i} after attention": inputs[0]})))
        hooks.append(block.register_forward_hook(lambda _, __, output, i=i: seen.update({f"{i} out": first(output)})))
    model(input_ids=torch.tensor(TOKENS), use_cache=False)
    for hook in hooks:
        hook.remove()
    return {name: projections(value) for name, value in seen.items()}


def changed(model, change):
    """Logits where the first block's output is changed."""

    def hook(_, __, output):
        new = change(first(output))
        return (new, *output[1:]) if isinstance(output, tuple) else new

    handle = blocks_of(model)[0].register_forward_hook(hook)
    logits = model(input_ids=torch.tensor(TOKENS), use_cache=False).logits
    handle.remove()
    return projections(logits)


def reference(family):
    model = AutoModelForCausalLM.from_pretrained(MODELS / family, dtype=torch.float32, attn_implementation="eager").double().eval()
    d = torch.sin(1.1 * torch.arange(1, model.config.hidden_size + 1, dtype=torch.float64)).float().double()
    changes = {
        "ablate": lambda x: x - (x @ d / (d @ d))[..., None] * d,
        "add": lambda x: x + 2 * d,
    }
    with torch.no_grad():
        return {"sites": recorded(model), "logits": {name: changed(model, change) for name, change in changes.items()}}


out = {"transformers": transformers.__version__, "tokens": TOKENS, "phi": PHI, "families": {family: reference(family) for family in FAMILIES}}
(HERE / "sites.json").write_text(json.dumps(out, indent=1) + "\n")
