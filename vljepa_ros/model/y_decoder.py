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

    @torch.inference_mode()
    def generate(
        self, embeddings: Tensor, *, bos: int, eos: int, pad: int
    ) -> tuple[list[list[int]], Tensor]:
        """Write the most likely text, token by token.

        Args:
            embeddings: unit vectors [B, embedding_dim].
            bos: id of the token that begins a text.
            eos: id of the token that ends it.
            pad: id of the token that fills up; like `bos` it is never written.

        Returns:
            The token ids of each text without [BOS] and [EOS], and the geometric mean of its
            token probabilities [B] in [0, 1].
        """
        batch = embeddings.shape[0]
        ids = torch.full((batch, 1), bos, dtype=torch.long, device=embeddings.device)
        done = torch.zeros(batch, dtype=torch.bool, device=embeddings.device)
        log_probability = torch.zeros(batch, device=embeddings.device)
        count = torch.zeros(batch, device=embeddings.device)
        # Texts are a dozen tokens and events are rare, so the prefix is simply run again.
        for _ in range(self.max_tokens - 1):
            logits = self(embeddings, ids)[:, -1].float()  # [B, vocab_size]
            logits[:, [bos, pad]] = float('-inf')
            best, token = logits.log_softmax(-1).max(-1)
            log_probability += torch.where(done, 0.0, best)
            count += (~done).float()
            token = torch.where(done, eos, token)
            ids = torch.cat((ids, token[:, None]), dim=1)
            done |= token == eos
            if bool(done.all()):
                break
        texts = [row[: row.index(eos)] if eos in row else row for row in ids[:, 1:].tolist()]
        return texts, (log_probability / count.clamp(min=1.0)).exp()
