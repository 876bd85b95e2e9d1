# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Planning heads: how an action changes a state, and which action leads from one to another.

Both work on embeddings alone. A state is the Predictor's answer to the checkpoint's query `state`,
an action the embedding of its text; everything else is frozen while they are trained.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from vljepa_ros.model.config import ModelConfig, PlanningConfig
from vljepa_ros.model.layers import initialise


class ResidualBlock(nn.Module):
    """Norm, two linear layers with a GELU between, residual connection."""

    def __init__(self, width: int) -> None:
        """Create the block."""
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 2 * width)
        self.fc2 = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map x [..., width] to the same shape."""
        out: Tensor = x + self.fc2(functional.gelu(self.fc1(self.norm(x))))
        return out


class PairMLP(nn.Module):
    """A residual MLP on pairs of embeddings."""

    def __init__(self, config: PlanningConfig, dim: int) -> None:
        """Create the MLP for embeddings of `dim` numbers."""
        super().__init__()
        # Two projections that are added are one of the joined pair, at less cost for many pairs.
        # Unit vectors are scaled to a root mean square of 1.
        self.scale = dim**0.5
        self.first = nn.Linear(dim, config.hidden_size)
        self.second = nn.Linear(dim, config.hidden_size, bias=False)
        self.blocks = nn.ModuleList(
            ResidualBlock(config.hidden_size) for _ in range(config.num_layers)
        )
        self.norm = nn.LayerNorm(config.hidden_size)
        self.head = nn.Linear(config.hidden_size, dim)
        initialise(self, std=0.04)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Map embeddings [..., D] and [..., D], which broadcast, to [..., D]."""
        x = self.first(first * self.scale) + self.second(second * self.scale)
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.head(self.norm(x))
        return out


class Transition(nn.Module):
    """State and action → embedding of the state after the action."""

    def __init__(self, config: ModelConfig) -> None:
        """Create the head; fresh, it predicts that nothing changes."""
        super().__init__()
        assert config.transition is not None
        self.mlp = PairMLP(config.transition, config.embedding_dim)
        nn.init.zeros_(self.mlp.head.weight)

    def pairs(self, states: Tensor, actions: Tensor) -> Tensor:
        """Apply each action to its state: [..., D] and [..., D] → unit vectors [..., D]."""
        change = self.mlp(states, actions).float()
        return functional.normalize(states.float() + change, dim=-1)

    def forward(self, states: Tensor, actions: Tensor) -> Tensor:
        """Apply every action to every state.

        Args:
            states: unit vectors [B, D].
            actions: unit vectors [N, D].

        Returns:
            Unit vectors [B, N, D].
        """
        return self.pairs(states[:, None], actions[None])


class Inverse(nn.Module):
    """Initial and goal state → embedding of the action that leads from one to the other."""

    def __init__(self, config: ModelConfig) -> None:
        """Create the head."""
        super().__init__()
        assert config.inverse is not None
        self.mlp = PairMLP(config.inverse, config.embedding_dim)

    def forward(self, initial: Tensor, goal: Tensor) -> Tensor:
        """Map states [B, D] and [B, D] to unit vectors [B, D]."""
        return functional.normalize(self.mlp(initial, goal).float(), dim=-1)
