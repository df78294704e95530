"""
Reference trajectories of the optimizers: writes optim.json beside this file.
Run with PyTorch >= 2.9 (torch.optim.Muon): python test/reference/optim.py

Parameters start at 0.5 cos(1.3 i + n) (i: flat index, n: index of the parameter) and see gradients
(n + 1) / 4 sin(3 p + 0.7 i + t) at update t = 1, 2, ..., computed in float64 from the float32 parameters and rounded:
deterministic, dependent on the state, and easily repeated in another language.
AdamW and SGD are torch's. Muon is written out below in float32 and compared, in float32, with torch.optim.Muon whose
Newton-Schulz is replaced by the float32 one; the distance to torch's own bfloat16 is recorded.
"""

import json
import math
import pathlib

import numpy as np
import torch
import torch.optim._muon as torch_muon

STEPS = 12
RECORDED = (1, 2, 12)
AGREEMENT = 2e-6  # float32 rounding over 12 steps; both sides compute the same equations.
SPECS = [
    {"name": "wide", "shape": [5, 7], "role": "matrix"},
    {"name": "tall", "shape": [7, 5], "role": "matrix"},
    {"name": "square", "shape": [6, 6], "role": "matrix"},
    {"name": "embedding", "shape": [6, 3], "role": "embedding"},
    {"name": "vector", "shape": [9], "role": "vector"},
]
AUXILIARY = {"beta1": 0.9, "beta2": 0.95, "eps": 1e-10, "weightDecay": 0.02, "lrScale": 0.5}


def muon(scale, nesterov):
    return {"kind": "muon", "momentum": 0.95, "nesterov": nesterov, "weightDecay": 0.1, "scale": scale, "adamw": AUXILIARY}


CASES = [
    ("AdamW", 0.01, {"kind": "adamw", "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weightDecay": 0.1}),
    ("AdamW with a large eps", 0.02, {"kind": "adamw", "beta1": 0.8, "beta2": 0.95, "eps": 0.05, "weightDecay": 0}),
    ("SGD", 0.1, {"kind": "sgd", "momentum": 0, "nesterov": False, "weightDecay": 0.05}),
    ("SGD with momentum", 0.05, {"kind": "sgd", "momentum": 0.9, "nesterov": False, "weightDecay": 0.05}),
    ("SGD with Nesterov momentum", 0.05, {"kind": "sgd", "momentum": 0.9, "nesterov": True, "weightDecay": 0.05}),
    ("Lion", 0.01, {"kind": "lion", "beta1": 0.9, "beta2": 0.98, "weightDecay": 0.1}),
    ("Muon", 0.02, muon("spectral", True)),
    ("Muon with AdamW's RMS, without Nesterov", 0.01, muon("rmsMatched", False)),
]


def initial(n, spec):
    flat = np.arange(math.prod(spec["shape"]), dtype=np.float64)
    return torch.from_numpy((0.5 * np.cos(1.3 * flat + n)).astype(np.float32).reshape(spec["shape"]))


def gradient(n, parameter, t):
    values = parameter.detach().numpy().astype(np.float64)
    index = np.arange(values.size, dtype=np.float64).reshape(values.shape)
    return torch.from_numpy(((n + 1) / 4 * np.sin(3 * values + 0.7 * index + t)).astype(np.float32))


