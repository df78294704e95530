"""
Sparse autoencoders' files by SAELens 6.54.

    python test/reference/files-sae-lens.py write   # folders for test/fixtures/sae-lens, with what SAELens computes from them
    node test/reference/files-sae-lens-write.ts OUT && python test/reference/files-sae-lens.py read OUT
                                                    # loads what Assay wrote, and records what it is of: files-sae-lens.json
"""

import hashlib
import json
import pathlib
import shutil
import sys

import sae_lens
import torch
from sae_lens import SAE

HERE = pathlib.Path(__file__).parent
FIXTURES = HERE.parent / "fixtures" / "sae-lens"
D_IN, D_SAE, ROWS = 4, 8, 5


def wave(shape, seed, scale=1.0):
    i = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return (scale * torch.cos(1.3 * i * torch.sqrt(i) + seed)).float().reshape(shape)


def fill(sae):
    for seed, (name, parameter) in enumerate(sorted(sae.named_parameters())):
        values = wave(parameter.shape, seed + 1, 0.5)
        parameter.data = values.abs() if name == "threshold" else values


def computed(sae):
    x = wave([ROWS, D_IN], 0)
    acts = sae.encode(x)
    return {
        "x": x.flatten().tolist(),
        "featureActs": acts.detach().flatten().tolist(),
        "reconstruction": sae.decode(acts).detach().flatten().tolist(),
    }


def write():
    from sae_lens import (
        BatchTopKTrainingSAE,
        BatchTopKTrainingSAEConfig,
        GatedSAE,
        GatedSAEConfig,
        JumpReLUSAE,
        JumpReLUSAEConfig,
        MatryoshkaBatchTopKTrainingSAE,
        MatryoshkaBatchTopKTrainingSAEConfig,
        StandardSAE,
        StandardSAEConfig,
        TopKSAE,
        TopKSAEConfig,
    )
    from sae_lens.saes.abstopk_sae import AbsTopKSAE, AbsTopKSAEConfig

    size = dict(d_in=D_IN, d_sae=D_SAE)
    plain = {
        "standard": (StandardSAE, StandardSAEConfig(**size)),
        "standard-bias-kept": (StandardSAE, StandardSAEConfig(**size, apply_b_dec_to_input=False)),
        "gated": (GatedSAE, GatedSAEConfig(**size)),
        "gated-bias-kept": (GatedSAE, GatedSAEConfig(**size, apply_b_dec_to_input=False)),
        "topk": (TopKSAE, TopKSAEConfig(**size, k=3)),
        "topk-rescaled": (TopKSAE, TopKSAEConfig(**size, k=3, rescale_acts_by_decoder_norm=True)),
        "abstopk": (AbsTopKSAE, AbsTopKSAEConfig(**size, k=3)),
        "jumprelu": (JumpReLUSAE, JumpReLUSAEConfig(**size)),
    }
    shutil.rmtree(FIXTURES, ignore_errors=True)
    expected = {}
    for name, (cls, config) in plain.items():
        sae = cls(config)
        fill(sae)
        sae.save_model(FIXTURES / name)
        expected[name] = computed(SAE.load_from_disk(FIXTURES / name))
    training = {
        "batchtopk": (BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig(**size, k=2)),
        "matryoshka": (
            MatryoshkaBatchTopKTrainingSAE,
            MatryoshkaBatchTopKTrainingSAEConfig(**size, k=2.5, matryoshka_widths=[2, 4, 8]),
        ),
    }
    for name, (cls, config) in training.items():
        sae = cls(config)
        fill(sae)
        sae.topk_threshold = torch.tensor(0.25, dtype=torch.double)
        sae.save_inference_model(FIXTURES / name)
        sae.save_model(FIXTURES / f"{name}-checkpoint")
        # A checkpoint is read as its inference model.
        for folder in (name, f"{name}-checkpoint"):
            expected[folder] = computed(SAE.load_from_disk(FIXTURES / name))
    old = FIXTURES / "old-topk"
    shutil.copytree(FIXTURES / "topk", old)
    config = {
        "d_in": D_IN,
        "d_sae": D_SAE,
        "dtype": "torch.float32",
        "device": "cpu",
        "model_name": "gpt2",
        "hook_point": None,
        "hook_name": "blocks.0.hook_resid_pre",
        "hook_layer": 0,
        "prepend_bos": True,
        "activation_fn_str": "topk",
        "activation_fn_kwargs": {"k": 3},
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
        "context_size": 128,
    }
    (old / "cfg.json").write_text(json.dumps(config))
    expected["old-topk"] = computed(SAE.load_from_disk(old))
    (FIXTURES / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


def read(out):
    record = {}
    for folder in sorted(pathlib.Path(out).iterdir()):
        sae = SAE.load_from_disk(folder)
        ours = json.loads((folder / "computed.json").read_text())
        x = torch.tensor(ours["x"]).reshape(-1, sae.cfg.d_in)
        acts = sae.encode(x)
        apart = {
            "featureActs": (acts.flatten() - torch.tensor(ours["featureActs"])).abs().max().item(),
            "reconstruction": (sae.decode(acts).flatten() - torch.tensor(ours["reconstruction"])).abs().max().item(),
        }
        hashes = {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(folder.iterdir()) if f.name != "computed.json"}
        record[folder.name] = {"class": type(sae).__name__, "apart": apart, "sha256": hashes}
        print(folder.name, type(sae).__name__, apart)
    result = {"sae_lens": sae_lens.__version__, "torch": torch.__version__, "folders": record}
    (HERE / "files-sae-lens.json").write_text(json.dumps(result, indent=1) + "\n")


if sys.argv[1] == "write":
    write()
else:
    read(sys.argv[2])
