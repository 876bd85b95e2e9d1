# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Y-Encoder: text → shared space. What its architectures (`gemma`, `bert`) have in common."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from vljepa_ros.model.config import ModelConfig
from vljepa_ros.model.layers import masked_mean


class YEncoder(nn.Module):
    """Texts → unit vectors in the shared space: mean over the tokens, own linear head."""

    def __init__(self, config: ModelConfig) -> None:
        """Create the head; an architecture adds the encoder and initialises all weights."""
        super().__init__()
        self.head = nn.Linear(config.y_encoder.hidden_size, config.embedding_dim)

    def encode(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the contextual tokens [B, L, D] of ids [B, L] (mask False at padding)."""
        raise NotImplementedError

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Embed texts.

        Args:
            ids: token ids [N, L].
            mask: boolean [N, L], False at padding.

        Returns:
            Unit vectors [N, embedding_dim].
        """
        pooled = masked_mean(self.encode(ids, mask), mask)
        return functional.normalize(self.head(pooled).float(), dim=-1)
