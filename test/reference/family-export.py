"""Checks that transformers and PEFT load what Assay exports of every model of family-models.json, and of every GGUF file of gguf-families.

Run: python test/reference/family-export.py      (torch, transformers, peft; node; after family-models.py)
Each is exported by family-export-write.ts, with an adapter on every linear layer inside the blocks, and loaded here: no tensor
is missing or left over, the losses are those of the model and of its first step with LoRA, and the logits those of the GGUF file. Writes nothing; the tests compare
what is written with what was read.
"""
import importlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from peft import PeftModel

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
models = importlib.import_module("family-models")
loss_of = models.loss_of
TOLERANCE = 1e-5


def load(folder):
    opener = models.class_of(json.loads(Path(folder, "config.json").read_text()))
    model, info = opener.from_pretrained(folder, attn_implementation="eager", output_loading_info=True)
    assert not any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), (folder, info)
    return model.eval()


def main():
    families = models.stored_families()
    worst, count = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["node", str(HERE / "family-export-write.ts"), folder], check=True)
        for family, cases in families.items():
            for index, case in enumerate(cases):
                at = f"{folder}/{family}-{index}"
                model = load(f"{at}/base")
                for name, parameter in model.named_parameters():
                    if name in case.get("carried", {}):  # what sees images went along as it was
                        assert torch.equal(parameter, torch.from_numpy(models.values(name, tuple(parameter.shape)))), (at, name)
                plain = loss_of(model).item()
                adapted = loss_of(PeftModel.from_pretrained(model, f"{at}/adapter")).item()
                difference = max(abs(plain / case["loss"] - 1), abs(adapted / case["lora"][0] - 1))
                assert difference < TOLERANCE, (at, difference)
                worst, count = max(worst, difference), count + 1
        gguf = json.loads((HERE.parent / "fixtures" / "gguf-families" / "expected.json").read_text())
        for name, case in gguf["files"].items():
            with torch.no_grad():
                found = load(f"{folder}/gguf-{name}")(torch.tensor([gguf["ids"]]), use_cache=False).logits[0, -1]
            expected = torch.tensor(case["logits"])
            difference = float((found - expected).abs().max() / expected.abs().max())
            assert difference < TOLERANCE, (name, difference)
    print(f"{len(gguf['files'])} GGUF files, {count} models and adapters loaded; losses within {worst:.1g}")


if __name__ == "__main__":
    main()
