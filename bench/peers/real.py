"""The peer of bench/real-step.ts: transformers, and PEFT for LoRA, CPU float32, eager or compiled; one JSON line on stdout.

    python bench/peers/real.py weights|lora|full|logits [--shape NAME | --model PATH] [--rows B --length T] ...

weights: loads the model. lora, full: what a training step costs (rank 8 on every linear inside the blocks; AdamW,
fused; measuring.py). logits: logits of the tokens in a JSON file, written as float32 beside it. PATH is a Hugging Face folder or a
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
