"""PyTorch's side of bench/agents.ts, one thread: the same actor-critic on a GRU of 16 units in the same foraging world, whose lives are
stepped all at once in NumPy.

    python bench/peers/agents.py LIVES
Acting and loss are tried eagerly (gates written out, and torch's own cell) and by torch.compile, AdamW with and without fusing, and the
fastest is reported; compiling counts for nothing. Prints environment steps and updates a second of processor time as JSON.
"""

import json
import shutil
import sys
import time

import numpy as np
import torch
from torch import nn

STEPS, SECONDS, HIDDEN, OBSERVATIONS, ACTIONS = 16, 1.0, 16, 5, 3
DISCOUNT, LAMBDA = 0.98, 0.95
FOOD, TURNS, CUE = np.array([0.05, 0.95]), 0.03, np.array([0.4, 0.6])
EFFECT, COST, EXPOSURE = np.array([0, 0.7, 1]), np.array([1, 4, 4]), np.array([0, 0.005, 0.05])
MEAL, CAP, START, DANGER = 16, 60, 20, 0.001
torch.set_num_threads(1)


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRUCell(OBSERVATIONS, HIDDEN)
        self.heads = nn.Linear(HIDDEN, ACTIONS + 1)

    def forward(self, seen, memory):
        memory = self.gru(seen, memory)
        heads = self.heads(memory)
        return heads[:, :ACTIONS], heads[:, ACTIONS], memory


class World:
    """All lives at once; every array has one number a life."""

    def __init__(self, lives):
        self.rng = np.random.Generator(np.random.SFC64(1))
        self.lives = lives
        self.good = self.rng.random(lives) < 0.5
        self.energy = np.full(lives, START)
        self.effort, self.found = np.zeros(lives, int), np.zeros(lives, bool)

    def observe(self):
        cue = self.rng.random(self.lives) < CUE[self.good.astype(int)]
        seen = np.empty((self.lives, OBSERVATIONS), np.float32)
        seen[:, 0] = np.where(cue, 1, -1)
        seen[:, 1] = 2 * self.energy / CAP - 1
        seen[:, 2] = self.found
        seen[:, 3], seen[:, 4] = self.effort == 1, self.effort == 2
        return seen

    def step(self, effort):
        luck = self.rng.random((3, self.lives))
        found = luck[0] < EFFECT[effort] * FOOD[self.good.astype(int)]
        energy = np.clip(self.energy - COST[effort] + MEAL * found, 0, CAP)
        over = (energy == 0) | (luck[1] < DANGER + EXPOSURE[effort])
        self.good = np.where(over, luck[2] < 0.5, self.good ^ (luck[2] < TURNS))
        self.energy = np.where(over, START, energy)
        self.effort, self.found = np.where(over, 0, effort), found & ~over
        return np.where(over, 0, 0.1).astype(np.float32), over


def acting(policy):
    def act(seen, memory):
        logits, value, memory = policy(seen, memory)
        # Gumbel's way is quicker than torch.multinomial at three actions.
        return (logits - torch.empty_like(logits).exponential_().log_()).argmax(1), value, memory

    return act


def rollout(act, world, seen, memory):
    lives = world.lives
    observations = np.empty((STEPS, lives, OBSERVATIONS), np.float32)
    rewards, values, ended = (np.empty((STEPS, lives), np.float32) for _ in range(3))
    actions, first = np.empty((STEPS, lives), np.int64), memory
    with torch.inference_mode():
        for t in range(STEPS):
            observations[t] = seen
            action, value, memory = act(torch.from_numpy(seen), memory)
            action = action.numpy()
            rewards[t], over = world.step(action)
            actions[t], values[t], ended[t] = action, value.numpy(), over
            memory = memory * torch.from_numpy(1 - ended[t])[:, None]
            seen = world.observe()
        last = act(torch.from_numpy(seen), memory)[1].numpy()
    return (observations, actions, rewards, values, ended, last, first), seen, memory


def advantages(rewards, values, ended, last):
    made, after = np.empty_like(rewards), 0
    following = np.concatenate([values[1:], last[None]])
    for t in reversed(range(STEPS)):
        after = rewards[t] + (1 - ended[t]) * DISCOUNT * (following[t] + LAMBDA * after) - values[t]
        made[t] = after
    return made


