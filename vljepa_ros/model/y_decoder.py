# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Y-Decoder: embedding → text, called only when somebody needs words.

The paper leaves it open (arXiv 2512.10942, §2: "lightweight", not part of the main training). Here
the embedding becomes a few soft prefix tokens of a small causal Llama, trained on text alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vljepa_ros.model.config import ModelConfig
from vljepa_ros.model.layers import LlamaStack, initialise


class YDecoder(nn.Module):
    """A causal language model conditioned on one embedding."""

    def __init__(self, config: ModelConfig) -> None:
        """Create the decoder; input and output token embeddings are tied."""
        super().__init__()
        decoder = config.y_decoder
        self.prefix_tokens = decoder.prefix_tokens
        self.max_tokens = decoder.max_tokens
        width = decoder.llama.hidden_size
        self.prefix = nn.Linear(config.embedding_dim, self.prefix_tokens * width)
        self.embed_tokens = nn.Embedding(decoder.llama.vocab_size, width)
        self.blocks = LlamaStack(decoder.llama, max_positions=self.prefix_tokens + self.max_tokens)
        initialise(self)

    def forward(self, embeddings: Tensor, ids: Tensor) -> Tensor:
        """Predict the next token after each of ids.

        Args:
            embeddings: unit vectors [B, embedding_dim].
            ids: token ids [B, L], the first one [BOS].

        Returns:
            Logits [B, L, vocab_size].
        """
        prefix = self.prefix(embeddings).unflatten(-1, (self.prefix_tokens, -1))  # [B, P, D]
        x = torch.cat((prefix, self.embed_tokens(ids)), dim=1)
        out = self.blocks(x, causal=True)[:, self.prefix_tokens :]
        logits: Tensor = out @ self.embed_tokens.weight.T
        return logits

    def next_token(self, embeddings: Tensor, ids: Tensor) -> Tensor:
        """Predict the token that follows ids.

        Args:
            embeddings: unit vectors [B, embedding_dim].
            ids: token ids [B, L], the first one [BOS].

        Returns:
            Logarithms of the probabilities, float32 [B, vocab_size].
        """
        return self(embeddings, ids)[:, -1].float().log_softmax(-1)
