"""Reference numbers for src/measures/probes: logistic regression and its cross-validation by scikit-learn, a linear map by scipy.

Needs numpy, scipy, scikit-learn and statsmodels (made with the versions written into the file). Writes probes.json beside itself.
"""
import json
import pathlib

import numpy as np
import scipy
import sklearn
import statsmodels
import statsmodels.api as sm
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

rng = np.random.default_rng(0)
ROUND = 6


def logistic(n, d, penalty, signal, intercept=True, shift=0.0):
    x = rng.normal(size=(n, d)).round(ROUND) + shift
    y = (x[:, 0] * signal + rng.normal(size=n) > shift * signal).astype(int)
    if not intercept:
        y = (x[:, 0] * signal + rng.normal(size=n) > 0).astype(int)
    fit = LogisticRegression(C=1 / penalty, solver="newton-cholesky", tol=1e-14, max_iter=1000, fit_intercept=intercept).fit(x, y)
    return {
        "x": x.tolist(),
        "y": y.tolist(),
        "penalty": penalty,
        "intercept": intercept,
        "weights": fit.coef_[0].tolist(),
        "bias": float(np.ravel(fit.intercept_)[0]) if intercept else 0.0,
    }


def unpenalised(n, d):
    """As the penalty goes to nothing: the maximum likelihood of statsmodels, which has no penalty."""
    x = rng.normal(size=(n, d)).round(ROUND)
    y = (x[:, 0] - 0.5 * x[:, 1] + rng.logistic(size=n) > 0.3).astype(int)
    fit = sm.Logit(y, sm.add_constant(x)).fit(disp=0, method="newton", tol=1e-14, maxiter=200)
    return {"x": x.tolist(), "y": y.tolist(), "bias": float(fit.params[0]), "weights": fit.params[1:].tolist()}


def probe(groups, per, d, folds, penalty, signal):
    n = groups * per
    group = np.repeat(np.arange(groups), per)
    y = np.tile(np.arange(per) % 2, groups)
    x = rng.normal(size=(n, d)) * rng.uniform(0.1, 5, size=d) + rng.normal(size=d)
    x[:, 0] += signal * (2 * y - 1)
    x = x.round(ROUND)
    x[:, d - 1] = 3.25  # never varies
    split = PredefinedSplit(group % folds)
    # The penalty is a multiple of the features that vary.
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1 / (penalty * (d - 1)), solver="newton-cholesky", tol=1e-14, max_iter=1000))
    scores = cross_val_predict(model, x, y, cv=split, method="decision_function")
    return {
        "x": x.tolist(),
        "groups": group.tolist(),
        "y": y.tolist(),
        "folds": folds,
        "penalty": penalty,
        "scores": scores.tolist(),
        "accuracy": float(np.mean((scores > 0) == y)),
    }


def text_map(n, d, temperature, penalty):
    unit = lambda rows: rows / np.linalg.norm(rows, axis=1, keepdims=True)
    raw = [(rng.normal(size=(n, d)) + 1).round(ROUND) for _ in range(3)]
    x, t, u = map(unit, raw)
    mean = x.mean(0)
    seen = x - np.outer(x @ mean / (mean @ mean), mean)
    change = t - u
    size = np.mean((seen**2).sum(1) * (change**2).sum(1)) / temperature**2

    def loss(flat):
        scores = (np.einsum("nd,nd->n", x, change) + np.einsum("nd,de,ne->n", seen, flat.reshape(d, d), change)) / temperature
        p = 1 / (1 + np.exp(scores))
        grad = -np.einsum("n,nd,ne->de", p, seen, change) / temperature + penalty * size * flat.reshape(d, d)
        return np.logaddexp(0, -scores).sum() + penalty * size / 2 * (flat @ flat), grad.ravel()

    fit = minimize(loss, np.zeros(d * d), jac=True, method="L-BFGS-B", options={"maxiter": 100000, "ftol": 1e-16, "gtol": 1e-12, "maxfun": 1000000})
    D = fit.x.reshape(d, d)
    mapped = t + t @ D.T
    return {
        "images": raw[0].tolist(),
        "captions": raw[1].tolist(),
        "foils": raw[2].tolist(),
        "temperature": temperature,
        "penalty": penalty,
        "mapped": mapped.tolist(),
    }


out = {
    "made": {m.__name__: m.__version__ for m in (np, scipy, sklearn, statsmodels)},
    "logistic": [
        logistic(40, 3, 1.0, 2.0),
        logistic(30, 60, 0.5, 1.0),
        logistic(25, 4, 1e-3, 30.0),
        logistic(20, 5, 10.0, 1.0, shift=4.0),
        logistic(30, 6, 0.1, 2.0, intercept=False),
    ],
    "unpenalised": [unpenalised(80, 3)],
    "probes": [probe(12, 4, 7, 4, 0.1, 1.0), probe(10, 4, 50, 5, 0.01, 0.4)],
    "maps": [text_map(12, 5, 0.2, 0.1), text_map(20, 4, 0.05, 0.01)],
}


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, list):
        return [rounded(one) for one in value]
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return value


pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(rounded(out)) + "\n")
