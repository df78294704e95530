"""Writes claims.json: reference answers to claims from scipy, statsmodels and brute force, with the runs they are asked of.

    python test/reference/claims.py > test/reference/claims.json
"""
import itertools
import json

import numpy as np
import pandas as pd
import scipy
import scipy.stats as st
import statsmodels
from statsmodels.formula.api import ols
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW

rng = np.random.default_rng(20260201)
BLOCKS = 9
DELTA = 0.15
LEVELS = [2.1, 1.5, 1.1, 0.6]
ARMS = ["a", "b", "c", "d"]


def runs():
    """One run an arm and block: readings at each level of a given axis, rounded so that both sides read the same numbers."""
    rows = []
    for block in range(BLOCKS):
        shared = rng.normal(0, 0.3)
        for arm in ARMS:
            for l, level in enumerate(LEVELS):
                y = 0.5 + shared + {"a": 0.12 * l, "b": 0.03, "c": 0.01, "d": 0.02}[arm] + rng.normal(0, 0.08)
                rows.append({"arm": arm, "block": block, "level": level, "y": round(y, 4), "theory": round(0.5 + shared + rng.normal(0, 0.05), 4)})
    return pd.DataFrame(rows)


def column(frame, arm, level, what="y"):
    return frame[(frame.arm == arm) & (frame.level == level)].sort_values("block")[what].to_numpy()


def answer(values):
    d = DescrStatsW(values)
    return {
        "contrasts": values.tolist(),
        "estimate": d.mean,
        "ci95": list(d.tconfint_mean(0.05)),
        "ci90": list(d.tconfint_mean(0.10)),
        "tostP": d.ttost_mean(-DELTA, DELTA)[0],
    }


def t_of(values):
    return abs(np.mean(values)) / (np.std(values, ddof=1) / np.sqrt(len(values)))


def max_t(columns):
    """Step-down maxT (Westfall and Young 1993, algorithm 2.8) over all sign patterns."""
    observed = np.array([t_of(c) for c in columns])
    order = np.argsort(-observed)
    reached = np.zeros(len(columns))
    patterns = list(itertools.product((1, -1), repeat=BLOCKS))
    for pattern in patterns:
        t = np.array([t_of(np.array(pattern) * c) for c in columns])
        largest = 0.0
        for member in order[::-1]:
            largest = max(largest, t[member])
            reached[member] += largest >= observed[member] * (1 - 1e-9)
    adjusted, running = np.zeros(len(columns)), 0.0
    for member in order:
        running = max(running, reached[member] / len(patterns))
        adjusted[member] = running
    return adjusted.tolist()


def slopes(frame, x):
    """Change of a - b from the first level to the last: one least-squares line a block."""
    changes = []
    for block in range(BLOCKS):
        contrast = np.array([column(frame, "a", level)[block] - column(frame, "b", level)[block] for level in LEVELS])
        changes.append(st.linregress(x, contrast).slope * (x[-1] - x[0]))
    return np.array(changes)


def interaction(frame, level):
    """(a - b) - (c - d) inside blocks; its mean is the interaction of a saturated 2 x 2 model with blocks."""
    a, b, c, d = (column(frame, arm, level) for arm in ARMS)
    here = frame[frame.level == level].assign(
        first=lambda f: f.arm.isin(["a", "b"]).astype(int), second=lambda f: f.arm.isin(["a", "c"]).astype(int)
    )
    fit = ols("y ~ first * second + C(block)", here).fit()
    return (a - b) - (c - d), fit.params["first:second"]


frame = runs()
linear, logarithmic = np.array(LEVELS), np.log10(LEVELS)
claims = {
    "value": [answer(column(frame, "a", level) - 0.55) for level in LEVELS],
    "arm": [answer(column(frame, "a", level) - column(frame, "b", level)) for level in LEVELS],
    "outcome": [answer(column(frame, "b", level) - column(frame, "b", level, "theory")) for level in LEVELS],
    "arms": [{**answer(interaction(frame, level)[0]), "olsInteraction": interaction(frame, level)[1]} for level in LEVELS],
    "trend": [answer(slopes(frame, linear))],
    "trendLog": [answer(slopes(frame, logarithmic))],
}
everything = [np.array(level["contrasts"]) for claim in claims.values() for level in claim]
absences = [level["tostP"] for claim in claims.values() for level in claim]
print(json.dumps({
    "madeWith": {"numpy": np.__version__, "scipy": scipy.__version__, "statsmodels": statsmodels.__version__},
    "delta": DELTA,
    "levels": LEVELS,
    "runs": frame.to_dict("records"),
    "claims": claims,
    "adjustedP": max_t(everything),
    "holm": {"alpha": 0.035, "rejected": multipletests(absences, 0.035, method="holm")[0].tolist()},
}, indent=1))
