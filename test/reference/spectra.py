"""
Spectra by NumPy: writes spectra.json beside this file.
Run with NumPy and SciPy: python test/reference/spectra.py

The matrices are made from cosines, easily repeated in another language, and rounded to float32; the decompositions are
float64 ones of the rounded values. Only what is determined is recorded: singular values, projectors' traces, angles.
"""

import json
import pathlib

import numpy as np
import scipy.linalg

SHAPES = {
    "tall": [40, 6],
    "wide": [6, 40],
    "square": [16, 16],
    "one row": [1, 7],
    "one column": [7, 1],
    "one value": [1, 1],
}
RANK_DEFICIENT = {"rank 3 of 12 x 20": [12, 3, 20], "rank 2 of 20 x 12": [20, 2, 12]}
LARGE = 512


def wave(shape, seed):
    i = np.arange(np.prod(shape), dtype=np.float64)
    return np.cos(1.3 * i * np.sqrt(i) + seed).astype(np.float32).astype(np.float64).reshape(shape)


def rounded(matrix):
    return np.asarray(matrix, np.float32).astype(np.float64)


def matrices():
    plain = {name: wave(shape, n) for n, (name, shape) in enumerate(SHAPES.items())}
    products = {
        name: rounded(wave([m, r], 20) @ wave([r, n], 21))
        for name, (m, r, n) in RANK_DEFICIENT.items()
    }
    column = np.arange(1, 25, dtype=np.float64)
    decaying = rounded(wave([24, 24], 30) / (column * np.sqrt(column)))
    special = {"ones": np.ones([9, 9]), "zeros": np.zeros([4, 5]), "identity": np.eye(5)}
    return {**plain, **products, "decaying": decaying, **special}


def entropy(weights):
    shares = weights[weights > 0] / weights.sum()
    return float(-(shares * np.log(shares)).sum())


def summary(matrix):
    sigma = np.linalg.svd(matrix, compute_uv=False)
    tolerance = sigma[0] * max(matrix.shape) * np.finfo(np.float32).eps
    known = sigma[0] > 0
    return {
        "singularValues": sigma.tolist(),
        "stableRank": float((sigma**2).sum() / sigma[0] ** 2) if known else None,
        "entropy": entropy(sigma) if known else None,
        "entropyOfSquares": entropy(sigma**2) if known else None,
        "numericalRank": int((sigma > tolerance).sum()),
    }


def truncated(matrix, rank):
    u, s, vt = np.linalg.svd(matrix, full_matrices=False)
    return (u[:, :rank] * s[:rank] @ vt[:rank]).flatten().tolist()


def left(matrix):
    return np.linalg.svd(matrix, full_matrices=False)[0]


def angles(a, b):
    """Knyazev and Argentati: cosines where they are small, sines where angles are."""
    if a.shape[1] < b.shape[1]:
        a, b = b, a
    cosines = np.linalg.svd(a.T @ b, compute_uv=False)
    sines = np.linalg.svd(b - a @ (a.T @ b), compute_uv=False)[::-1]
    return np.where(cosines**2 < 0.5, np.arccos(np.clip(cosines, 0, 1)), np.arcsin(np.clip(sines, 0, 1)))


def intruders():
    """A base, a tuned matrix that moves a little everywhere, and one with a large update of rank 1."""
    base = wave([16, 12], 50)
    moved = rounded(base + 0.05 * wave([16, 12], 51))
    intruded = rounded(base + 0.3 * np.outer(np.arange(16) % 5 - 2.0, np.cos(np.arange(12))))
    u = left(base)
    return {name: np.abs(left(tuned).T @ u).max(axis=1).tolist() for name, tuned in {"moved": moved, "intruded": intruded}.items()}


all_matrices = matrices()
a, b = left(wave([20, 5], 60)), left(wave([20, 3], 61))
near = left(wave([20, 5], 60) + 1e-6 * wave([20, 5], 62))
for other in (b, near):
    assert np.abs(np.sort(scipy.linalg.subspace_angles(a, other)) - angles(a, other)).max() < 1e-12
large = np.linalg.svd(wave([LARGE, LARGE], 70), compute_uv=False)
reference = {
    "numpy": np.__version__,
    "spectra": {name: summary(matrix) for name, matrix in all_matrices.items()},
    "truncated": {"matrix": "square", "rank": 3, "values": truncated(all_matrices["square"], 3)},
    "angles": {"apart": angles(a, b).tolist(), "near": angles(a, near).tolist()},
    "maxCosines": np.abs(a.T @ b).max(axis=1).tolist(),
    "intruders": intruders(),
    "large": {"size": LARGE, "singularValues": large[:: LARGE // 16].tolist(), "smallest": float(large[-1])},
}
target = pathlib.Path(__file__).with_name("spectra.json")
target.write_text(json.dumps(reference, indent=1) + "\n")
