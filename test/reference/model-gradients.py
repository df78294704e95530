"""Reference gradients of every model family in test/fixtures/models, and logits under each kind of rope scaling, as
Hugging Face transformers computes them.

Run: python test/reference/model-gradients.py      (torch, transformers; after files-models.py)
Writes model-gradients.json beside itself.

A gradient g, flattened as the engine keeps the parameter (linear maps [dOut, dIn], so GPT-2's Conv1D transposed), is
stored as its norm and PROJECTIONS sums over i of g_i cos((i + 1)(k + 1) PHI): small, and no wrong gradient passes.
Loss: mean cross-entropy of labels that are not -1, not shifted. LoRA: rank 2, alpha 4 on every linear inside the
blocks, A_i = 0.2 sin(1.3 (i + 1)), B_i = 0.2 cos(0.7 (i + 1)), i over the flattened factor.
"""
import json
from pathlib import Path

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

HERE = Path(__file__).parent
MODELS = HERE.parent / "fixtures" / "models"
FAMILIES = ["llama", "llama3", "qwen2", "qwen3", "gpt2"]
TOKENS = [[3, 17, 5, 29, 11, 2], [7, 7, 38, 1, 3, 19]]
LABELS = [[17, -1, 29, 11, 2, 30], [-1, 38, 1, 3, -1, 4]]
PROJECTIONS, PHI = 4, 0.6180339887498949
RANK, ALPHA = 2, 4.0
ROPES = {
    "linear": {"rope_type": "linear", "rope_theta": 100000.0, "factor": 4.0},
    "llama3": {"rope_type": "llama3", "rope_theta": 100000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16},
    "longrope": {"rope_type": "longrope", "rope_theta": 100000.0, "factor": 1.0, "attention_factor": 1.0, "original_max_position_embeddings": 64, "short_factor": [1.0, 1.5, 3.0, 8.0], "long_factor": [1.0, 1.5, 3.0, 8.0]},
}


def projections(gradient):
    flat = gradient.double().reshape(-1)
    places = torch.arange(1, len(flat) + 1, dtype=torch.float64)
    sums = [float((flat * torch.cos(places * (k + 1) * PHI)).sum()) for k in range(PROJECTIONS)]
    return [float(f"{value:.10g}") for value in [float(flat.norm()), *sums]]


def oriented(model, name, value):
    is_conv = model.config.model_type == "gpt2" and name.endswith(".weight") and ".c_" in name
    return value.T if is_conv else value


def loss_of(model):
    logits = model(input_ids=torch.tensor(TOKENS), use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.tensor(LABELS).flatten(), ignore_index=-1)


def adapt(model):
    """Adds the low-rank term to every linear inside the blocks; returns the factors by PEFT's names."""
    factors = {}
    for name, module in list(model.named_modules()):
        kind = type(module).__name__
        if kind not in ("Linear", "Conv1D") or name == "lm_head":
            continue
        d_in, d_out = module.weight.shape if kind == "Conv1D" else reversed(module.weight.shape)
        places = torch.arange(1, RANK * d_in + 1, dtype=torch.float64)
        a = (0.2 * torch.sin(1.3 * places)).float().double().reshape(RANK, d_in).requires_grad_()
        places = torch.arange(1, RANK * d_out + 1, dtype=torch.float64)
        b = (0.2 * torch.cos(0.7 * places)).float().double().reshape(d_out, RANK).requires_grad_()
        module.register_forward_hook(lambda _, inputs, output, a=a, b=b: output + ALPHA / RANK * inputs[0] @ a.T @ b.T)
        factors[f"{name}.lora_A.weight"], factors[f"{name}.lora_B.weight"] = a, b
    return factors


def gradients(name):
    model = AutoModelForCausalLM.from_pretrained(str(MODELS / name), dtype=torch.float32, attn_implementation="eager").double()
    loss = loss_of(model)
    loss.backward()
    full = {key: projections(oriented(model, key, p.grad)) for key, p in model.named_parameters()}
    model.requires_grad_(False)
    factors = adapt(model)
    lora_loss = loss_of(model)
    lora_loss.backward()
    lora = {key: projections(value.grad) for key, value in factors.items()}
    return {"full": {"loss": loss.item(), "gradients": full}, "lora": {"loss": lora_loss.item(), "gradients": lora}}


def rope_logits(parameters):
    config = AutoConfig.from_pretrained(str(MODELS / "llama"))
    config.rope_parameters = parameters
    model = AutoModelForCausalLM.from_pretrained(str(MODELS / "llama"), config=config, dtype=torch.float32)
    with torch.no_grad():
        return {"parameters": parameters, "logits": [round(float(v), 6) for v in model(torch.tensor(TOKENS[:1])).logits[0, -1]]}


def main():
    torch.set_num_threads(1)
    reference = {
        "source": f"transformers {transformers.__version__}, torch {torch.__version__}; test/reference/model-gradients.py",
        "tokens": TOKENS,
        "labels": LABELS,
        "rank": RANK,
        "alpha": ALPHA,
        "phi": PHI,
        "families": {name: gradients(name) for name in FAMILIES},
        "ropes": {name: rope_logits(parameters) for name, parameters in ROPES.items()},
    }
    path = HERE / "model-gradients.json"
    path.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
    print(path.name, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
