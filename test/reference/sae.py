"""
Sparse autoencoders by SAELens and PyTorch: writes sae.json beside this file.
Run with SAELens 6.54: python test/reference/sae.py

Weights and rows are made from cosines, easily repeated in another language. For every architecture of SAELens: codes, output, terms and
gradients of one training pass, and the losses of five steps of Adam. What SAELens does not have (tied and thresholding encoders,
restricted decoders, unit norms) is written here in plain PyTorch.
"""

import json
import pathlib

import sae_lens
import torch
from sae_lens import (
    BatchTopKTrainingSAE,
    BatchTopKTrainingSAEConfig,
    GatedTrainingSAE,
    GatedTrainingSAEConfig,
    JumpReLUTrainingSAE,
    JumpReLUTrainingSAEConfig,
    MatryoshkaBatchTopKTrainingSAE,
    MatryoshkaBatchTopKTrainingSAEConfig,
    StandardTrainingSAE,
    StandardTrainingSAEConfig,
    TopKTrainingSAE,
    TopKTrainingSAEConfig,
)
from sae_lens.saes.sae import TrainStepInput

D_IN, D_SAE, ROWS, STEPS, LR = 6, 12, 8, 5, 1e-2
DEAD = [1, 4, 5, 9]


def wave(shape, seed, scale=1.0):
    i = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return (scale * torch.cos(1.3 * i * torch.sqrt(i) + seed)).float().reshape(shape)


def rows():
    return wave([ROWS, D_IN], 0)


def unit(x):
    return x / x.norm(dim=-1, keepdim=True)


