"""Writes stats.json: reference numbers for src/analysis/stats from scipy, statsmodels and brute force.

    python test/reference/stats.py > test/reference/stats.json
"""
import itertools
import json
import math
from fractions import Fraction

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


def simplex_shares():
    """P(sum D_i x_i <= limit), D uniform on the simplex: by divided differences in exact fractions, and the beta for equal values."""
    rows = []
    for values, limit in (
        (["0", "1/10", "1/5", "1/2", "9/10"], "1/4"),
        (["-1", "3/10", "2/5", "2", "3"], "9/10"),
        (["-1/20", "1/50", "1/25", "3/100", "-1/100", "7/100", "1/10", "0", "1"], "1/5"),
    ):
        x, t = [Fraction(v) for v in values], Fraction(limit)
        n = len(x) - 1
        above = sum((x[i] - t) ** n / math.prod(x[i] - x[j] for j in range(n + 1) if j != i) for i in range(n + 1) if x[i] > t)
        rows.append({"values": [float(v) for v in x], "limit": float(t), "share": float(1 - above)})
    for n, q in ((8, 0.3), (29, 0.1), (40, 0.05)):
        rows.append({"values": [0] * n + [1], "limit": q, "share": st.beta.cdf(q, 1, n)})
    return rows


def unseen_shares():
    return [{"blocks": n, "alpha": a, "share": proportion_confint(0, n, 2 * a, "beta")[1]} for n in (6, 8, 16, 29) for a in (0.05, 0.035)]


def holm():
    rows = []
    for p in ([0.001, 0.004, 0.2, 0.03], [0.03, 0.02], [0.6, 0.7, 0.9], [0.001, 0.002, 0.003], [0.012, 0.5, 0.011, 0.04, 0.3]):
        rows.append({"p": p, "alpha": 0.05, "rejected": multipletests(p, 0.05, method="holm")[0].tolist()})
    return rows


def clusters():
    x = np.round(np.repeat(rng.normal(0.1, 0.1, 8), 2) + rng.normal(0, 0.02, 16), 4)
    means = x.reshape(8, 2).mean(axis=1)
    d = DescrStatsW(means)
    return {"contrasts": x.tolist(), "mean": d.mean, "ci95": list(d.tconfint_mean(0.05)), "signFlipP": sign_flip_p(means)}


def sign_flip_p(values):
    t = lambda v: abs(st.ttest_1samp(v, 0).statistic)
    flips = [t(values * np.array(s)) for s in itertools.product((1, -1), repeat=len(values))]
    return float(np.mean([one >= t(values) * (1 - 1e-9) for one in flips]))


print(json.dumps({
    "madeWith": {"numpy": np.__version__, "scipy": scipy.__version__, "statsmodels": statsmodels.__version__},
    "studentT": student_t(),
    "intervals": intervals(),
    "intercepts": intercepts(),
    "maxT": max_t(),
    "ancova": ancova(),
    "falseDiscovery": false_discovery(),
    "proportions": proportions(),
    "simplexShares": simplex_shares(),
    "unseenShares": unseen_shares(),
    "holm": holm(),
    "clusters": clusters(),
}, indent=1))
