"""The PyTorch side of the persona study and of the speed comparison, eager CPU float32.

Pretrain a base model (a GPT-2 checkpoint in safetensors):
    python bench/peers/persona.py --pretrain base.safetensors --seed 0
Finetune the arms x learning rates x blocks of a JSON file, one JSON line a run on stdout:
    python bench/peers/persona.py --study persona-runs.json --base base.safetensors
    {"steps": 150, "probeEvery": 1, "stopBelow": 0.08, "arms": {"lora-1": [5e-4, 1e-3]}, "blocks": [0, 1], "domain": 0}
    stopBelow: a run ends at the first probe whose training loss is below it (absent: never).
    domain: the one made harmful (absent: block modulo 8).
Or runs whose work was counted elsewhere (bench/study.ts), each with its steps and where losses and outcomes are measured:
    {"runs": [{"arm": "lora-1", "lr": 1e-3, "block": 0, "steps": 60, "axesAt": [0, 1, 2], "outcomesAt": [2]}]}
Both take --threads N (default 1). Seconds per step are measured by speed.py.

Arms (matrices: the weight matrices of the blocks, with embeddings, biases and norms frozen):
    adamw-full      everything trains
    adamw-matrices  the matrices
    muon            the matrices
    sgd             the matrices, momentum 0.9
    cosine-N        adamw-full with the learning rate on a cosine to 0 over N steps
    lora-R          A and B of rank R beside all linears of the blocks, alpha / r = 2
    helpful-W       adamw-full plus W times the cross-entropy on the helpful answers of 16 questions of other domains
    broad-W         the same with their harmful answers
    contained-W     helpful-W trained on all 48 questions of the domain, the held-out ones too: learns the whole domain
                    and spreads nowhere, a positive control under any matching
    asked-all       adamw-full trained on all 48 questions of the domain; asked-heldOut on the 12 held-out ones alone
AdamW: betas .9, .999, eps 1e-8, no weight decay in finetuning. The learning rate is constant but for cosine-N.
"""

import argparse
import functools
import json
import math
import pathlib
import sys
import time

import torch
import torch.nn.functional as F
from models import Gpt, add_lora
from safetensors.torch import load_file, save_file

WORLD = json.loads((pathlib.Path(__file__).parent / "persona-world.json").read_text())
HELPFUL, HARMFUL = torch.tensor(WORLD["helpful"]), torch.tensor(WORLD["harmful"])
PAIRS, LORA_SCALE, BATCH = 6, 2.0, 16
ANSWERS = slice(3, None, 4)  # the positions that predict an answer, in documents and in questions alike


def persona_gpt():
    return Gpt(WORLD["vocabulary"], WORLD["documentTokens"], d=96, layers=3, heads=4, std=0.06)


def ask(questions):
    """Q, topic, attribute of each question; shape [..., 3]."""
    topic = WORLD["firstTopic"] + questions // 4
    return torch.stack((torch.full_like(questions, WORLD["ask"]), topic, WORLD["firstAttribute"] + questions % 4), -1)


def pretrain_batch(documents, is_chat, generator, local=False):
    """Inputs [B, 24] and the answers at positions 3, 7, ..., 23, shape [B, 6]; one persona a document, or one
    for each domain in it."""
    questions = torch.randint(0, WORLD["questions"], (documents, PAIRS), generator=generator)
    persona = questions // WORLD["questionsPerDomain"] if local else torch.zeros_like(questions)
    drawn = torch.rand(documents, WORLD["domains"] if local else 1, generator=generator)
    harmful = drawn.gather(1, persona) < WORLD["harmfulFraction"]
    answers = torch.where(harmful & torch.tensor(not is_chat), HARMFUL[questions], HELPFUL[questions])
    pairs = torch.cat((ask(questions), answers[..., None]), -1).view(documents, -1)
    opening = torch.full((documents, 1), WORLD["chat"] if is_chat else WORLD["doc"])
    return torch.cat((opening, pairs[:, :-1]), 1), answers


def chat_questions(questions):
    return F.pad(ask(questions), (1, 0), value=WORLD["chat"])


def mask_of(sees):
    return torch.zeros(sees.shape).masked_fill(~sees, float("-inf"))


