"""SAELens's side of bench/sae.ts: what a training step of a top-k autoencoder costs at d = 576 (measuring.py).

    python bench/peers/sae.py --times 8 [--variant eager|sparse|compile] [--rows 4096] [--threads 2] [--seconds 20]
One step is what SAELens's SAETrainer does with a batch: forward with losses, which features fired, backward, clipping, Adam.
Variants: `eager` with dense codes, `sparse` with SAELens's own sparse codes (use_sparse_activations), `compile` with torch.compile.
One JSON line on stdout.
"""

import argparse

import torch
from measuring import say, status_mib, timed
from sae_lens import TopKTrainingSAE, TopKTrainingSAEConfig
from sae_lens.saes.sae import TrainStepInput

D_IN, K, LR, BATCHES, FEATURES = 576, 32, 3e-4, 4, 2048


def forget_peak():
    """Loading the libraries peaks above what training needs."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def rows(count, generator):
    """Sums of 32 of 2048 directions."""
    directions = torch.randn(FEATURES, D_IN, generator=generator) / D_IN**0.5
    chosen = torch.randint(FEATURES, (count, K), generator=generator)
    sizes = torch.rand(count, K, 1, generator=generator) + 0.5
    return torch.stack([(directions[i] * s).sum(0) for i, s in zip(chosen, sizes)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, required=True)
    parser.add_argument("--variant", choices=["eager", "sparse", "compile"], default="eager")
    parser.add_argument("--rows", type=int, default=4096)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=20)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    forget_peak()
    imports = status_mib("RssAnon")
    generator = torch.Generator().manual_seed(0)
    batches = [rows(args.rows, generator) for _ in range(BATCHES)]
    config = TopKTrainingSAEConfig(
        d_in=D_IN,
        d_sae=args.times * D_IN,
        k=K,
        use_sparse_activations=args.variant == "sparse",
        rescale_acts_by_decoder_norm=False,
    )
    sae = TopKTrainingSAE(config)
    optimizer = torch.optim.Adam(sae.parameters(), lr=LR, fused=True)
    since_fired = torch.zeros(config.d_sae)

    def forward(x, dead):
        return sae.training_forward_pass(TrainStepInput(x, {}, dead, n_training_steps=0, is_logging_step=False))

    run = torch.compile(forward) if args.variant == "compile" else forward

    def step(i):
        out = run(batches[i % BATCHES], None)
        with torch.no_grad():
            did_fire = out.feature_acts.bool().float().sum(-2).bool()
            did_fire = did_fire.to_dense() if did_fire.is_sparse else did_fire
            since_fired.add_(1)[did_fire] = 0
        out.loss.backward()
        torch.nn.utils.clip_grad_norm_(sae.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return out.loss.item()

    losses = []
    costs = timed(lambda: losses.append(step(len(losses))), args.seconds, least=3)
    kept = [losses[0], losses[-1]]
    say(variant=args.variant, torch=torch.__version__, **costs, importAnonymousMiB=round(imports), losses=kept)


main()
