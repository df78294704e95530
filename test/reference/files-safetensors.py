"""Writes test/fixtures/safetensors: small files from the reference library, for src/learning/files/safetensors.test.ts.

Made with safetensors 0.8.0, torch 2.15. Run: python test/reference/files-safetensors.py
"""
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

OUT = Path(__file__).parent.parent / "fixtures" / "safetensors"


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(5, 7, generator=generator)
    special = torch.tensor([0.0, -0.0, 1.0, -2.5, 65504.0, 1e-7, 6e-8, 5.9604645e-8, 1 / 3, 65519.0, 65520.0, 1e30, float("inf"), -1e-40, 2049.0, 2051.0, 1.00390625, 3.0e38, 3.4e38])
    tensors = {
        "b.f32": matrix,
        "a.f32": special,
        "half": special.to(torch.float16),
        "brain": special.to(torch.bfloat16),
        "ids.i64": torch.tensor([[1, -2], [2**40, 3]], dtype=torch.int64),
        "ids.i32": torch.tensor([7, -8, 9], dtype=torch.int32),
        "bytes": torch.tensor([0, 255, 3], dtype=torch.uint8),
        "scalar": torch.tensor(4.25),
        "empty": torch.zeros(0, 3),
        "é name": torch.ones(1),
    }
    save_file(tensors, str(OUT / "mixed.safetensors"), metadata={"format": "pt"})
    as_float = {name: t.float().flatten() for name, t in tensors.items() if t.is_floating_point()}
    bits = {name: [f"{v & 0xFFFFFFFF:08x}" for v in t.view(torch.int32).tolist()] for name, t in as_float.items()}
    shapes = {name: list(t.shape) for name, t in tensors.items()}
    (OUT / "mixed.json").write_text(json.dumps({"float32Bits": bits, "shapes": shapes}, indent=1, ensure_ascii=False) + "\n")


main()
