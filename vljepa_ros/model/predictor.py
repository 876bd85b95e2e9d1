# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Predictor: visual tokens and a text query → embedding of the answer (arXiv 2512.10942, §3.1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vljepa_ros.model.config import ModelConfig
from vljepa_ros.model.layers import LlamaStack, initialise, masked_mean


class Predictor(nn.Module):
    """Llama blocks with full attention over visual tokens followed by the query's tokens.

    The output tokens that are not [PAD] are averaged and projected into the shared space.
    """

    def __init__(self, config: ModelConfig) -> None:
        """Create the predictor with linear projections for vision and for text."""
        super().__init__()
        llama = config.predictor.llama
        query_width = config.predictor.query_width or llama.hidden_size
        self.embed_tokens = nn.Embedding(llama.vocab_size, query_width)
        self.vision_proj = nn.Linear(config.vision.hidden_size, llama.hidden_size)
        self.text_proj = nn.Linear(query_width, llama.hidden_size)
        self.blocks = LlamaStack(
            llama, max_positions=config.num_visual_tokens + config.predictor.max_query_tokens
        )
        self.head = nn.Linear(llama.hidden_size, config.embedding_dim)
        initialise(self)

    def forward(self, visual: Tensor, query_ids: Tensor, query_mask: Tensor) -> Tensor:
        """Predict the embedding of the answer.

        Args:
            visual: X-Encoder tokens [B, N, D_vision].
            query_ids: token ids [B, L] of one query a clip, filled with [PAD].
            query_mask: boolean [B, L], False at [PAD].

        Returns:
            Unit vectors [B, embedding_dim].
        """
        return self._answer(self.vision_proj(visual), self._read(query_ids), query_mask)

    def answers(self, visual: Tensor, query_ids: Tensor, query_mask: Tensor) -> Tensor:
        """Predict the embeddings of the answers to every query about every clip.

        Args:
            visual: X-Encoder tokens [B, N, D_vision].
            query_ids: token ids [Q, L], filled with [PAD].
            query_mask: boolean [Q, L], False at [PAD].

        Returns:
            Unit vectors [B, Q, embedding_dim].
        """
        clips, queries = visual.shape[0], query_ids.shape[0]
        tokens = self.vision_proj(visual)[:, None].expand(-1, queries, -1, -1)  # [B, Q, N, D]
        text = self._read(query_ids)[None].expand(clips, -1, -1, -1)  # [B, Q, L, D]
        mask = query_mask[None].expand(clips, -1, -1)  # [B, Q, L]
        answers = self._answer(tokens.flatten(0, 1), text.flatten(0, 1), mask.flatten(0, 1))
        return answers.unflatten(0, (clips, queries))

    def _read(self, query_ids: Tensor) -> Tensor:
        """Turn token ids [B, L] into the blocks' input [B, L, D]."""
        text: Tensor = self.text_proj(self.embed_tokens(query_ids))
        return text

    def _answer(self, tokens: Tensor, text: Tensor, text_mask: Tensor) -> Tensor:
        """Answer from visual [B, N, D] and query tokens [B, L, D] with their mask [B, L]."""
        mask = torch.cat((text_mask.new_ones(tokens.shape[:2]), text_mask), dim=1)  # [B, N+L]
        out = self.blocks(torch.cat((tokens, text), dim=1), mask=mask)
        return functional.normalize(self.head(masked_mean(out, mask)).float(), dim=-1)
