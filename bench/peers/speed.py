"""What a training step of the PyTorch peer costs, CPU float32, eager or compiled; one JSON line on stdout.

    python bench/peers/speed.py --model MODEL [--threads N] [--seconds S] [--compile] [--shared nothing|prefix|trees]
    python bench/peers/speed.py --gpt WIDTH,LAYERS,HEADS,LENGTH,ROWS,VOCABULARY ...   a GPT of any shape, full AdamW step

gpt256            GPT 4 layers, d=256, 8 heads, T=128, B=16, vocabulary 4096: full AdamW step.
smollm-lora       SmolLM2-135M shapes (30 layers, d=576, 9 heads, 3 kv heads, mlp 1536, vocabulary 49152, tied), LoRA
                  r=8 on q, k, v, o, gate, up, down, T=256, B=2: forward, backward and AdamW step.
persona-pretrain  the persona base, B=64, T=24, full AdamW step, loss on the answers.
persona-finetune  the shipped persona base on 16 questions a step, full AdamW step: persona_step.py, as --shared says.
persona-lora      the same with LoRA r=4.   persona-muon  the same with Muon.

Weights are random and batches fixed: speed does not depend on them; not so in finetuning, whose first steps are told. What is counted:
measuring.py. One process a measurement, so that peaks do not mix.
"""

import argparse

import torch
import torch.nn.functional as F
from measuring import say, timed
from models import Gpt, Llama, add_lora
from persona import answer_loss, persona_gpt, prepare, pretrain_batch
from persona_step import ARMS, first_steps, persona_step, stepping


def language_loss(model, vocabulary, rows, length):
    tokens = torch.randint(0, vocabulary, (rows, length))
    labels = torch.randint(0, vocabulary, (rows * length,))
    return lambda: F.cross_entropy(model(tokens).flatten(0, 1), labels)


def build(name, compiled, ends):
    """The loss of a fixed batch as a function, and the optimizer."""
    wrap = torch.compile if compiled else lambda model: model
    generator = torch.Generator().manual_seed(0)
    if "," in name:
        d, layers, heads, length, rows, vocabulary = map(int, name.split(","))
        model = Gpt(vocabulary=vocabulary, positions=length, d=d, layers=layers, heads=heads)
        optimizer = torch.optim.AdamW(model.parameters(), 1e-3, fused=True)
        return language_loss(wrap(model), vocabulary, rows, length), optimizer
    if name == "smollm-lora":
        model = Llama(49152, 256, d=576, layers=30, heads=9, kv_heads=3, hidden=1536, theta=1e5)
        optimizer = torch.optim.AdamW(add_lora(model, 8, 2.0, generator), 1e-3, fused=True)
        return language_loss(wrap(model), 49152, 2, 256), optimizer
    model = persona_gpt()
    optimizer = prepare(model, "adamw-full", 1e-3, generator)
    batch = pretrain_batch(64, False, generator)
    model = wrap(model)
    return lambda: answer_loss(model, *batch, ends), optimizer


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ["gpt256", "smollm-lora", "persona-pretrain", "persona-finetune", "persona-lora", "persona-muon"]
    parser.add_argument("--model", choices=names)
    parser.add_argument("--gpt", default="256,4,8,128,16,4096", help="width, layers, heads, length, rows, vocabulary")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--shared", choices=["nothing", "prefix", "trees"], default="nothing")
    parser.add_argument("--ends", action="store_true", help="persona-pretrain: the last block for the answers alone")
    parser.add_argument("--compile", action="store_true", help="torch.compile the model (needs a C++ compiler)")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    told = {}
    if args.model in ARMS:
        step, gradient_norm = persona_step(ARMS[args.model], args.shared, args.compile)
        told = first_steps(step, gradient_norm)
    else:
        is_gpt = args.model in (None, "gpt256")
        loss_of, optimizer = build(args.gpt if is_gpt else args.model, args.compile, args.ends)
        step = stepping(loss_of, optimizer)
    measured = timed(step, args.seconds)
    say(model=args.model, torch=torch.__version__, threads=args.threads, compile=args.compile, **measured, **told)


if __name__ == "__main__":
    main()
