"""Prefill and decode of transformers' `generate`, eager CPU float32: seconds of each; one JSON line on stdout.

    python bench/peers/generate.py --rows N --prompt T [--new N] [--threads N] [--seconds S] [--model FOLDER]

SmolLM2-135M's shapes with random weights, or a Hugging Face folder. Greedy, `min_new_tokens` as many as
`max_new_tokens`, all rows of one length. Each round generates the same prompts twice, once 1 token long and once `new`: the
first is the prefill, the difference the decoding of the others. Medians over rounds.
"""

import argparse
import statistics
import time

import torch
import transformers
from measuring import say, short
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
        started, used = time.perf_counter(), time.process_time()
        out = model.generate(tokens, attention_mask=mask, do_sample=False, max_new_tokens=count, min_new_tokens=count, pad_token_id=0)
        assert out.shape[1] == args.prompt + count
        return time.perf_counter() - started, time.process_time() - used

    with torch.inference_mode():
        seconds(1)
        seconds(args.new)
        prefill, decode = [], []
        until = time.perf_counter() + args.seconds
        while len(prefill) < 3 or time.perf_counter() < until:
            short_one, long_one = seconds(1), seconds(args.new)
            prefill.append(short_one)
            decode.append([(a - b) / (args.new - 1) for a, b in zip(long_one, short_one)])
    say(
        torch=torch.__version__,
        transformers=transformers.__version__,
        rounds=len(prefill),
        prefill=medians(prefill),
        decode=medians(decode),
    )


def medians(pairs):
    """Of pairs of seconds and processor time."""
    taken, used = (short(statistics.median(column)) for column in zip(*pairs))
    return {"secondsPerStep": taken, "processorSecondsPerStep": used}


if __name__ == "__main__":
    main()
