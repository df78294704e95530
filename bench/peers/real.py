"""The peer of bench/real-step.ts: transformers, and PEFT for LoRA, CPU float32, eager or compiled; one JSON line on stdout.

    python bench/peers/real.py weights|lora|full|logits [--shape NAME | --model PATH] [--rows B --length T] ...

weights: loads the model. lora, full: what a training step costs (rank 8 on every linear inside the blocks; AdamW,
fused; measuring.py). With --chat on the chat rows of bench/real-shapes.ts: padded, with logits of learned tokens alone, or `once`, all
rows behind their common beginning in one row without padding, under a mask. logits: logits of the tokens in a JSON file, written as float32 beside it. PATH is a Hugging Face folder or a
GGUF file, which transformers dequantises itself.
"""
import argparse
import json
import time
from pathlib import Path

started = time.perf_counter()

import torch
from measuring import say, timed
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config

SHAPES = {
    "smollm2-135m": lambda: LlamaConfig(vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3, tie_word_embeddings=True),
    "qwen2.5-0.5b": lambda: Qwen2Config(vocab_size=151936, hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14, num_key_value_heads=2, tie_word_embeddings=True),
}


def load(args):
    if args.model is None:
        return AutoModelForCausalLM.from_config(SHAPES[args.shape](), dtype=torch.float32)
    path = Path(args.model)
    if path.suffix == ".gguf":
        return AutoModelForCausalLM.from_pretrained(str(path.parent), gguf_file=path.name, dtype=torch.float32)
    return AutoModelForCausalLM.from_pretrained(str(path), dtype=torch.float32)


def train(model, args):
    if args.task == "lora":
        from peft import LoraConfig, get_peft_model

        model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", r=8, lora_alpha=16, target_modules="all-linear"))
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 1e-4, fused=True)
    ready = time.perf_counter() - started
    vocabulary = model.config.vocab_size
    if args.chat is not None:
        say(task=args.task, ready=ready, **timed(chat_step(model, optimizer, args), args.seconds, warm_up=1, least=3))
        return
    tokens = torch.randint(0, vocabulary, (args.rows, args.length))
    labels = torch.randint(0, vocabulary, (args.rows * args.length,))
    call = torch.compile(model) if args.compile else model

    def step():
        optimizer.zero_grad()
        logits = call(input_ids=tokens, use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels)
        del logits
        loss.backward()
        optimizer.step()

    say(task=args.task, ready=ready, **timed(step, args.seconds, warm_up=1, least=3))


LENGTHS, PREFIX = [40, 43, 47, 50, 54, 57, 60, 64], 24


def padded():
    """Tokens' shape, mask, positions, and the tokens that predict a learned one."""
    seen = torch.arange(max(LENGTHS))[None] < torch.tensor(LENGTHS)[:, None]
    asked = [row * max(LENGTHS) + t - 1 for row, n in enumerate(LENGTHS) for t in range(learned_from(n), n)]
    return seen.shape, {"attention_mask": seen.long()}, torch.tensor(asked)


def behind_prefix():
    row = torch.tensor([-1] * PREFIX + [i for i, n in enumerate(LENGTHS) for _ in range(n - PREFIX)])
    positions = torch.tensor([*range(PREFIX), *(t for n in LENGTHS for t in range(PREFIX, n))])
    sees = ((row[:, None] == row) | (row == -1)) & (positions[:, None] >= positions)
    mask = torch.zeros(sees.shape).masked_fill(~sees, float("-inf"))[None, None]
    starts = [PREFIX + sum(n - PREFIX for n in LENGTHS[:i]) for i in range(len(LENGTHS))]
    asked = [start + t - 1 - PREFIX for start, n in zip(starts, LENGTHS) for t in range(learned_from(n), n)]
    return (1, len(row)), {"attention_mask": mask, "position_ids": positions[None]}, torch.tensor(asked)


def learned_from(length):
    return PREFIX + (length - PREFIX) // 2


def chat_step(model, optimizer, args):
    inner = model.get_base_model() if args.task == "lora" else model
    shape, fed, asked = behind_prefix() if args.chat == "once" else padded()
    tokens = torch.randint(0, inner.config.vocab_size, shape)
    labels = torch.randint(0, inner.config.vocab_size, asked.shape)

    def logits_of(tokens, asked, **fed):
        hidden = inner.model(input_ids=tokens, use_cache=False, **fed).last_hidden_state
        return inner.lm_head(hidden.flatten(0, 1)[asked])

    call = torch.compile(logits_of) if args.compile else logits_of

    def step():
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(call(tokens, asked, **fed), labels).backward()
        optimizer.step()

    return step


def once(begun, used):
    """What was done since then, as a step of its own."""
    return {"secondsPerStep": time.perf_counter() - begun, "processorSecondsPerStep": time.process_time() - used}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=["weights", "lora", "full", "logits"])
    parser.add_argument("--shape", default="smollm2-135m")
    parser.add_argument("--model")
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--tokens")
    parser.add_argument("--chat", choices=["padded", "once"])
    parser.add_argument("--compile", action="store_true", help="torch.compile the model (needs a C++ compiler)")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    begun, used = time.perf_counter(), time.process_time()
    model = load(args)
    if args.task == "weights":
        say(task="weights", **once(begun, used))
    elif args.task == "logits":
        with torch.no_grad():
            logits = model.eval()(torch.tensor([json.loads(Path(args.tokens).read_text())])).logits[0]
        Path(f"{args.tokens}.peer").write_bytes(logits.float().numpy().tobytes())
        say(task="logits", **once(begun, used))
    else:
        train(model, args)


if __name__ == "__main__":
    main()
