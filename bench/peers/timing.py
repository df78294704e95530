"""How long a step takes: three to warm up, then as many as fit the time, at least five. Returns its quartiles in seconds and their number."""

import statistics
import time


def timed(step, seconds):
    for _ in range(3):
        step()
    times = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(times) < 5:
        started = time.perf_counter()
        step()
        times.append(time.perf_counter() - started)
    return statistics.quantiles(times, n=4), len(times)
