"""Checks that transformers and PEFT load what Assay exports of every model of family-models.json.

Run: python test/reference/family-export.py      (torch, transformers, peft; node; after family-models.py)
Each is exported by family-export-write.ts, with an adapter on every linear layer inside the blocks, and loaded here: no tensor
is missing or left over, the losses are those of the model and of its first step with LoRA. Writes nothing; the tests compare
what is written with what was read.
"""
import importlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from peft import PeftModel
from transformers import AutoModelForCausalLM

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
loss_of = importlib.import_module("family-models").loss_of
TOLERANCE = 1e-5


def main():
    families = json.loads((HERE / "family-models.json").read_text())["families"]
    worst, count = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["node", str(HERE / "family-export-write.ts"), folder], check=True)
        for family, cases in families.items():
            for index, case in enumerate(cases):
                at = f"{folder}/{family}-{index}"
                model, info = AutoModelForCausalLM.from_pretrained(f"{at}/base", attn_implementation="eager", output_loading_info=True)
                assert not any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), (at, info)
                plain = loss_of(model).item()
                adapted = loss_of(PeftModel.from_pretrained(model, f"{at}/adapter")).item()
                difference = max(abs(plain / case["loss"] - 1), abs(adapted / case["lora"][0] - 1))
                assert difference < TOLERANCE, (at, difference)
                worst, count = max(worst, difference), count + 1
    print(f"{count} models and adapters loaded; losses within {worst:.1g}")


if __name__ == "__main__":
    main()