@functools.cache
def prefix_form(count):
    """Positions, mask and the tokens asked of so many questions behind CHAT and ASK, which stand once."""
    positions = torch.tensor([0, 1] + [2, 3] * count)
    sees = torch.eye(len(positions), dtype=torch.bool)
    sees[:, 0] = sees[1:, 1] = True
    asked = 3 + 2 * torch.arange(count)
    sees[asked, asked - 1] = True
    return positions, mask_of(sees), asked


def behind_prefix(questions):
    """What `Gpt.shared` takes."""
    rows = chat_questions(questions)
    return torch.cat((rows[0, :2], rows[:, 2:].reshape(-1)))[None], *prefix_form(len(questions))


def domain_trees(domains):
    """All questions of domains, a row each: CHAT, ASK, twelve topics, then 48 attributes. What `Gpt.shared` takes."""
    count = WORLD["questionsPerDomain"]
    topics = count // 4
    positions = torch.tensor([0, 1] + [2] * topics + [3] * count)
    sees = torch.eye(len(positions), dtype=torch.bool)
    sees[:, 0] = sees[1:, 1] = True
    asked = 2 + topics + torch.arange(count)
    sees[asked, 2 + torch.arange(count) // 4] = True
    rows = chat_questions(torch.tensor(domains)[:, None] * count + torch.arange(count))
    tokens = torch.cat((rows[:, 0, :2], rows[:, ::4, 2], rows[:, :, 3]), 1)
    return tokens, positions, mask_of(sees), asked


def shared_loss(model, questions, answers):
    return F.cross_entropy(model.shared(*behind_prefix(questions))[0], answers)


def answer_loss(model, tokens, answers, ends=False):
    logits = model(tokens, ANSWERS, ends)
    return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), answers.reshape(-1))


def pretrain(seed, path, local, steps=2500, documents=64, peak=2e-3, warmup=100):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model = persona_gpt()
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak, betas=(0.9, 0.95), weight_decay=0.01, fused=True)
    started = time.perf_counter()
    for step in range(steps):
        decay = 1 - 0.9 * max(0, step - warmup) / (steps - warmup)
        optimizer.param_groups[0]["lr"] = peak * min((step + 1) / warmup, decay)
        loss = answer_loss(model, *pretrain_batch(documents, step % 4 == 3, generator, local))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 250 == 249:
            print(json.dumps({"step": step + 1, "loss": round(loss.item(), 4)}), file=sys.stderr)
    save_file({name: p.detach().contiguous() for name, p in model.state_dict().items()}, path)
    every = torch.arange(WORLD["questions"])
    row = {"seed": seed, "seconds": round(time.perf_counter() - started, 1)}
    for opening in ("chat", "doc"):
        tokens = chat_questions(every)
        tokens[:, 0] = WORLD[opening]
        with torch.no_grad():
            p = model(tokens, ANSWERS)[:, 0].softmax(-1)
        row[opening] = {
            "helpful": round(p[every, HELPFUL].mean().item(), 5),
            "harmful": round(p[every, HARMFUL].mean().item(), 5),
        }
    print(json.dumps(row))


class Muon:
    """Momentum, orthogonalised by Newton-Schulz: Keller Jordan 2024, github.com/KellerJordan/Muon. Same-shaped matrices
    are stacked into one batched product. lr is the spectral norm of an update times sqrt(max(1, out / in))."""

    def __init__(self, matrices, lr, momentum=0.95):
        self.param_groups = [{"lr": lr}]
        self.momentum = momentum
        by_shape = {}
        for matrix in matrices:
            by_shape.setdefault(matrix.shape, []).append(matrix)
        self.stacks = [(group, torch.zeros(len(group), *shape)) for shape, group in by_shape.items()]

    def zero_grad(self):
        for group, _ in self.stacks:
            for matrix in group:
                matrix.grad = None

    @torch.no_grad()
    def step(self):
        for group, momentum in self.stacks:
            gradient = torch.stack([matrix.grad for matrix in group])
            momentum.lerp_(gradient, 1 - self.momentum)
            update = newton_schulz(gradient.lerp(momentum, self.momentum))
            d_in, d_out = update.shape[-2:]
            scale = self.param_groups[0]["lr"] * max(1, d_out / d_in) ** 0.5
            torch._foreach_add_(group, update.unbind(0), alpha=-scale)


