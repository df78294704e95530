"""Prefill and decode speed of transformers' `generate`, eager CPU float32; one JSON line on stdout.

    python bench/peers/generate.py --rows N --prompt T [--new N] [--threads N] [--seconds S] [--model FOLDER]

SmolLM2-135M's shapes with random weights, or a Hugging Face folder. Greedy, `min_new_tokens` as many as
`max_new_tokens`, all rows of one length. Each round generates the same prompts twice, once 1 token long and once `new`: the
first is the prefill, the difference the decoding of the others. Medians over rounds.
"""

import argparse
import json
import resource
import statistics
import time

import torch
import transformers
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

SMOLLM = LlamaConfig(
    vocab_size=49152,
    hidden_size=576,
    intermediate_size=1536,
    num_hidden_layers=30,
    num_attention_heads=9,
    num_key_value_heads=3,
    head_dim=64,
    rope_parameters={"rope_type": "default", "rope_theta": 100000.0},
    max_position_embeddings=2048,
    tie_word_embeddings=True,
)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1)
    parser.add_argument("--prompt", type=int, default=256)
    parser.add_argument("--new", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--model", default="")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    if args.model:
        model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32).eval()
    else:
        model = LlamaForCausalLM(SMOLLM).eval()
    tokens = torch.randint(0, model.config.vocab_size, (args.rows, args.prompt))
    mask = torch.ones_like(tokens)

    def seconds(count):
        started = time.perf_counter()
        out = model.generate(tokens, attention_mask=mask, do_sample=False, max_new_tokens=count, min_new_tokens=count, pad_token_id=0)
        assert out.shape[1] == args.prompt + count
        return time.perf_counter() - started

    with torch.inference_mode():
        seconds(1)
        seconds(args.new)
        prefill, decode = [], []
        until = time.perf_counter() + args.seconds
        while len(prefill) < 3 or time.perf_counter() < until:
            short = seconds(1)
            prefill.append(args.rows * args.prompt / short)
            decode.append(args.rows * (args.new - 1) / (seconds(args.new) - short))
    print(
        json.dumps(
            {
                "torch": torch.__version__,
                "transformers": transformers.__version__,
                "rounds": len(prefill),
                "prefillTokensPerSecond": float(f"{statistics.median(prefill):.4g}"),
                "decodeTokensPerSecond": float(f"{statistics.median(decode):.4g}"),
                "peakRssMiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }
        )
    )


if __name__ == "__main__":
    main()
