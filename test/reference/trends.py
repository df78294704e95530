"""Reference numbers for src/study/trends.ts: changes along numpy's least-squares lines.

Needs numpy (made with 2.4.6). Writes trends.json beside itself.
"""
import json
import pathlib

import numpy as np

rng = np.random.default_rng(0)
FACTORS = {"rank": [1, 2, 4, 8], "decades": [1e-4, 1e-2, 3e-2, 1, 100], "two": [3, 7], "near": [0.9, 1, 1.1]}

cases = []
for name, values in FACTORS.items():
    for scale in ("linear", "log"):
        x = np.log(values) if scale == "log" else np.array(values, dtype=float)
        y = rng.normal(size=len(values)).round(3)
        slope = np.polyfit(x, y, 1)[0]
        cases.append({"factor": name, "scale": scale, "values": values, "numbers": y.tolist(), "change": slope * (x[-1] - x[0])})

pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(cases, indent=1) + "\n")
