"""Writes stacked-lora.json: what PEFT makes of adapters of stacked experts (`target_parameters`, PEFT 0.17 and later).

Run: python test/reference/stacked-lora.py      (torch, transformers 5, peft; after family-models.py)
For models with experts of family-models.py some adapters, each as PEFT saves it: its config, the names and shapes of its
tensors, and the loss of the model with it. No number is stored: tensors hold what family-models.py makes of their names.
"""
import importlib
import json
import sys
import tempfile
import warnings
from pathlib import Path

import peft
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
models = importlib.import_module("family-models")
BOTH = ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]


def adapters(is_mixtral):
    named = ["w1", "w2", "w3"] if is_mixtral else ["gate_proj", "up_proj", "down_proj"]
    return {
        "both": LoraConfig(r=2, lora_alpha=1, target_modules=[], target_parameters=BOTH),
        "both-rs": LoraConfig(r=3, lora_alpha=1, use_rslora=True, target_modules=["q_proj", "v_proj"], target_parameters=["experts.down_proj", "experts.gate_up_proj"]),
        "down": LoraConfig(r=2, lora_alpha=1, target_modules=["o_proj"], target_parameters=BOTH[1:]),
        "gate-up": LoraConfig(r=1, lora_alpha=0.5, target_modules=[], target_parameters=BOTH[:1]),
        "one-layer": LoraConfig(r=2, lora_alpha=1, target_modules=[], target_parameters=[f"model.layers.1.{name}" for name in BOTH]),
        "by-module": LoraConfig(r=2, lora_alpha=1, target_modules=named),
    }


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    made = {"source": f"transformers {transformers.__version__}, peft {peft.__version__}, torch {torch.__version__}; test/reference/stacked-lora.py"}
    for family, chosen in {"mixtral": (0, 1, 2), "qwen3_moe": (0, 1, 2), "olmoe": (0,), "qwen2_moe": (1,)}.items():
        for index in chosen:
            case = models.stored_families()[family][index]
            for name, config in adapters(family == "mixtral").items():
                with tempfile.TemporaryDirectory() as folder:
                    base = models.model_of(case["config"])
                    base.save_pretrained(f"{folder}/base")
                    try:
                        get_peft_model(base, config).save_pretrained(f"{folder}/adapter")
                    except (RuntimeError, ValueError) as thrown:
                        print(family, index, name, "not made:", str(thrown)[:100])
                        continue
                    tensors = load_file(f"{folder}/adapter/adapter_model.safetensors")
                    if not any(".experts." in key for key in tensors):
                        print(family, index, name, "has no experts")
                        continue
                    save_file({key: torch.from_numpy(models.values(key, tuple(tensor.shape))) for key, tensor in tensors.items()}, f"{folder}/adapter/adapter_model.safetensors", {"format": "pt"})
                    opened = AutoModelForCausalLM.from_pretrained(f"{folder}/base", attn_implementation="eager", experts_implementation="eager").eval()
                    plain = models.loss_of(opened).item()
                    loss = models.loss_of(PeftModel.from_pretrained(opened, f"{folder}/adapter").double()).item()
                    assert abs(plain - loss) > 1e-3, (name, "changes nothing")
                    stored = json.loads(Path(folder, "adapter", "adapter_config.json").read_text())
                    stored["base_model_name_or_path"] = ""
                    for key in ("target_modules", "target_parameters"):  # sets, in any order
                        stored[key] = sorted(stored[key] or [])
                    made[f"{family}-{index} {name}"] = {"config": stored, "tensors": {key: list(tensor.shape) for key, tensor in sorted(tensors.items())}, "loss": float(f"{loss:.8g}")}
                    print(family, index, name, plain, loss)
    (HERE / "stacked-lora.json").write_text("{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in made.items()) + "\n}\n")


main()