def start(names):
    shapes = {
        "wEnc": ([D_SAE, D_IN], 1, 0.5),
        "wDec": ([D_SAE, D_IN], 2, 0.5),
        "bEnc": ([D_SAE], 3, 0.1),
        "bDec": ([D_IN], 4, 0.1),
        "rMag": ([D_SAE], 5, 0.1),
        "bMag": ([D_SAE], 6, 0.1),
        "base": ([D_SAE // 2, D_IN], 7, 0.5),
        "map2": ([D_IN, D_IN], 8, 0.5),
    }
    values = {name: wave(*shapes[name]) for name in names if name in shapes}
    if "threshold" in names:
        values["threshold"] = wave([D_SAE], 9, 0.1).abs()
    return values


def lists(tensors):
    return {name: tensor.detach().flatten().tolist() for name, tensor in tensors.items()}


# SAELens

TO_SAELENS = {
    "wEnc": "W_enc",
    "wDec": "W_dec",
    "bEnc": "b_enc",
    "bDec": "b_dec",
    "rMag": "r_mag",
    "bMag": "b_mag",
    "threshold": "threshold",
}
TERMS = {
    "mse_loss": "mse",
    "l1_loss": "l1",
    "l0_loss": "l0",
}


def saelens_case(cls, config_cls, names, dead=None, **options):
    sae = cls(config_cls(d_in=D_IN, d_sae=D_SAE, **options))
    gated = "rMag" in names
    own = {}
    for name, value in start(names).items():
        attribute = "b_gate" if gated and name == "bEnc" else TO_SAELENS[name]
        parameter = getattr(sae, attribute)
        parameter.data = value.T.clone() if name == "wEnc" else value.clone()
        own[name] = parameter
    mask = None
    if dead is not None:
        mask = torch.zeros(D_SAE, dtype=torch.bool)
        mask[dead] = True
    coefficients = {k: c.value for k, c in sae.get_coefficients().items()}
    optimizer = torch.optim.Adam(own.values(), lr=LR)

    def forward():
        return sae.training_forward_pass(
            TrainStepInput(rows(), coefficients, mask, n_training_steps=0, is_logging_step=False)
        )

    losses, first = [], None
    for step in range(STEPS):
        out = forward()
        optimizer.zero_grad()
        out.loss.backward()
        if step == 0:
            gradients = {name: (p.grad.T if name == "wEnc" else p.grad) for name, p in own.items()}
            first = {
                "featureActs": out.feature_acts.detach().flatten().tolist(),
                "reconstruction": out.sae_out.detach().flatten().tolist(),
                "losses": {name: value.item() for name, value in out.losses.items()},
                "gradients": lists(gradients),
            }
        optimizer.step()
        losses.append(out.loss.item())
    return {"names": list(names), **first, "trainingLosses": losses}


# Plain PyTorch: tied and thresholding encoders, restricted decoders, unit norms


def top_k(x, k):
    values, indices = x.topk(k, dim=-1)
    return torch.zeros_like(x).scatter(-1, indices, values.relu())


def plain_case(names, k, steps=0, slots=False, tied=True):
    own = start(names)
    features = "base" if slots else "wDec"
    own[features] = unit(own[features])
    own = {name: value.requires_grad_() for name, value in own.items()}
    optimizer = torch.optim.Adam(own.values(), lr=LR)

    def forward():
        x, zero = rows(), torch.zeros(D_IN)
        dictionary = own[features]
        if slots:
            dictionary = torch.cat([dictionary, unit(dictionary @ own["map2"].T)])
        y = x - own.get("bDec", zero)
        encoder = dictionary if tied else own["wEnc"]
        z = top_k(y @ encoder.T + own.get("bEnc", torch.zeros(D_SAE)), k)
        for _ in range(steps):
            z = top_k(z + (y - z @ dictionary) @ dictionary.T, k)
        out = z @ dictionary + own.get("bDec", zero)
        return z, out, (out - x).pow(2).sum(-1).mean()

    losses, first = [], None
    for step in range(STEPS):
        z, out, loss = forward()
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            first = {
                "featureActs": z.detach().flatten().tolist(),
                "reconstruction": out.detach().flatten().tolist(),
                "losses": {"mse_loss": loss.item()},
                "gradients": lists({name: p.grad for name, p in own.items()}),
            }
        with torch.no_grad():
            p = own[features]
            p.grad -= (p.grad * p).sum(-1, keepdim=True) * p
            optimizer.step()
            p.copy_(unit(p))
        losses.append(loss.item())
    return {"names": list(names), **first, "trainingLosses": losses}


def main():
    plain = ["wEnc", "wDec", "bEnc", "bDec"]
    top = dict(rescale_acts_by_decoder_norm=False)
    cases = {
        "standard": saelens_case(StandardTrainingSAE, StandardTrainingSAEConfig, plain, l1_coefficient=0.3),
        "gated": saelens_case(
            GatedTrainingSAE, GatedTrainingSAEConfig, [*plain, "rMag", "bMag"], l1_coefficient=0.3
        ),
        "topK": saelens_case(TopKTrainingSAE, TopKTrainingSAEConfig, plain, k=3, **top),
        "topK with dead features": saelens_case(
            TopKTrainingSAE, TopKTrainingSAEConfig, plain, DEAD, k=3, aux_loss_coefficient=0.7, **top
        ),
        "topK with one dead feature": saelens_case(
            TopKTrainingSAE, TopKTrainingSAEConfig, plain, DEAD[:1], k=3, aux_loss_coefficient=0.7, **top
        ),
        "batchTopK": saelens_case(BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig, plain, k=3, **top),
        "jumpRelu": saelens_case(
            JumpReLUTrainingSAE,
            JumpReLUTrainingSAEConfig,
            [*plain, "threshold"],
            l0_coefficient=0.2,
            jumprelu_bandwidth=0.4,
        ),
        "matryoshka": saelens_case(
            MatryoshkaBatchTopKTrainingSAE,
            MatryoshkaBatchTopKTrainingSAEConfig,
            plain,
            k=3,
            matryoshka_widths=[3, 6, 12],
            **top,
        ),
        "unit norm": plain_case(plain, k=3, tied=False),
        "tied": plain_case(["wDec", "bEnc", "bDec"], k=3),
        "thresholding": plain_case(["wDec"], k=3, steps=2),
        "thresholding, two slots": plain_case(["base", "map2"], k=3, steps=2, slots=True),
    }
    versions = {"sae_lens": sae_lens.__version__, "torch": torch.__version__}
    path = pathlib.Path(__file__).with_name("sae.json")
    path.write_text(json.dumps({"versions": versions, "dead": DEAD, "cases": cases}, indent=1) + "\n")


main()
