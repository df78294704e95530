"""Prefill and decode of transformers' `generate`, eager CPU float32: seconds of each, by slices.

    echo | python bench/peers/generate.py --rows N --prompt T [--new N] [--threads N] [--model FOLDER]

SmolLM2-135M's shapes with random weights, or a Hugging Face folder. Greedy, `min_new_tokens` as many as
`max_new_tokens`, all rows of one length. Each slice generates the same prompts twice, once 1 token long and once `new`: the
first is the prefill, the difference the decoding of the others. A line read is a slice, a line written what it took.
"""

import argparse
import sys
import time

import torch
import transformers
from measuring import say
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
    parser.add_argument("--new", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
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
        for _ in sys.stdin:
            short, long = seconds(1), seconds(args.new)
            decode = [(a - b) / (args.new - 1) for a, b in zip(long, short)]
            say(torch=torch.__version__, transformers=transformers.__version__, prefill=costs(short), decode=costs(decode))


def costs(pair):
    """Of seconds and processor time."""
    taken, used = pair
    return {"secondsPerStep": taken, "processorSecondsPerStep": used}


if __name__ == "__main__":
    main()
