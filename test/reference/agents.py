"""Returns and advantages as stable-baselines3's RolloutBuffer makes them, for src/learning/agents/returns.ts.

    python test/reference/agents.py        # numpy, gymnasium, torch, stable-baselines3 2.9.2
Lives end, or are cut off by gymnasium's TimeLimit; what comes after a cut is added to the reward as
`OnPolicyAlgorithm.collect_rollouts` does it. Writes agents.json.
"""

import json
import pathlib

import gymnasium
import numpy as np
import torch
from stable_baselines3.common.buffers import RolloutBuffer

STEPS, ROWS, LIMIT = 13, 4, 5


class Coin(gymnasium.Env):
    """A life that goes on with chance .85 a step; rewards are normal."""

    observation_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action):
        return np.zeros(1, np.float32), float(self.np_random.normal()), bool(self.np_random.uniform() > 0.85), False, {}


def lives(seed):
    rng = np.random.default_rng(seed)
    worlds = [gymnasium.wrappers.TimeLimit(Coin(), LIMIT) for _ in range(ROWS)]
    for row, world in enumerate(worlds):
        world.reset(seed=100 * seed + row)
    rewards, over, cut = (np.zeros((STEPS, ROWS), np.float32) for _ in range(3))
    for t in range(STEPS):
        for row, world in enumerate(worlds):
            _, rewards[t, row], terminated, truncated, _ = world.step(0)
            over[t, row], cut[t, row] = terminated, truncated and not terminated
            if terminated or truncated:
                world.reset()
    values = rng.normal(size=(STEPS, ROWS)).astype(np.float32)
    return rewards, over, cut, values, rng.normal(size=(STEPS, ROWS)).astype(np.float32) * cut, rng.normal(size=ROWS).astype(np.float32)


def advantages(rewards, over, cut, values, beyond, last, discount, lam):
    buffer = RolloutBuffer(STEPS, Coin.observation_space, Coin.action_space, "cpu", lam, discount, ROWS)
    ended = np.maximum(over, cut)
    starts = np.zeros(ROWS, np.float32)
    for t in range(STEPS):
        paid = rewards[t] + discount * beyond[t]
        buffer.add(np.zeros((ROWS, 1)), np.zeros((ROWS, 1)), paid, starts, torch.tensor(values[t]), torch.zeros(ROWS))
        starts = ended[t]
    buffer.compute_returns_and_advantage(torch.tensor(last), ended[-1])
    return buffer.advantages, buffer.returns


cases = []
for seed, (discount, lam) in enumerate([(0.99, 0.95), (0.9, 1.0), (1.0, 0.5), (0.95, 0.0)]):
    found = lives(seed)
    made, returns = advantages(*found, discount, lam)
    names = ["rewards", "over", "cut", "values", "beyond", "last"]
    lists = {name: [float(x) for x in array.ravel()] for name, array in zip(names, found)}
    assert sum(lists["over"]) > 2 and sum(lists["cut"]) > 2
    cases.append({"rows": ROWS, "discount": discount, "lambda": lam, **lists,
                  "advantages": [float(x) for x in made.ravel()], "returns": [float(x) for x in returns.ravel()]})
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps({"cases": cases}) + "\n")
