"""Sums up trajectories of persona.py --study: the outcome at first passage of preset levels, by arm and learning rate,
and the difference to a reference arm inside each block.

    python bench/peers/levels.py out.jsonl ... [--reference adamw-full]

Each cell: mean +- standard deviation over blocks (blocks that reach the level). Between the two probes that bracket a
level everything is interpolated linearly in the axis; held-out levels count up to the run's minimum. `gap` is the
widest bracket used on that axis, in nats: beyond about 0.6 the interpolation bends the outcome by more than .015.
"""

import argparse
import json
import statistics
from collections import defaultdict

LEVELS = {"train": [1.5, 1, 0.7, 0.5, 0.3, 0.2, 0.1], "heldOut": [2, 1.5, 1.25, 1, 0.8, 0.6, 0.4]}


def passage(points, axis, level):
    """The first crossing of a level: every quantity interpolated, and the bracket's width; None if not reached."""
    lowest = min(range(len(points)), key=lambda i: points[i][axis])
    for i in range(1, len(points)):
        if axis == "heldOut" and i > lowest:
            return None
        before, after = points[i - 1], points[i]
        gap = before[axis] - after[axis]
        if before[axis] >= level > after[axis]:
            weight = (before[axis] - level) / gap
            return {k: before[k] + weight * (after[k] - before[k]) for k in before} | {"gap": gap}
    return None


def cell(values):
    if len(values) < 2:
        return f"{values[0]:+.3f} (1)" if values else "-"
    return f"{statistics.mean(values):+.3f}+-{statistics.stdev(values):.3f} ({len(values)})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--reference", default="adamw-full")
    args = parser.parse_args()
    groups = defaultdict(dict)
    for path in args.files:
        with open(path) as lines:
            for run in map(json.loads, lines):
                groups[run["arm"], run["lr"]][path, run["block"]] = run["points"]
    for axis, levels in LEVELS.items():
        at = {
            key: [{block: passage(points, axis, level) for block, points in runs.items()} for level in levels]
            for key, runs in groups.items()
        }
        reference = next(at[key] for key in at if key[0] == args.reference)
        print(f"\npHarmful at {axis} =", *levels, sep="\t")
        for (arm, lr), found in at.items():
            cells = [cell([c["pHarmful"] for c in row.values() if c]) for row in found]
            reached = [c for row in found for c in row.values() if c]
            gap = max((c["gap"] for c in reached), default=0)
            coherence = min((c["coherence"] for c in reached), default=float("nan"))
            print(arm, f"{lr:g}", *cells, f"gap {gap:.2f} coherence {coherence:.3f}", sep="\t")
        print(f"minus {args.reference}, block by block")
        for (arm, lr), found in at.items():
            pairs = [
                [row[b]["pHarmful"] - ref[b]["pHarmful"] for b in row if row[b] and ref.get(b)]
                for row, ref in zip(found, reference)
            ]
            print(arm, f"{lr:g}", *map(cell, pairs), sep="\t")


if __name__ == "__main__":
    main()
