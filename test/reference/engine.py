"""
Values and gradients of the engine's operations where they are not smooth or not harmless (ties, zeros, bounds, large
and tiny arguments), and of a GRU run over a sequence: writes engine.json beside this file.
Run with PyTorch >= 2.15: python test/reference/engine.py

The gradient is that of sum(y * w) with w = 1, 2, 3, ... over the elements of y. Computed in float64. The gradient of
clamp at its bounds is 0 since PyTorch 2.15 (github.com/pytorch/pytorch/issues/184572), and was 1 before.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

TIES = [[1.0, 2.0, 2.0, -1.0], [0.0, 0.0, 0.0, 0.0], [3.0, -3.0, 3.0, 3.0]]
SIGNS = [-2.0, -0.5, 0.0, 0.5, 2.0]
LARGE = [-1000.0, -100.0, -20.0, -1.0, 0.0, 1.0, 20.0, 100.0, 1000.0]

CASES = {
    "maximum": (lambda a, b: torch.maximum(a, b), [SIGNS, [-2.0, 0.0, 0.0, 0.5, -2.0]]),
    "minimum": (lambda a, b: torch.minimum(a, b), [SIGNS, [-2.0, 0.0, 0.0, 0.5, -2.0]]),
    "abs": (torch.abs, [SIGNS]),
    "relu": (torch.relu, [SIGNS]),
    "clamp": (lambda x: torch.clamp(x, -0.5, 0.5), [SIGNS]),
    "power to the 0": (lambda x: torch.pow(x, 0), [SIGNS]),
    "power to the 1": (lambda x: torch.pow(x, 1), [SIGNS]),
    "power to the 2": (lambda x: torch.pow(x, 2), [SIGNS]),
    "power to the 3": (lambda x: torch.pow(x, 3), [SIGNS]),
    "power to the 1.5": (lambda x: torch.pow(x, 1.5), [[0.0, 0.25, 4.0]]),
    "reduceMax": (lambda x: torch.amax(x, -1), [TIES]),
    "reduceMin": (lambda x: torch.amin(x, -1), [TIES]),
    "l2Norm": (lambda x: torch.linalg.vector_norm(x, dim=-1), [TIES]),
    "unitLength": (lambda x: F.normalize(x, dim=-1, eps=0.5), [[[3.0, 4.0], [0.0, 0.0], [0.1, -0.2]]]),
    "softplus": (F.softplus, [LARGE]),
    "logSigmoid": (F.logsigmoid, [LARGE]),
    "sigmoidCrossEntropy": (
        lambda z, t: F.binary_cross_entropy_with_logits(z, t, reduction="none"),
        [LARGE, [0.0, 1.0, 1.0, 0.25, 0.5, 0.75, 0.0, 1.0, 0.0]],
    ),
    "logSumExp": (lambda x: torch.logsumexp(x, -1), [[[1000.0, 999.0, -1000.0], [-2000.0, -2001.0, -2000.0]]]),
    "logSoftmax": (lambda x: F.log_softmax(x, -1), [[[1000.0, 999.0, -1000.0], [-2000.0, -2001.0, -2000.0]]]),
    "where": (lambda a, b: torch.where(a > 0, a, b), [SIGNS, [5.0, 4.0, 3.0, 2.0, 1.0]]),
    "a detached factor": (lambda x: x * x.detach(), [SIGNS]),
    "a straight-through step": (lambda x: x + ((x > 0).double() - x).detach(), [SIGNS]),
    "topK": (lambda x: torch.topk(x, 2, dim=-1).values, [[[1.0, 5.0, 2.0, -1.0], [-4.0, -3.0, -2.0, -1.0]]]),
    "cumulativeSum": (lambda x: torch.cumsum(x, -1), [TIES]),
}


def weighted(y):
    return (y * torch.arange(1, y.numel() + 1, dtype=y.dtype).reshape(y.shape)).sum()


def case(name):
    build, arrays = CASES[name]
    inputs = [torch.tensor(array, dtype=torch.float64, requires_grad=True) for array in arrays]
    y = build(*inputs)
    weighted(y).backward()
    return {
        "name": name,
        "inputs": [{"shape": list(x.shape), "values": x.detach().flatten().tolist()} for x in inputs],
        "y": y.detach().flatten().tolist(),
        "gradients": [x.grad.flatten().tolist() for x in inputs],
    }


def gru():
    steps, batch, d_in, hidden = 5, 2, 3, 4
    shapes = {
        "inputWeight": [3 * hidden, d_in],
        "hiddenWeight": [3 * hidden, hidden],
        "inputBias": [3 * hidden],
        "hiddenBias": [3 * hidden],
        "h0": [batch, hidden],
        "x": [steps, batch, d_in],
    }

    def wave(n, shape):
        count = torch.Size(shape).numel()
        return torch.cos(1.3 * torch.arange(count, dtype=torch.float64) + n).reshape(shape).requires_grad_()

    values = {name: wave(n, shape) for n, (name, shape) in enumerate(shapes.items())}
    module = torch.nn.GRU(d_in, hidden).double()
    names = {"weight_ih_l0": "inputWeight", "weight_hh_l0": "hiddenWeight", "bias_ih_l0": "inputBias", "bias_hh_l0": "hiddenBias"}
    weights = {torch_name: values[own] for torch_name, own in names.items()}
    y, _ = torch.func.functional_call(module, weights, (values["x"], values["h0"].unsqueeze(0)))
    weighted(y).backward()
    return {
        "shapes": shapes,
        "y": y.detach().flatten().tolist(),
        "gradients": {name: value.grad.flatten().tolist() for name, value in values.items()},
    }


target = pathlib.Path(__file__).with_name("engine.json")
target.write_text(json.dumps({"torch": torch.__version__, "cases": [case(name) for name in CASES], "gru": gru()}, indent=1) + "\n")
