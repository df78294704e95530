"""What a step costs in this process, as bench/step-costs.ts counts it for ours; one line of JSON for the bench that started it."""

import json
import statistics
import time


def timed(step, seconds, warm_up=3, least=5):
    """Steps that count for nothing, then as many as fit the time. Seconds (median and quartiles) and processor time of one, as fields."""
    for _ in range(warm_up):
        step()
    times = []
    used, until = time.process_time(), time.perf_counter() + seconds
    while time.perf_counter() < until or len(times) < least:
        started = time.perf_counter()
        step()
        times.append(time.perf_counter() - started)
    processor = (time.process_time() - used) / len(times)
    low, median, high = statistics.quantiles(times, n=4)
    return {
        "steps": len(times),
        "secondsPerStep": short(median),
        "processorSecondsPerStep": short(processor),
        "quartiles": [short(low), short(high)],
    }


def short(number):
    return float(f"{number:.4g}")


def status_mib(name):
    with open("/proc/self/status") as file:
        return next((int(line.split()[1]) / 1024 for line in file if line.startswith(f"{name}:")), 0)


def peak_anonymous_mib():
    """The peak of resident memory less what of it is mapped from files now: libraries (much of torch's are its CUDA wheel) are not counted."""
    return status_mib("VmHWM") - status_mib("RssFile") - status_mib("RssShmem")


def say(**fields):
    print(json.dumps(fields | {"peakAnonymousMiB": round(peak_anonymous_mib())}), flush=True)
