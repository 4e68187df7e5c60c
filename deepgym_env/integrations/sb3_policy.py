"""Stable-Baselines3: a policy for ``DeepGym/repair`` that looks at every possible edit in the same way.

- :func:`edit_policy`: the policy's class, for ``MaskablePPO`` or ``PPO``.

What a network with weights of its own for each place of a program has learnt of a program says nothing about
another. Here one network scores all options: what it has learnt goes for any program.
"""

from __future__ import annotations

import functools
from typing import Any, Literal

from deepgym_env.envs.repair import FEATURES
from deepgym_env.envs.repair_programs import OPTIONS
from deepgym_env.optional import require

__all__ = ["edit_policy"]

_WIDTH = 32


@functools.cache
def edit_policy(algorithm: Literal["MaskablePPO", "PPO"] = "MaskablePPO") -> Any:
    """Return the policy's class.

    Args:
        algorithm: What it is for; ``MaskablePPO`` is sb3-contrib's.

    Raises:
        ConfigError: If the library is missing.

    Source: one scorer for all candidates, as in pointer networks (Vinyals et al. 2015), over what deep sets
    (Zaheer et al. 2017) make of their context.
    """
    if algorithm == "MaskablePPO":
        policies = require("sb3_contrib.common.maskable.policies", "edit_policy", "sb3")
        base: type[Any] = policies.MaskableMultiInputActorCriticPolicy
    else:
        base = require("stable_baselines3.common.policies", "edit_policy", "sb3").MultiInputActorCriticPolicy
    nn = require("torch.nn", "edit_policy", "sb3")

    class EditPolicy(base):  # type: ignore[misc]
        """Scores each option by its features, its place's present option, its rivals and the state of the tests."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{"features_extractor_class": _extractor(), **kwargs})

        def _build_mlp_extractor(self) -> None:
            self.mlp_extractor = _head()(_rows(self.observation_space))

        def _build(self, lr_schedule: Any) -> None:
            super()._build(lr_schedule)
            self.action_net = nn.Identity()  # the scores are the logits
            self.optimizer = self.optimizer_class(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)

    return EditPolicy


def _rows(observation_space: Any) -> int:
    """Return how many options there are."""
    return int(observation_space["options"].shape[0]) // len(FEATURES)


@functools.cache
def _extractor() -> Any:
    th = require("torch", "edit_policy", "sb3")
    base: type[Any] = require("stable_baselines3.common.torch_layers", "edit_policy", "sb3").BaseFeaturesExtractor

    class Options(base):  # type: ignore[misc]
        """Options and tests, as ``(batch, n_options * width + 2 * width)``."""

        def __init__(self, observation_space: Any) -> None:
            rows, columns = _rows(observation_space), len(FEATURES)
            super().__init__(observation_space, features_dim=rows * _WIDTH + 2 * _WIDTH)
            state = sum(observation_space[name].shape[0] for name in ("tests", "progress"))
            self.state = th.nn.Sequential(th.nn.Linear(state, _WIDTH), th.nn.Tanh())
            self.option = th.nn.Sequential(th.nn.Linear(columns, _WIDTH), th.nn.Tanh())
            self.context = th.nn.Sequential(th.nn.Linear(5 * _WIDTH, _WIDTH), th.nn.Tanh())

        def forward(self, observations: Any) -> Any:
            options = observations["options"].unflatten(1, (-1, len(FEATURES)))
            state = self.state(th.cat([observations["tests"], observations["progress"]], dim=1))
            seen = self.option(options)
            exists, current = options[..., :1], options[..., 1:2]
            present = self._of_place(seen * current)
            rivals = self._of_place(seen * exists)
            overall = ((seen * exists).sum(1) / exists.sum(1)).unsqueeze(1).expand_as(seen)
            around = [seen, present, rivals, overall, state.unsqueeze(1).expand_as(seen)]
            scored = self.context(th.cat(around, dim=2))
            whole = (scored * exists).sum(1) / exists.sum(1)
            return th.cat([scored.flatten(1), whole, state], dim=1)

        @staticmethod
        def _of_place(seen: Any) -> Any:
            """Sum over a place's options, for each of them."""
            batch, rows, width = seen.shape
            places = seen.view(batch, rows // OPTIONS, OPTIONS, width).sum(2, keepdim=True)
            return places.expand(-1, -1, OPTIONS, -1).reshape(batch, rows, width)

    return Options


@functools.cache
def _head() -> Any:
    th = require("torch", "edit_policy", "sb3")

    class Scores(th.nn.Module):  # type: ignore[misc, name-defined]
        """Logits of the options and of submitting, and what the value is made of."""

        def __init__(self, rows: int) -> None:
            super().__init__()
            self.rows, self.latent_dim_pi, self.latent_dim_vf = rows, rows + 1, _WIDTH
            self.score = th.nn.Linear(_WIDTH, 1)
            self.submit = th.nn.Linear(2 * _WIDTH, 1)
            self.value = th.nn.Sequential(th.nn.Linear(2 * _WIDTH, _WIDTH), th.nn.Tanh())

        def forward(self, features: Any) -> tuple[Any, Any]:
            return self.forward_actor(features), self.forward_critic(features)

        def forward_actor(self, features: Any) -> Any:
            cut = self.rows * _WIDTH
            scored = features[:, :cut].view(-1, self.rows, _WIDTH)
            return th.cat([self.score(scored).squeeze(2), self.submit(features[:, cut:])], dim=1)

        def forward_critic(self, features: Any) -> Any:
            return self.value(features[:, self.rows * _WIDTH :])

    return Scores
