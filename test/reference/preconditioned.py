"""
Reference trajectories of Shampoo and SOAP (and of sign descent): writes preconditioned.json beside this file.
Run with PyTorch, pytorch_optimizer 4.1 (Shampoo) and the authors' soap.py (github.com/nikhilvyas/SOAP, commit a1e5535):
    python test/reference/preconditioned.py path/to/soap.py

Start and gradients are those of optim.py. The rules are written out below in float64; where a published implementation can be
set to the same rule, its own trajectory must agree, and the distance is recorded. Matrices are at most one longer than wide:
with two or more missing directions their eigenvectors are arbitrary, and so is SOAP's trajectory.
"""

import importlib.util
import json
import math
import pathlib
import sys

import numpy as np
import torch
from pytorch_optimizer import Shampoo as PublishedShampoo

STEPS = 12
RECORDED = (1, 2, 12)
AGREEMENT = 2e-4  # float32 roots and QR against float64.
SPECS = [
    {"name": "wide", "shape": [5, 6], "role": "matrix"},
    {"name": "tall", "shape": [6, 5], "role": "matrix"},
    {"name": "square", "shape": [6, 6], "role": "matrix"},
    {"name": "embedding", "shape": [6, 3], "role": "embedding"},
    {"name": "vector", "shape": [9], "role": "vector"},
]
AUXILIARY = {"beta1": 0.9, "beta2": 0.95, "eps": 1e-10, "weightDecay": 0.02, "lrScale": 0.5}


def shampoo(**changes):
    usual = {"kind": "shampoo", "beta1": 0.9, "beta2": 0.95, "eps": 1e-6, "exponent": 0.25, "every": 1, "weightDecay": 0.1}
    return {**usual, **changes, "adamw": AUXILIARY}


def soap(**changes):
    usual = {"kind": "soap", "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "shampooBeta": 0.9, "every": 2, "weightDecay": 0.1}
    return {**usual, **changes, "adamw": AUXILIARY}


CASES = [
    ("sign descent", 0.01, {"kind": "sign", "momentum": 0, "weightDecay": 0.1}),
    ("Signum", 0.01, {"kind": "sign", "momentum": 0.9, "weightDecay": 0.1}),
    ("Shampoo, Alg. 1", 0.05, shampoo(beta1=0, beta2=1, eps=1e-4, weightDecay=0)),
    ("Shampoo with means", 0.02, shampoo()),
    ("Shampoo, exponent 1/2, roots at every third step", 0.005, shampoo(exponent=0.5, every=3, beta1=0.5, eps=1e-3)),
    ("SOAP", 0.01, soap()),
    ("SOAP, bases turned at every step", 0.01, soap(every=1, shampooBeta=0.95, weightDecay=0)),
]


def initial(n, spec):
    flat = np.arange(math.prod(spec["shape"]), dtype=np.float64)
    return (0.5 * np.cos(1.3 * flat + n)).astype(np.float32).astype(np.float64).reshape(spec["shape"])


def gradient(n, values, t):
    index = np.arange(values.size, dtype=np.float64).reshape(values.shape)
    return ((n + 1) / 4 * np.sin(3 * values + 0.7 * index + t)).astype(np.float32).astype(np.float64)


def inverse_root(matrix, c):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * (np.maximum(values, 0) + c["eps"]) ** -c["exponent"]) @ vectors.T


def shampoo_step(p, g, t, lr, c, state):
    """arXiv:1802.09568, Alg. 1; with beta2 < 1 the means of arXiv:2309.06497, Alg. 2."""
    if t == 1:
        state.update(L=np.zeros((len(g), len(g))), R=np.zeros((g.shape[1],) * 2), M=np.zeros_like(g))
    keep, weight = (1, 1) if c["beta2"] == 1 else (c["beta2"], 1 - c["beta2"])
    state["L"] = keep * state["L"] + weight * g @ g.T
    state["R"] = keep * state["R"] + weight * g.T @ g
    if (t - 1) % c["every"] == 0:
        correction = 1 if c["beta2"] == 1 else 1 - c["beta2"] ** t
        state["roots"] = [inverse_root(state[side] / correction, c) for side in "LR"]
    state["M"] = c["beta1"] * state["M"] + (1 - c["beta1"]) * g
    left, right = state["roots"]
    return (1 - lr * c["weightDecay"]) * p - lr * left @ (state["M"] / (1 - c["beta1"] ** t)) @ right