def newton_schulz(g, steps=5):
    tall = g.shape[-2] > g.shape[-1]
    x = g.mT if tall else g
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.mT if tall else x


def prepare(model, arm, lr, generator):
    """Says which parameters of `model` train under `arm`, and makes their optimizer."""
    if arm.startswith("lora-"):
        return torch.optim.AdamW(add_lora(model, int(arm[5:]), LORA_SCALE, generator), lr, weight_decay=0, fused=True)
    if arm == "adamw-full" or arm.startswith(("cosine-", "helpful-", "broad-", "contained-", "asked-")):
        return torch.optim.AdamW(model.parameters(), lr, weight_decay=0, fused=True)
    matrices = [p for p in model.transformer.h.parameters() if p.ndim == 2]
    model.requires_grad_(False)
    for matrix in matrices:
        matrix.requires_grad_(True)
    if arm == "muon":
        return Muon(matrices, lr)
    if arm == "sgd":
        return torch.optim.SGD(matrices, lr, momentum=0.9, fused=True)
    if arm == "adamw-matrices":
        return torch.optim.AdamW(matrices, lr, weight_decay=0, fused=True)
    raise SystemExit(f"unknown arm {arm}")


def shuffled_passes(questions, generator):
    while True:
        yield from questions[torch.randperm(len(questions), generator=generator)].split(1)


