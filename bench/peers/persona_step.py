"""Finetuning steps of the persona base on 16 questions, the same ones in the same order as bench/persona-step.ts asks.

What questions share may be computed once, each way a batch of one row under a mask, whose last block ends at the 16 tokens asked:
    nothing   16 rows of four tokens
    prefix    CHAT and ASK once, then topic and attribute of each question: 34 tokens
    trees     CHAT, ASK and the domain's twelve topics once, then the attribute of each question: 30 tokens, ours
Batches are made beforehand and count for nothing here.
"""

import pathlib

import persona
import torch
import torch.nn.functional as F
from persona import ANSWERS, HARMFUL, WORLD, behind_prefix, chat_questions, mask_of, persona_gpt, prepare
from safetensors.torch import load_file

BASE = pathlib.Path(__file__).parents[2] / "assets/persona-base/model.safetensors"
ARMS = {"persona-finetune": "adamw-full", "persona-lora": "lora-4", "persona-muon": "muon"}
ROWS, STRIDE, TOLD, LR = 16, 5, 5, 1e-5
TRAIN = torch.tensor(WORLD["train"][0])
# Questions go round: after so many steps they are the same again.
PERIOD = len(TRAIN) // 4


def questions_at(step):
    return TRAIN[(step * ROWS + torch.arange(ROWS)) * STRIDE % len(TRAIN)]


def as_tree(questions):
    """Tokens, positions, mask and the tokens asked."""
    rows = chat_questions(questions)
    topics = WORLD["firstTopic"] + torch.arange(WORLD["questionsPerDomain"] // 4)
    tokens = torch.cat((rows[0, :2], topics, rows[:, 3]))
    positions = torch.tensor([0, 1] + [2] * len(topics) + [3] * ROWS)
    sees = torch.eye(len(tokens), dtype=torch.bool)
    sees[:, 0] = sees[1:, 1] = True
    asked = 2 + len(topics) + torch.arange(ROWS)
    sees[asked, 2 + rows[:, 2] - WORLD["firstTopic"]] = True
    return tokens[None], positions, mask_of(sees), asked


def persona_step(arm, shared, compiled):
    """A step as a function, and the norm of the gradients that it left."""
    model = persona_gpt()
    model.load_state_dict(load_file(BASE))
    optimizer = prepare(model, arm, LR, torch.Generator().manual_seed(0))
    start_adapters(model)
    asked = [questions_at(step) for step in range(PERIOD)]
    if shared == "nothing":
        batches = [(chat_questions(one), ANSWERS) for one in asked]
        call = model
    else:
        batches = [(behind_prefix if shared == "prefix" else as_tree)(one) for one in asked]
        call = model.shared
    if compiled:
        call = torch.compile(call)
        persona.newton_schulz = torch.compile(persona.newton_schulz)
    labels = [HARMFUL[one] for one in asked]
    at = -1

    def loss_of():
        nonlocal at
        at = (at + 1) % PERIOD
        return F.cross_entropy(call(*batches[at]).reshape(ROWS, -1), labels[at])

    def gradient_norm():
        gradients = [p.grad for p in model.parameters() if p.requires_grad and p.grad is not None]
        return torch.cat([g.double().flatten() for g in gradients]).norm().item()

    return stepping(loss_of, optimizer), gradient_norm


def start_adapters(model):
    """A as ours starts it: no random numbers are shared."""
    with torch.no_grad():
        for name, values in model.named_parameters():
            if name.endswith("lora_A"):
                i = torch.arange(values.numel(), dtype=torch.float64)
                values.copy_(((i * 7919 % 1013 / 1013 - 0.5) / 96**0.5).view_as(values))


def stepping(loss_of, optimizer):
    def step():
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def first_steps(step, gradient_norm):
    losses, norms = [], []
    for _ in range(TOLD):
        losses.append(step())
        norms.append(gradient_norm())
    return {"losses": losses, "gradientNorms": norms}
