"""The peer of bench/real-step.ts: transformers, and PEFT for LoRA, eager CPU float32; one JSON line on stdout.

    python bench/peers/real.py weights|lora|full|logits [--shape NAME | --model PATH] [--rows B --length T] ...

weights: loads the model. lora, full: seconds of a training step (rank 8 on every linear inside the blocks; AdamW,
fused). logits: logits of the tokens in a JSON file, written as float32 beside it. PATH is a Hugging Face folder or a
GGUF file, which transformers dequantises itself. One warm-up step; median of the rest.
"""
import argparse
import json
import resource
import statistics
import time
from pathlib import Path

started = time.perf_counter()

import torch
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


def say(task, **measured):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"task": task, **{k: float(f"{v:.4g}") for k, v in measured.items()}, "peakRssMiB": round(peak)}))


def train(model, args):
    if args.task == "lora":
        from peft import LoraConfig, get_peft_model

        model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", r=8, lora_alpha=16, target_modules="all-linear"))
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 1e-4, fused=True)
    ready = time.perf_counter() - started
    vocabulary = model.config.vocab_size
    tokens = torch.randint(0, vocabulary, (args.rows, args.length))
    labels = torch.randint(0, vocabulary, (args.rows * args.length,))
    times, until = [], None
    for step in range(-1, 10**9):
        if step == 0:
            until = time.perf_counter() + args.seconds
        if step >= 3 and time.perf_counter() > until:
            break
        before = time.perf_counter()
        optimizer.zero_grad()
        logits = model(input_ids=tokens, use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels)
        del logits
        loss.backward()
        optimizer.step()
        if step >= 0:
            times.append(time.perf_counter() - before)
    say(args.task, steps=len(times), seconds=statistics.median(times), ready=ready)


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
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    begun = time.perf_counter()
    model = load(args)
    if args.task == "weights":
        say("weights", seconds=time.perf_counter() - begun)
    elif args.task == "logits":
        with torch.no_grad():
            logits = model.eval()(torch.tensor([json.loads(Path(args.tokens).read_text())])).logits[0]
        Path(f"{args.tokens}.peer").write_bytes(logits.float().numpy().tobytes())
        say("logits", seconds=time.perf_counter() - begun)
    else:
        train(model, args)


if __name__ == "__main__":
    main()
