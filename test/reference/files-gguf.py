"""Writes test/fixtures/gguf: a small GGUF file with every tensor format Assay reads, and the float32 bits of each.

The packed blocks are random bytes with finite scales, so every bit of the layout matters; the numbers are those of
gguf.quants.dequantize. Made with gguf 0.19.0. Run: python test/reference/files-gguf.py
"""
import base64
import json
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Q

OUT = Path(__file__).parent.parent / "fixtures" / "gguf"
# Where the half-precision scales stand in a block.
SCALES = {Q.Q8_0: [0], Q.Q4_0: [0], Q.Q4_1: [0, 2], Q.Q5_0: [0], Q.Q5_1: [0, 2], Q.Q4_K: [0, 2], Q.Q5_K: [0, 2], Q.Q6_K: [208]}


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    writer = gguf.GGUFWriter(str(OUT / "formats.gguf"), "llama")
    writer.add_uint8("test.u8", 200)
    writer.add_int8("test.i8", -100)
    writer.add_uint16("test.u16", 60000)
    writer.add_int16("test.i16", -30000)
    writer.add_uint32("test.u32", 4_000_000_000)
    writer.add_int32("test.i32", -2_000_000_000)
    writer.add_uint64("test.u64", 2**63 + 1)
    writer.add_int64("test.i64", -(2**40))
    writer.add_float32("test.f32", 0.25)
    writer.add_float64("test.f64", 0.1)
    writer.add_bool("test.bool", True)
    writer.add_string("test.string", "naïve 🐍")
    writer.add_array("test.strings", ["a", "", "ü"])
    writer.add_array("test.ints", [1, -2, 3])
    writer.add_array("test.floats", [0.5, -1.5])
    bits = {}

    def record(name: str, values: np.ndarray) -> None:
        bits[name] = base64.b64encode(np.ascontiguousarray(values, dtype=np.float32).tobytes()).decode()

    plain = rng.standard_normal((3, 8)).astype(np.float32)
    writer.add_tensor("f32", plain)
    record("f32", plain)
    writer.add_tensor("f16", plain.astype(np.float16))
    record("f16", plain.astype(np.float16).astype(np.float32))
    brain = gguf.quants.quantize(plain, Q.BF16)
    writer.add_tensor("bf16", brain, raw_dtype=Q.BF16)
    record("bf16", gguf.quants.dequantize(brain, Q.BF16))
    for kind, places in SCALES.items():
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        blocks = rng.integers(0, 256, (2, 3, size), dtype=np.uint8)
        for place in places:
            scale = rng.standard_normal((2, 3, 1)).astype(np.float16)
            blocks[:, :, place : place + 2] = scale.view(np.uint8)
        packed = blocks.reshape(2, 3 * size)
        writer.add_tensor(kind.name.lower(), packed, raw_dtype=kind)
        values = gguf.quants.dequantize(packed, kind)
        assert values.shape == (2, 3 * elements) and np.isfinite(values).all()
        record(kind.name.lower(), values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    (OUT / "formats.json").write_text(json.dumps({"float32Base64": bits}, indent=1) + "\n")


main()