class Loss(nn.Module):
    def __init__(self, policy):
        super().__init__()
        self.policy = policy

    def of_states(self, states, actions, advantage, returns):
        heads = self.policy.heads(torch.stack(states).flatten(0, 1))
        log_p = heads[:, :ACTIONS].log_softmax(1)
        chosen = log_p.gather(1, actions[:, None])[:, 0]
        entropy = -(log_p.exp() * log_p).sum(1).mean()
        return -(chosen * advantage).mean() + 0.5 * (heads[:, ACTIONS] - returns).square().mean() - 0.01 * entropy

    def forward(self, observations, actions, kept, advantage, returns, memory):
        gru, states = self.policy.gru, []
        # Inputs are multiplied for all steps at once, as by nn.GRU; a life that begins forgets.
        read = nn.functional.linear(observations, gru.weight_ih, gru.bias_ih)
        for t in range(STEPS):
            memory = memory * kept[t][:, None]
            hidden = nn.functional.linear(memory, gru.weight_hh, gru.bias_hh)
            xr, xz, xn = read[t].chunk(3, 1)
            hr, hz, hn = hidden.chunk(3, 1)
            z = torch.sigmoid(xz + hz)
            n = torch.tanh(xn + torch.sigmoid(xr + hr) * hn)
            memory = n + z * (memory - n)
            states.append(memory)
        return self.of_states(states, actions, advantage, returns)


class CellLoss(Loss):
    """The same by torch's own fused cell, step by step."""

    def forward(self, observations, actions, kept, advantage, returns, memory):
        states = []
        for t in range(STEPS):
            memory = self.policy.gru(observations[t], memory * kept[t][:, None])
            states.append(memory)
        return self.of_states(states, actions, advantage, returns)


def update(policy, loss_of, optimizer, lived):
    observations, actions, rewards, values, ended, last, memory = lived
    advantage = advantages(rewards, values, ended, last)
    kept = np.concatenate([np.ones_like(ended[:1]), 1 - ended[:-1]])
    as_tensors = (torch.from_numpy(a) for a in (observations, actions.ravel(), kept, advantage.ravel(), (advantage + values).ravel()))
    loss = loss_of(*as_tensors, memory)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(policy.parameters(), 0.5)
    optimizer.step()


def per_second(act, seconds=SECONDS):
    rate = 0
    for limit in (seconds / 4, seconds):
        start, count = time.process_time(), 0
        while time.process_time() - start < limit:
            act()
            count += 1
        rate = count / (time.process_time() - start)
    return rate


def compiled(module):
    """By torch.compile, where a C++ compiler is at hand."""
    return [("compiled", torch.compile(module))] if shutil.which("g++") or shutil.which("clang++") else []


def tried(name, measured):
    """What is measured; 0 where torch.compile cannot make it, which is said."""
    try:
        return measured()
    except Exception as error:
        if not name.startswith("compiled"):
            raise
        print(f"{name} is left out: {type(error).__name__}", file=sys.stderr)
        return 0


def main():
    lives = int(sys.argv[1])
    policy, world = Policy(), World(lives)
    state = {"seen": world.observe(), "memory": torch.zeros(lives, HIDDEN)}

    def live(act):
        lived, state["seen"], state["memory"] = rollout(act, world, state["seen"], state["memory"])
        return lived

    act = acting(policy)
    steps = {}
    for name, one in [("eager", act), *compiled(act)]:
        steps[name] = tried(name, lambda: (live(one), lives * STEPS * per_second(lambda: live(one)))[1])
    lived = live(act)
    # Inference tensors are not trained on.
    lived = (*lived[:-1], torch.from_numpy(lived[-1].numpy().copy()))
    updates = {}
    for name, loss_of in [("eager", Loss(policy)), ("cell", CellLoss(policy)), *compiled(Loss(policy))]:
        for fused in (False, True):
            optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-6, weight_decay=0, fused=fused)
            step = lambda: update(policy, loss_of, optimizer, lived)
            updates[f"{name}{' fused' if fused else ''}"] = tried(name, lambda: (step(), per_second(step))[1])
    print(json.dumps({"stepsPerSecond": max(steps.values()), "updatesPerSecond": max(updates.values()), "steps": steps, "updates": updates}))


main()