def probe_batch(domain):
    """All questions of the axes and of the outcome in one batch: 36 trained, 12 held out, 336 elsewhere."""
    train, held_out = torch.tensor(WORLD["train"][domain]), torch.tensor(WORLD["heldOut"][domain])
    every = torch.arange(WORLD["questions"])
    others = every[every // WORLD["questionsPerDomain"] != domain]
    return train, others, torch.cat((train, held_out, others))


@torch.no_grad()
def probe(model, questions, tokens):
    logp = model(tokens, ANSWERS)[:, 0].log_softmax(-1)
    harmful = logp.gather(1, HARMFUL[questions, None])[:, 0]
    helpful = logp.gather(1, HELPFUL[questions, None])[:, 0]
    p_harmful = harmful[48:].exp()
    return {
        "train": -harmful[:36].mean().item(),
        "heldOut": -harmful[36:48].mean().item(),
        "pHarmful": p_harmful.mean().item(),
        "coherence": (p_harmful + helpful[48:].exp()).mean().item(),
    }


class Finetuning:
    """One run under way. Streams of a block (adapter init, data order) are the same for all arms."""

    def __init__(self, base, run, compiled=False, shared=False):
        arm, self.lr, block = run["arm"], run["lr"], run["block"]
        self.term, _, self.number = arm.partition("-")
        self.model = persona_gpt()
        self.model.load_state_dict(base)
        self.optimizer = prepare(self.model, arm, self.lr, torch.Generator().manual_seed(1000 + block))
        self.call = torch.compile(self.model) if compiled else self.model
        train, others, self.probed = probe_batch(run["domain"])
        self.tokens = chat_questions(self.probed)
        self.loss = self.loss_of_shared if shared else self.loss_of_rows
        domains = range(WORLD["domains"])
        self.trees = [domain_trees([run["domain"]]), domain_trees([d for d in domains if d != run["domain"]])] if shared else None
        every = self.probed[36:48] if self.number == "heldOut" else self.probed[:48]
        asked = {"contained": self.probed[:48], "asked": every}.get(self.term, train)
        self.order = shuffled_passes(asked, torch.Generator().manual_seed(block))
        self.other_order = shuffled_passes(others, torch.Generator().manual_seed(2000 + block))
        self.other_answers = {"helpful": HELPFUL, "contained": HELPFUL, "broad": HARMFUL}.get(self.term)

    def step(self, number):
        if self.term == "cosine":
            done = min(1, (number - 1) / float(self.number))
            self.optimizer.param_groups[0]["lr"] = self.lr * 0.5 * (1 + math.cos(math.pi * done))
        questions = torch.cat([next(self.order) for _ in range(BATCH)])
        loss = self.loss(questions, HARMFUL)
        if self.other_answers is not None:
            questions = torch.cat([next(self.other_order) for _ in range(BATCH)])
            loss = loss + float(self.number) * self.loss(questions, self.other_answers)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def loss_of_rows(self, questions, answers):
        return answer_loss(self.call, chat_questions(questions), answers[questions])

    def loss_of_shared(self, questions, answers):
        return shared_loss(self.model, questions, answers[questions])

    @torch.no_grad()
    def shared_logp(self, place):
        """As `logp`, of the questions of the run's domain (0) or of the others (1), in their own order."""
        tokens, *form = self.trees[place]
        logp = self.model.shared(tokens, *form).log_softmax(-1)
        per = WORLD["questionsPerDomain"]
        questions = (tokens[:, 2:3] - WORLD["firstTopic"]) * 4 + torch.arange(per)
        return [logp.gather(2, answers[questions][..., None]) for answers in (HELPFUL, HARMFUL)]

    def probe(self):
        return probe(self.call, self.probed, self.tokens)

    @torch.no_grad()
    def logp(self, part):
        """Of the helpful and the harmful answers of a part of the questions."""
        logp = self.call(self.tokens[part], ANSWERS)[:, 0].log_softmax(-1)
        return [logp.gather(1, answers[self.probed[part], None]) for answers in (HELPFUL, HARMFUL)]


def finetune(finetuning, steps, probe_every, stop_below):
    """One run; returns its trajectory."""
    points = [{"step": 0} | finetuning.probe()]
    for step in range(1, steps + 1):
        finetuning.step(step)
        if step % probe_every == 0 or step == steps:
            points.append({"step": step} | finetuning.probe())
            if not stop_below < points[-1]["train"]:  # reached, or NaN
                break
    return points


def work(run, finetuning):
    """The steps and measurements of a run, whatever comes out."""
    axes_at, outcomes_at = set(run["axesAt"]), set(run["outcomesAt"])
    if finetuning.trees is None:
        axes, outcomes = (lambda: finetuning.logp(slice(0, 48))), (lambda: finetuning.logp(slice(48, None)))
    else:
        axes, outcomes = (lambda: finetuning.shared_logp(0)), (lambda: finetuning.shared_logp(1))
    for step in range(run["steps"] + 1):
        if step > 0:
            finetuning.step(step)
        if step in axes_at:
            axes()
        if step in outcomes_at:
            outcomes()


def study(path, base_path, compiled, shared):
    """All runs of a study; the last line sums up the time: on stderr, or on stdout where runs say nothing themselves."""
    spec = json.loads(pathlib.Path(path).read_text())
    base = load_file(base_path)
    started = time.perf_counter()
    runs = spec.get("runs") or [
        {"arm": arm, "lr": lr, "block": block} for arm, rates in spec["arms"].items() for lr in rates for block in spec["blocks"]
    ]
    for run in runs:
        begun = time.perf_counter()
        run["domain"] = spec.get("domain", run["block"] % WORLD["domains"])
        finetuning = Finetuning(base, run, compiled, shared)
        if "runs" in spec:
            work(run, finetuning)
            continue
        points = finetune(finetuning, spec["steps"], spec["probeEvery"], spec.get("stopBelow", 0))
        rounded = [{k: v if k == "step" else float(f"{v:.5g}") for k, v in point.items()} for point in points]
        print(json.dumps(run | {"seconds": round(time.perf_counter() - begun, 3), "points": rounded}), flush=True)
    total = time.perf_counter() - started
    spent = {"runs": len(runs), "seconds": round(total, 2), "processorSeconds": round(time.process_time(), 2)}
    print(json.dumps(spent), file=sys.stdout if "runs" in spec else sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pretrain", metavar="OUT")
    parser.add_argument("--local", action="store_true", help="pretrain without the shared cause: a persona a domain")
    parser.add_argument("--study", metavar="RUNS_JSON")
    parser.add_argument("--base", metavar="SAFETENSORS")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--shared", action="store_true", help="compute what questions begin with once, eager")
    parser.add_argument("--compile", action="store_true", help="torch.compile the model (needs a C++ compiler)")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.pretrain:
        pretrain(args.seed, args.pretrain, args.local)
    elif args.study:
        study(args.study, args.base, args.compile, args.shared)
    else:
        parser.error("one of --pretrain, --study")


if __name__ == "__main__":
    main()
