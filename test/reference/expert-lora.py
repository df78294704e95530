"""Writes expert-lora.json: the losses of LoRA on every matrix of every expert of the models with experts of family-models.json.

Run: python test/reference/expert-lora.py [FAMILY ...]      (torch, transformers 5, peft; node; after family-models.py)
With families named, the others keep their numbers.
One pair of factors a matrix, as PEFT has it where each expert is a module of its own (transformers 4). Transformers 5 stacks experts, gate
and up together, and PEFT turns such adapters into its form for stacks when it loads them: the adapters that Assay writes
(expert-lora-write.ts) are loaded so, and their loss is the first one here; an adapter of queries and of one layer's experts gives the loss
of the model that Assay merged it into. Trained are W + scale B A by SGD, as in family-models.py.
"""
import importlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
models = importlib.import_module("family-models")
TOLERANCE = 1e-5


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", experts_implementation="eager").eval()


class Call(torch.nn.Module):
    """The loss as a module, so that parameters can be replaced."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self):
        return models.loss_of(self.model)


def lora_losses(model):
    model.requires_grad_(False)
    stacks = {name: parameter for name, parameter in Call(model).named_parameters() if ".experts." in name}
    factors = {}

    def pair(key, d_out, d_in):
        a = models.factor(models.RANK * d_in, torch.sin, 1.3).reshape(models.RANK, d_in).requires_grad_()
        b = models.factor(models.RANK * d_out, torch.cos, 0.7).reshape(d_out, models.RANK).requires_grad_()
        factors[key] = (a, b)

    for name, stack in stacks.items():
        halves = 2 if name.endswith("gate_up_proj") else 1
        for expert in range(len(stack)):
            for half in range(halves):
                pair((name, expert, half), stack.shape[1] // halves, stack.shape[2])

    def adapted():
        changed = {}
        for name, stack in stacks.items():
            halves = 2 if name.endswith("gate_up_proj") else 1
            deltas = [torch.cat([factors[name, e, h][1] @ factors[name, e, h][0] for h in range(halves)]) for e in range(len(stack))]
            changed[name] = stack + models.ALPHA / models.RANK * torch.stack(deltas)
        return changed

    optimizer = torch.optim.SGD([one for both in factors.values() for one in both], lr=models.RATE)
    losses = []
    for _ in range(models.STEPS):
        optimizer.zero_grad()
        loss = torch.func.functional_call(Call(model), adapted(), ())
        loss.backward()
        optimizer.step()
        losses.append(float(f"{loss.item():.8g}"))
    return losses


def main():
    torch.set_num_threads(1)
    families = models.stored_families()
    kept = json.loads((HERE / "expert-lora.json").read_text())
    chosen = sys.argv[1:] or ("mixtral", "qwen3_moe", "olmoe", "qwen2_moe")
    expected = {f"{family}-{index}": lora_losses(models.model_of(case["config"]).double()) for family in chosen for index, case in enumerate(families[family])}
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["node", str(HERE / "expert-lora-write.ts"), folder], check=True)
        for name, losses in expected.items():
            if name.startswith("qwen2_moe"):  # whose adapters PEFT 0.21 does not turn into its form for stacks
                print(name, losses)
                continue
            found = models.loss_of(PeftModel.from_pretrained(load(f"{folder}/{name}/base"), f"{folder}/{name}/adapter")).item()
            some = models.loss_of(PeftModel.from_pretrained(load(f"{folder}/{name}/base"), f"{folder}/{name}/some")).item()
            merged = models.loss_of(load(f"{folder}/{name}/merged")).item()
            print(name, losses, "PEFT", found, "some modules", some, "merged", merged)
            assert abs(some / merged - 1) < TOLERANCE, name
            assert abs(found / losses[0] - 1) < TOLERANCE, name
    (HERE / "expert-lora.json").write_text(json.dumps(kept | expected) + "\n")


main()
