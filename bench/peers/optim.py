"""PyTorch's side of bench/optim.ts, one thread: AdamW on 3.3M parameters, Newton-Schulz in float32.

    python bench/peers/optim.py
Prints median and quartiles over rounds, in milliseconds.
"""

import statistics
import time

import torch

ROUNDS, WARMUP_ROUNDS = 30, 5


def measure(label, repeats, run):
    samples = []
    for turn in range(WARMUP_ROUNDS + ROUNDS):
        start = time.perf_counter()
        for _ in range(repeats):
            run()
        if turn >= WARMUP_ROUNDS:
            samples.append((time.perf_counter() - start) / repeats * 1e3)
    low, median, high = statistics.quantiles(samples, n=4)
    print(f"{label:44} {median:.3f} ms [{low:.3f}, {high:.3f}]")


def newton_schulz(g):
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.T if g.size(0) > g.size(1) else g
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if g.size(0) > g.size(1) else x


torch.set_num_threads(1)
for fused in (False, True):
    p = torch.nn.Parameter(torch.zeros(3_300_000))
    p.grad = torch.randn(3_300_000)
    optimizer = torch.optim.AdamW([p], lr=1e-3, fused=fused)
    measure(f"AdamW, 3300000 parameters{', fused' if fused else ''}", 2, optimizer.step)
for shape in ((96, 96), (288, 96), (384, 96), (96, 384), (512, 512)):
    g = torch.randn(*shape)
    measure(f"Newton-Schulz, {shape[0]} x {shape[1]}, plain form", 1 if g.numel() > 1e5 else 10, lambda g=g: newton_schulz(g))