def soap_step(p, g, t, lr, c, state):
    """arXiv:2409.11321, Alg. 3, in the order of soap.py; moments of the gradient in the original space."""
    if t == 1:
        state.update(L=np.zeros((len(g), len(g))), R=np.zeros((g.shape[1],) * 2), M=np.zeros_like(g), V=np.zeros_like(g))
    else:
        left, right = state["Q"]
        state["M"] = c["beta1"] * state["M"] + (1 - c["beta1"]) * g
        state["V"] = c["beta2"] * state["V"] + (1 - c["beta2"]) * (left.T @ g @ right) ** 2
        n = left @ (left.T @ state["M"] @ right / (np.sqrt(state["V"]) + c["eps"])) @ right.T
        size = lr * math.sqrt(1 - c["beta2"] ** (t - 1)) / (1 - c["beta1"] ** (t - 1))
        p = (p - size * n) * (1 - lr * c["weightDecay"])
    beta = c["shampooBeta"]
    state["L"] = beta * state["L"] + (1 - beta) * g @ g.T
    state["R"] = beta * state["R"] + (1 - beta) * g.T @ g
    if t == 1:
        state["Q"] = [np.linalg.eigh(state[side])[1][:, ::-1] for side in "LR"]
    elif (t - 1) % c["every"] == 0:
        turned = []
        for axis, side in enumerate("LR"):
            q = state["Q"][axis]
            order = np.argsort(-np.diag(q.T @ state[side] @ q), kind="stable")
            state["V"] = np.take(state["V"], order, axis=axis)
            turned.append(np.linalg.qr(state[side] @ q[:, order])[0])
        state["Q"] = turned
    return p


def adamw_step(p, g, t, lr, c, state):
    state["m"] = c["beta1"] * state.get("m", 0) + (1 - c["beta1"]) * g
    state["v"] = c["beta2"] * state.get("v", 0) + (1 - c["beta2"]) * g * g
    update = state["m"] / (1 - c["beta1"] ** t) / (np.sqrt(state["v"] / (1 - c["beta2"] ** t)) + c["eps"])
    return (1 - lr * c["weightDecay"]) * p - lr * update


def sign_step(p, g, t, lr, c, state):
    """arXiv:1802.04434, Alg. 1 and Signum."""
    state["m"] = c["momentum"] * state.get("m", 0) + (1 - c["momentum"]) * g
    return (1 - lr * c["weightDecay"]) * p - lr * np.sign(state["m"])


def step_of(spec, c):
    if c["kind"] == "sign":
        return sign_step, c, 1
    if spec["role"] != "matrix":
        return adamw_step, c["adamw"], c["adamw"]["lrScale"]
    return (shampoo_step if c["kind"] == "shampoo" else soap_step), c, 1


def trajectory(lr, config):
    values = [initial(n, spec) for n, spec in enumerate(SPECS)]
    states = [{} for _ in SPECS]
    recorded = []
    for t in range(1, STEPS + 1):
        for n, spec in enumerate(SPECS):
            # A parameter is float32 between steps, as it is in memory.
            g = gradient(n, values[n].astype(np.float32).astype(np.float64), t)
            step, c, scale = step_of(spec, config)
            values[n] = step(values[n], g, t, lr * scale, c, states[n])
        if t in RECORDED:
            recorded.append({"step": t, "values": [[float(f"{x:.9g}") for x in v.ravel()] for v in values]})
    return recorded


def published(lr, config, soap_class):
    """The same matrices under a published implementation in float32; None where it has no such settings."""
    matrices = [(n, spec) for n, spec in enumerate(SPECS) if spec["role"] == "matrix"]
    params = [torch.nn.Parameter(torch.from_numpy(initial(n, spec).astype(np.float32))) for n, spec in matrices]
    if config["kind"] == "soap":
        c = config
        betas, rest = (c["beta1"], c["beta2"]), {"precondition_frequency": c["every"], "weight_decay": c["weightDecay"]}
        optimizer = soap_class(params, lr=lr, betas=betas, shampoo_beta=c["shampooBeta"], eps=c["eps"], **rest)
    elif config["kind"] == "shampoo" and config["beta2"] == 1:
        optimizer = PublishedShampoo(params, lr=lr, momentum=0.0, matrix_eps=config["eps"])
    else:
        return None
    for t in range(1, STEPS + 1):
        for (n, _), p in zip(matrices, params):
            p.grad = torch.from_numpy(gradient(n, p.detach().numpy().astype(np.float64), t).astype(np.float32))
        optimizer.step()
    return [p.detach().numpy().ravel() for p in params]


def main():
    torch.set_num_threads(1)
    spec = importlib.util.spec_from_file_location("soap", sys.argv[1])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    cases = []
    for name, lr, config in CASES:
        steps = trajectory(lr, config)
        case = {"name": name, "lr": lr, "config": config, "steps": steps}
        other = published(lr, config, module.SOAP)
        if other is not None:
            case["distanceToPublished"] = max(float(np.abs(a - b).max()) for a, b in zip(steps[-1]["values"], other))
            assert case["distanceToPublished"] < AGREEMENT, (name, case["distanceToPublished"])
        cases.append(case)
    target = pathlib.Path(__file__).with_suffix(".json")
    text = json.dumps({"specs": SPECS, "cases": cases}, separators=(",", ":"))
    target.write_text(text.replace('{"name"', '\n{"name"').replace('{"step"', '\n{"step"') + "\n")
    print({case["name"]: case.get("distanceToPublished") for case in cases})


main()
