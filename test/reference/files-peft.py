"""Writes test/fixtures/peft: adapters PEFT made, and the proof that PEFT computes the same with the ones Assay wrote.

For each adapter, Assay reads PEFT's and writes it again (files-peft-write.ts); PEFT loads that, and the logits of both
are compared here. expected.json keeps the sha256 of the files Assay wrote: while its test writes those same bytes, the
comparison made here holds. Made with peft 0.21. Run after files-models.py, with Node 24 as `node`.
"""
import hashlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

HERE = Path(__file__).parent
OUT = HERE.parent / "fixtures" / "peft"
MODELS = HERE.parent / "fixtures" / "models"
IDS = torch.tensor([[3, 17, 5, 29, 11, 2, 38, 7]])

ADAPTERS = {
    "all-linear": ("llama", dict(r=4, lora_alpha=8, target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])),
    "one-layer-rslora": ("qwen2", dict(r=8, lora_alpha=16, use_rslora=True, target_modules=["q_proj", "v_proj"], layers_to_transform=[1])),
    "gpt2": ("gpt2", dict(r=2, lora_alpha=3, target_modules=["c_attn", "c_fc"], fan_in_fan_out=True)),
    "gpt2-projections": ("gpt2", dict(r=1, lora_alpha=1, target_modules=["transformer.h.0.attn.c_proj", "transformer.h.1.mlp.c_proj"], fan_in_fan_out=True)),
    "irregular": ("llama", dict(r=2, lora_alpha=5, target_modules=["model.layers.0.self_attn.q_proj", "model.layers.1.mlp.down_proj"])),
}


def base(name: str):
    return AutoModelForCausalLM.from_pretrained(str(MODELS / name), dtype=torch.float32).eval()


def logits(model) -> torch.Tensor:
    with torch.no_grad():
        return model(IDS).logits


def main() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    torch.manual_seed(0)
    expected = {}
    for name, (family, options) in ADAPTERS.items():
        model = get_peft_model(base(family), LoraConfig(task_type="CAUSAL_LM", **options))
        for key, parameter in model.named_parameters():
            if "lora_" in key:
                with torch.no_grad():
                    parameter.copy_(0.3 * torch.randn_like(parameter))
        model.eval()
        model.peft_config["default"].base_model_name_or_path = family
        model.save_pretrained(str(OUT / name))
        (OUT / name / "README.md").unlink(missing_ok=True)
        scales = {module.scaling["default"] for module in model.modules() if isinstance(getattr(module, "scaling", None), dict)}
        assert len(scales) == 1
        expected[name] = {"base": family, "scale": scales.pop(), "logits": logits(model)[0, -1].tolist(), "moved": float((logits(model) - logits(base(family))).abs().max())}

    with tempfile.TemporaryDirectory() as written:
        subprocess.run(["node", str(HERE / "files-peft-write.ts"), str(OUT), written, *ADAPTERS], check=True)
        for name, (family, _) in ADAPTERS.items():
            folder = Path(written) / name
            ours = PeftModel.from_pretrained(base(family), str(folder)).eval()
            theirs = PeftModel.from_pretrained(base(family), str(OUT / name)).eval()
            expected[name]["logitsDifference"] = float((logits(ours) - logits(theirs)).abs().max())
            expected[name]["sha256"] = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
    (OUT / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
    print({name: (value["logitsDifference"], round(value["moved"], 2)) for name, value in expected.items()})


main()
