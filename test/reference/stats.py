"""Writes stats.json: reference numbers for src/analysis/stats from scipy, statsmodels and brute force.

    python test/reference/stats.py > test/reference/stats.json
"""
import itertools
import json

import numpy as np
import pandas as pd
import scipy
import scipy.stats as st
import statsmodels
import statsmodels.api as sm
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

rng = np.random.default_rng(20260101)


def student_t():
    return [
        {"p": p, "df": df, "quantile": st.t.ppf(p, df), "twoSided": 2 * st.t.sf(abs(st.t.ppf(p, df)) + 0.3, df)}
        for p in (0.55, 0.8, 0.95, 0.975, 0.99, 0.985, 0.995, 0.9995)
        for df in (1, 2, 5, 7, 11, 15, 40)
    ]


def intervals():
    rows = []
    for n in (6, 8, 16):
        x = np.round(rng.normal(0.05, 0.1, n), 4)
        d = DescrStatsW(x)
        rows.append({
            "values": x.tolist(),
            "mean": d.mean,
            "standardError": d.std_mean,
            "ci95": list(d.tconfint_mean(0.05)),
            "ci90": list(d.tconfint_mean(0.10)),
            "delta": 0.15,
            "tostP": d.ttost_mean(-0.15, 0.15)[0],
        })
    return rows


def intercepts():
    rows = []
    for n in (6, 9):
        x = np.round(rng.normal(0.1, 1, n), 4)
        y = np.round(0.3 + 2 * x + rng.normal(0, 0.2, n), 4)
        fit = sm.OLS(y, sm.add_constant(x)).fit()
        rows.append({
            "values": y.tolist(),
            "covariate": x.tolist(),
            "mean": fit.params[0],
            "standardError": fit.bse[0],
            "ci95": list(fit.conf_int()[0]),
        })
    return rows


def statistic(c, d):
    """|t| of the mean of c, or of the intercept of c on d, by textbook formulas."""
    if d is None:
        sd = np.std(c, ddof=1)
        return abs(np.mean(c)) / (sd / np.sqrt(len(c)))
    fit = sm.OLS(c, np.column_stack([np.ones(len(d)), d])).fit()
    return abs(fit.tvalues[0])


def max_t():
    """Step-down maxT by enumeration of all 2^n sign patterns; a member flips where it has the block."""
    family = []
    for shift, blocks, mismatch in ((0.8, range(8), False), (0.5, range(8), False), (0.0, range(1, 8), False), (0.6, range(8), True)):
        blocks = list(blocks)
        c = np.round(rng.normal(shift, 0.7, len(blocks)), 4)
        d = np.round(rng.normal(0, 1, len(blocks)), 4) if mismatch else None
        family.append({"blocks": blocks, "contrasts": c, "mismatches": d})
    observed = np.array([statistic(m["contrasts"], m["mismatches"]) for m in family])
    order = np.argsort(-observed)
    reached = np.zeros(len(family))
    alone = np.zeros(len(family))
    patterns = list(itertools.product((1, -1), repeat=8))
    for pattern in patterns:
        signs = np.array(pattern)
        t = np.array([
            statistic(signs[m["blocks"]] * m["contrasts"], None if m["mismatches"] is None else signs[m["blocks"]] * m["mismatches"])
            for m in family
        ])
        alone += t >= observed * (1 - 1e-9)
        largest = 0.0
        for member in order[::-1]:
            largest = max(largest, t[member])
            reached[member] += largest >= observed[member] * (1 - 1e-9)
    adjusted = np.zeros(len(family))
    running = 0.0
    for member in order:
        running = max(running, reached[member] / len(patterns))
        adjusted[member] = running
    return {
        "family": [
            {"blocks": m["blocks"], "contrasts": m["contrasts"].tolist(), **({} if m["mismatches"] is None else {"mismatches": m["mismatches"].tolist()})}
            for m in family
        ],
        "adjusted": adjusted.tolist(),
        "single": (alone / len(patterns)).tolist(),
    }


def ancova():
    rows = []
    for block in range(7):
        shift = rng.normal(0, 0.2)
        for arm in (0, 1):
            for _ in range(4):
                train = round(rng.uniform(0.5, 2), 4)
                held_out = round(train + 0.2 * (2 - train) + rng.normal(0, 0.05), 4)
                y = 0.3 + 0.12 * arm - 0.2 * train - 0.1 * held_out + shift + rng.normal(0, 0.05)
                rows.append({"block": block, "arm": arm, "train": train, "heldOut": held_out, "y": round(y, 5)})
    frame = pd.DataFrame(rows)
    fit = ols("y ~ arm + train + heldOut + C(block)", frame).fit()
    robust = fit.get_robustcov_results("cluster", groups=frame["block"], use_t=True)
    names = list(fit.model.exog_names)
    at = names.index("arm")
    # Sequential sums of squares, the axes up to second order: axes, arm, block, rest.
    full = ols("y ~ train + heldOut + I(train**2) + I(heldOut**2) + train:heldOut + arm + C(block)", frame).fit()
    order = ["train", "heldOut", "I(train ** 2)", "I(heldOut ** 2)", "train:heldOut", "arm", "C(block)"]
    total = float(((frame.y - frame.y.mean()) ** 2).sum())

    def explained(terms):
        return total - ols("y ~ " + " + ".join(terms), frame).fit().ssr

    axes = explained(order[:5])
    with_arm = explained(order[:6])
    with_block = explained(order[:7])
    return {
        "rows": rows,
        "coefficient": robust.params[at],
        "standardError": robust.bse[at],
        "ci95": list(robust.conf_int()[at]),
        "p": robust.pvalues[at],
        "fractions": {
            "axes": axes / total,
            "factor": (with_arm - axes) / total,
            "block": (with_block - with_arm) / total,
            "rest": full.ssr / total,
        },
    }


def false_discovery():
    p = [0.001, 0.2, 0.04, 0.03, 0.9, 0.012, 0.04]
    return {"p": p, "q": multipletests(p, method="fdr_bh")[1].tolist()}


def proportions():
    return [
        {"successes": k, "trials": n, "clopperPearson": list(proportion_confint(k, n, 0.05, "beta"))}
        for k, n in ((0, 200), (3, 200), (101, 2000), (1600, 2000), (2000, 2000))
    ]


print(json.dumps({
    "madeWith": {"numpy": np.__version__, "scipy": scipy.__version__, "statsmodels": statsmodels.__version__},
    "studentT": student_t(),
    "intervals": intervals(),
    "intercepts": intercepts(),
    "maxT": max_t(),
    "ancova": ancova(),
    "falseDiscovery": false_discovery(),
    "proportions": proportions(),
}, indent=1))
