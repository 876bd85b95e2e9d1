# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The planning heads learn what they are for, on a toy world of unit vectors."""

from __future__ import annotations

import pytest

pytest.importorskip('torch')

import torch  # noqa: E402
from torch import Tensor  # noqa: E402
from torch.nn import functional  # noqa: E402

from vljepa_ros.model.config import ModelConfig, PlanningConfig  # noqa: E402
from vljepa_ros.model.planning import Inverse, Transition  # noqa: E402

HEAD = PlanningConfig(hidden_size=48, num_layers=2)
CONFIG = ModelConfig(embedding_dim=12, transition=HEAD, inverse=HEAD)


def units(count: int, *, seed: int) -> Tensor:
    noise = torch.randn(count, 12, generator=torch.Generator().manual_seed(seed))
    return functional.normalize(noise, dim=-1)


def test_transition_of_every_pair() -> None:
    torch.manual_seed(0)
    head = Transition(CONFIG)
    torch.nn.init.normal_(head.mlp.head.weight)
    states, actions = units(3, seed=0), units(4, seed=1)
    after = head(states, actions)
    assert after.shape == (3, 4, 12)
    torch.testing.assert_close(after.norm(dim=-1), torch.ones(3, 4))
    pairs = head.pairs(states, actions[:3])
    torch.testing.assert_close(after[range(3), range(3)], pairs)
    assert not torch.allclose(after[:, 0], after[:, 1], atol=0.01)
    assert not torch.allclose(after[0], after[1], atol=0.01)


def test_a_fresh_transition_changes_nothing() -> None:
    states = units(3, seed=0)
    after = Transition(CONFIG)(states, units(4, seed=1))
    torch.testing.assert_close(after, states[:, None].expand(3, 4, 12))


def test_both_heads_learn() -> None:
    """A state moves along the action; the inverse finds the action from both states."""
    torch.manual_seed(0)
    transition, inverse = Transition(CONFIG), Inverse(CONFIG)
    states, actions = units(256, seed=0), units(256, seed=1)
    after = functional.normalize(states + actions, dim=-1)
    parameters = [*transition.parameters(), *inverse.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=3e-3)
    for _ in range(150):
        moved = 1.0 - (transition.pairs(states, actions) * after).sum(-1).mean()
        found = 1.0 - (inverse(states, after) * actions).sum(-1).mean()
        optimizer.zero_grad()
        (moved + found).backward()
        optimizer.step()
    states, actions = units(64, seed=2), units(64, seed=3)
    goals = functional.normalize(states + actions, dim=-1)
    with torch.inference_mode():
        best = (transition(states, actions) @ goals.T).argmax(-1)  # [64, 64]: of pairs, a goal
        assert (best.diagonal() == torch.arange(64)).float().mean() > 0.9
        best = (inverse(states, goals) @ actions.T).argmax(-1)
        assert (best == torch.arange(64)).float().mean() > 0.9
