"""Train MaskablePPO to repair programs, and see what it does with programs it has never seen.

    pip install "deepgym-env[sb3]" matplotlib
    python examples/sb3_repair.py                     # a few minutes of one core
    python examples/sb3_repair.py --steps 2048        # a look at whether it runs

It prints how often the agent, climbing and random edits repair programs of the training split and of the
held-out one, which has other functions, and draws the learning curve.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3.common.callbacks import BaseCallback

from deepgym_env.envs import RepairEnv
from deepgym_env.envs.repair_baselines import Choose, GreedyEdits, RandomEdits, solved_rate
from deepgym_env.integrations.sb3 import make_sb3_vec_env
from deepgym_env.integrations.sb3_policy import edit_policy


class Curve(BaseCallback):
    """Notes how many of the latest 100 episodes were solved."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self.points: list[tuple[int, float]] = []

    def _on_training_start(self) -> None:
        self._solved: list[bool] = []

    def _on_step(self) -> bool:
        infos = zip(self.locals["dones"], self.locals["infos"], strict=True)
        self._solved += [info["is_success"] for done, info in infos if done and info["has_verdict"]]
        return True

    def _on_rollout_end(self) -> None:
        self.points.append((self.num_timesteps, float(np.mean(self._solved[-100:] or [0.0]))))


def acting(model: Any, *, deterministic: bool = False) -> Choose:
    """Return a model as what chooses edits."""

    def choose(env: RepairEnv) -> int:
        masks = env.action_masks()
        return int(model.predict(env.observation(), action_masks=masks, deterministic=deterministic)[0])

    return choose


def draw(points: list[tuple[int, float]], rates: dict[str, dict[str, float]], path: Path) -> None:
    """Save the learning curve with the baselines beside it."""
    figure, axes = plt.subplots(figsize=(7, 4))
    axes.plot(*zip(*points, strict=True), label="agent, while it learns")
    for name, style in (("greedy", "--"), ("random", ":")):
        axes.axhline(rates["train"][name], linestyle=style, color="grey", label=f"{name}, train")
    axes.plot(points[-1][0], rates["heldout"]["agent"], "o", label="agent, held-out programs")
    axes.set(xlabel="edits", ylabel="share of programs repaired", ylim=(0, 1))
    axes.legend()
    figure.savefig(path, dpi=150, bbox_inches="tight")
    plt.close(figure)


def main() -> None:
    """Train, measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=120_000, help="edits to learn from")
    parser.add_argument("--episodes", type=int, default=200, help="episodes of each measurement")
    parser.add_argument("--faults", type=int, default=2, help="faults of a program")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("sb3_repair.png"), help="where the learning curve goes")
    options = parser.parse_args()
    torch.set_num_threads(1)

    envs = make_sb3_vec_env("DeepGym/repair", 16, seed=options.seed, split="train", faults=options.faults)
    model = MaskablePPO(
        edit_policy(),
        envs,
        n_steps=128,
        batch_size=256,
        n_epochs=4,
        learning_rate=1e-3,
        gamma=0.95,
        ent_coef=0.01,
        seed=options.seed,
        device="cpu",
    )
    curve = Curve()
    model.learn(options.steps, callback=curve)
    rates: dict[str, dict[str, float]] = {}
    for split in ("train", "heldout"):
        env = RepairEnv(split=split, faults=options.faults)
        agents = {"agent": acting(model), "greedy": GreedyEdits(options.seed), "random": RandomEdits(options.seed)}
        rates[split] = {name: solved_rate(agent, env, episodes=options.episodes) for name, agent in agents.items()}
        print(split, *(f"{name} {rate:.1%}" for name, rate in rates[split].items()), sep="  ", flush=True)
        env.close()
    print("programs run:", envs.get_attr("verdicts")[0].executed)
    envs.close()
    draw(curve.points, rates, options.out)


if __name__ == "__main__":
    main()