def newton_schulz(g):
    """Jordan et al. 2024, plain form, float32."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.T if g.size(0) > g.size(1) else g
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if g.size(0) > g.size(1) else x


class Lion(torch.optim.Optimizer):
    """arXiv:2302.06675, Alg. 2."""

    def __init__(self, params, lr, betas, weight_decay):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.sub_(group["lr"] * torch.sign(beta1 * m + (1 - beta1) * p.grad))
                m.mul_(beta2).add_((1 - beta2) * p.grad)


class Muon(torch.optim.Optimizer):
    """Jordan et al. 2024 and, for rmsMatched, arXiv:2502.16982 Eq. 4; momentum as a sum, which Newton-Schulz normalizes."""

    def __init__(self, params, lr, config):
        super().__init__(params, {"lr": lr})
        self.config = config

    @torch.no_grad()
    def step(self):
        group, config = self.param_groups[0], self.config
        for p in group["params"]:
            buffer = self.state[p].setdefault("buffer", torch.zeros_like(p))
            buffer.mul_(config["momentum"]).add_(p.grad)
            update = newton_schulz(p.grad + config["momentum"] * buffer if config["nesterov"] else buffer)
            spectral, matched = math.sqrt(max(1, p.size(0) / p.size(1))), 0.2 * math.sqrt(max(p.shape))
            p.mul_(1 - group["lr"] * config["weightDecay"])
            p.sub_(group["lr"] * (spectral if config["scale"] == "spectral" else matched) * update)


def adamw(params, lr, c):
    betas = (c["beta1"], c["beta2"])
    return torch.optim.AdamW(params, lr=lr, betas=betas, eps=c["eps"], weight_decay=c["weightDecay"], foreach=False)


def optimizers_of(params, lr, c, matrix_optimizer):
    if c["kind"] == "adamw":
        return [adamw(params, lr, c)]
    if c["kind"] == "sgd":
        options = {"momentum": c["momentum"], "nesterov": c["nesterov"], "weight_decay": c["weightDecay"]}
        return [torch.optim.SGD(params, lr=lr, foreach=False, **options)]
    if c["kind"] == "lion":
        return [Lion(params, lr, (c["beta1"], c["beta2"]), c["weightDecay"])]
    matrices = [p for p, spec in zip(params, SPECS) if spec["role"] == "matrix"]
    others = [p for p, spec in zip(params, SPECS) if spec["role"] != "matrix"]
    return [matrix_optimizer(matrices, lr, c), adamw(others, lr * c["adamw"]["lrScale"], c["adamw"])]


def torch_muon_of(matrices, lr, c):
    return torch.optim.Muon(
        matrices,
        lr=lr,
        weight_decay=c["weightDecay"],
        momentum=c["momentum"],
        nesterov=c["nesterov"],
        adjust_lr_fn="original" if c["scale"] == "spectral" else "match_rms_adamw",
    )


def trajectory(lr, config, matrix_optimizer=Muon):
    params = [torch.nn.Parameter(initial(n, spec)) for n, spec in enumerate(SPECS)]
    optimizers = optimizers_of(params, lr, config, matrix_optimizer)
    recorded = []
    for t in range(1, STEPS + 1):
        for n, p in enumerate(params):
            p.grad = gradient(n, p, t)
        for optimizer in optimizers:
            optimizer.step()
        if t in RECORDED:
            recorded.append({"step": t, "values": [shortest(p) for p in params]})
    return recorded


def shortest(tensor):
    """The shortest decimals that name these float32 values."""
    return [float(str(x)) for x in tensor.detach().numpy().ravel()]


def distance(one, other):
    ends = [np.concatenate([np.array(v) for v in run[-1]["values"]]) for run in (one, other)]
    return float(np.abs(ends[0] - ends[1]).max())


def clip_case(max_norm):
    params = [torch.nn.Parameter(initial(n, spec)) for n, spec in enumerate(SPECS)]
    for n, p in enumerate(params):
        p.grad = gradient(n, p, 1)
    norm = torch.nn.utils.clip_grad_norm_(params, max_norm, foreach=False)
    return {"maxNorm": max_norm, "norm": float(norm), "gradients": [shortest(p.grad) for p in params]}


def main():
    torch.set_num_threads(1)
    bfloat16 = torch_muon._zeropower_via_newtonschulz
    cases = []
    for name, lr, config in CASES:
        steps = trajectory(lr, config)
        case = {"name": name, "lr": lr, "config": config, "steps": steps}
        if config["kind"] == "muon":
            torch_muon._zeropower_via_newtonschulz = lambda g, coefficients, count, eps: newton_schulz(g)
            in_float32 = distance(steps, trajectory(lr, config, torch_muon_of))
            assert in_float32 < AGREEMENT, in_float32
            torch_muon._zeropower_via_newtonschulz = bfloat16
            case["distanceToTorchFloat32"] = in_float32
            case["distanceToTorchBfloat16"] = distance(steps, trajectory(lr, config, torch_muon_of))
        cases.append(case)
    clips = [clip_case(max_norm) for max_norm in (1.0, 100.0)]
    result = {"torch": torch.__version__.split("+")[0], "specs": SPECS, "cases": cases, "clips": clips}
    target = pathlib.Path(__file__).with_suffix(".json")
    target.write_text(json.dumps(result, separators=(",", ":")).replace('{"name"', '\n{"name"').replace('{"step"', '\n{"step"') + "\n")


main()
