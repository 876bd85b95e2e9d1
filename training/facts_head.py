# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Supervision of whole clips with the simulator's facts: what is done with what, and where to.

An attentive probe as V-JEPA 2's (one learned query a fact reads all tokens), thrown away after
the pretraining.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.batches import NOT_VISIBLE
from training.episodes import FACTS
from training.pairing_masks import IGNORE_INDEX, cross_entropy

WEIGHTS = {'action': 2.0, 'kind': 1.0, 'colour': 1.0, 'target': 1.0, 'success': 0.5}


class FactsHead(nn.Module):
    """Reads the facts of a clip, or of two images, from its visual tokens."""

    def __init__(self, hidden_size: int, *, heads: int = 4) -> None:
        """Create two queries a fact, one for clips and one for transitions."""
        super().__init__()
        self.queries = nn.Parameter(torch.randn(2, len(FACTS), hidden_size) * 0.02)
        self.norm = nn.LayerNorm(hidden_size)
        self.key_value = nn.Linear(hidden_size, 2 * hidden_size)
        self.project = nn.Linear(hidden_size, hidden_size)
        self.mlp = nn.Sequential(
            nn.LayerNorm(hidden_size),
            nn.Linear(hidden_size, 2 * hidden_size),
            nn.GELU(),
            nn.Linear(2 * hidden_size, hidden_size),
        )
        self.heads = heads
        # Class 0 is "there is none", such as the target of 'pick up'.
        self.classes = nn.ModuleDict(
            {name: nn.Linear(hidden_size, len(words) + 1) for name, words in FACTS.items()}
        )

    def forward(self, tokens: Tensor, is_transition: Tensor) -> dict[str, Tensor]:
        """Return for each fact the logits [B, classes] of tokens [B, N, D]."""
        batch, length, width = tokens.shape
        shape = (batch, length, self.heads, width // self.heads)
        key, value = self.key_value(self.norm(tokens)).chunk(2, dim=-1)
        key, value = key.view(shape).transpose(1, 2), value.view(shape).transpose(1, 2)
        query = self.queries[is_transition.long()]  # [B, facts, D]
        query = query.view(batch, -1, self.heads, width // self.heads).transpose(1, 2)
        scores = query.to(key.dtype) @ key.transpose(-1, -2) * shape[-1] ** -0.5
        read = (scores.softmax(-1) @ value).transpose(1, 2).reshape(batch, -1, width)
        read = self.project(read)
        read = (read + self.mlp(read)).float()
        return {
            name: layer(read[:, number])
            for number, (name, layer) in enumerate(self.classes.items())
        }

    @staticmethod
    def loss(
        logits: dict[str, Tensor], facts: Tensor, never: dict[str, Tensor] | None = None
    ) -> Tensor:
        """Return the weighted cross entropies.

        Args:
            logits: of each fact, [B, classes].
            facts: int64 [B, 7], -1 = none, `NOT_VISIBLE` = not to be told.
            never: masks of `PairingMasks.of_facts`; None masks nothing.
        """
        told = (facts + 1).masked_fill(facts == NOT_VISIBLE, IGNORE_INDEX)
        parts = [
            WEIGHTS.get(name, 1.0)
            * cross_entropy(logits[name], told[:, number], (never or {}).get(name))
            for number, name in enumerate(FACTS)
        ]
        return torch.stack(parts).sum()

    @staticmethod
    def right(logits: dict[str, Tensor], facts: Tensor) -> Tensor:
        """Tell which facts are read rightly, bool [B, 7]; one that cannot be seen always is."""
        read = [
            (logits[name].argmax(-1) == facts[:, number] + 1) | (facts[:, number] == NOT_VISIBLE)
            for number, name in enumerate(FACTS)
        ]
        return torch.stack(read, dim=1)
