"""
Metrics of sparse autoencoders by NumPy, SciPy, scikit-learn's rules and SAELens: writes sae-metrics.json beside this file.
Run with SAELens 6.54 and SciPy: python test/reference/sae-metrics.py
"""

import json
import pathlib

import numpy as np
import scipy.optimize
import torch
from sae_lens.evals import ExplainedVarianceCalculator


def wave(shape, seed):
    i = np.arange(np.prod(shape), dtype=np.float64)
    return np.cos(1.3 * i * np.sqrt(i) + seed).astype(np.float32).reshape(shape)


def assignment(rows, columns, seed):
    rows_of, columns_of = scipy.optimize.linear_sum_assignment(wave([rows, columns], seed).astype(np.float64))
    costs = wave([rows, columns], seed).astype(np.float64)[rows_of, columns_of]
    return {"rows": rows, "columns": columns, "seed": seed, "sum": float(costs.sum()), "columnOf": columns_of.tolist()}


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def recovered(n, m, d):
    truth, learned = wave([n, d], 1).astype(np.float64), wave([m, d], 2).astype(np.float64)
    cosines = unit(truth) @ unit(learned).T
    r, c = scipy.optimize.linear_sum_assignment(-cosines)
    matched = np.zeros(n)
    matched[r] = cosines[r, c]
    return {
        "n": n,
        "m": m,
        "d": d,
        "meanMaxCosine": float(cosines.max(1).mean()),
        "meanMatchedCosine": float(matched.mean()),
    }


def reconstruction():
    x, out = wave([30, 5], 3), wave([30, 5], 4)
    x = (x + 100).astype(np.float32)
    out = (x + 0.2 * out).astype(np.float32)
    acts = np.maximum(wave([30, 7], 5) - np.float32(0.8), 0)
    acts[:, 3] = 0
    calculator = ExplainedVarianceCalculator()
    for start in range(0, 30, 10):
        s = slice(start, start + 10)
        calculator.add_batch(
            sae_output=torch.tensor(out[s], dtype=torch.float64), hidden_acts=torch.tensor(x[s], dtype=torch.float64)
        )
    return {
        "explainedVariance": float(calculator.compute()),
        "mse": float(((x.astype(np.float64) - out) ** 2).sum(1).mean()),
        "l0": float((acts != 0).sum(1).mean()),
        "featureDensity": (acts != 0).mean(0).tolist(),
        "deadFraction": float(((acts != 0).sum(0) == 0).mean()),
    }


def nonnegative_lasso(features, width, rows, l1):
    """min |x - z D|^2 / 2 + l1 sum z, z >= 0: the stationary point by bounded quasi-Newton, to 1e-12."""
    d = unit(wave([features, width], 6).astype(np.float64))
    x = wave([rows, width], 7).astype(np.float64)
    out = []
    for row in x:
        def loss(z):
            left = z @ d - row
            return 0.5 * left @ left + l1 * z.sum(), d @ left + l1

        found = scipy.optimize.minimize(
            loss, np.zeros(features), jac=True, bounds=[(0, None)] * features, method="L-BFGS-B",
            options={"ftol": 1e-15, "gtol": 1e-11, "maxiter": 10000},
        )
        out.append(float(found.fun))
    return {"features": features, "width": width, "rows": rows, "l1": l1, "objectives": out}


result = {
    "assignments": [assignment(*shape) for shape in [(1, 1, 0), (3, 3, 1), (5, 9, 2), (40, 40, 3), (37, 64, 4)]],
    "recoveries": [recovered(6, 6, 4), recovered(5, 12, 4), recovered(12, 5, 4)],
    "reconstruction": reconstruction(),
    "sparseCoding": nonnegative_lasso(12, 6, 5, 0.1),
}
pathlib.Path(__file__).with_name("sae-metrics.json").write_text(json.dumps(result, indent=1) + "\n")
