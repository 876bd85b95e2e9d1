# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The opponent of the controlled comparison: a vision-language model that writes tokens.

Causal Llama blocks read the projected visual tokens and the query and write the answer, as in
PerceptionLM, which the paper compares with (arXiv 2512.10942, §4.5). Blocks, visual tokens and
data are those of VL-JEPA; what differs is the causal mask, the depth and the loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vljepa_ros.model.config import LlamaConfig
from vljepa_ros.model.layers import (
    GroupedQueryAttention,
    LlamaBlock,
    LlamaStack,
    initialise,
    rotate,
)

# Keys and values [B, heads, N, head_dim] of each block, already rotated.
Cache = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class VLMConfig:
    """Sizes of the token-writing model.

    Attributes:
        llama: its blocks and its vocabulary.
        vision_width: of the visual tokens.
        visual_tokens: of a clip.
        max_query_tokens: the longest query.
        max_answer_tokens: the longest answer, [BOS] included.
    """

    llama: LlamaConfig
    vision_width: int
    visual_tokens: int
    max_query_tokens: int = 64
    max_answer_tokens: int = 96


class TokenVLM(nn.Module):
    """Visual tokens and a query → the tokens of the answer."""

    def __init__(self, config: VLMConfig) -> None:
        """Create the model; input and output token embeddings are tied."""
        super().__init__()
        self.config = config
        width = config.llama.hidden_size
        self.embed_tokens = nn.Embedding(config.llama.vocab_size, width)
        self.vision_proj = nn.Linear(config.vision_width, width)
        text = config.max_query_tokens + config.max_answer_tokens
        self.blocks = LlamaStack(config.llama, max_positions=config.visual_tokens + text)
        initialise(self)

    def forward(self, visual: Tensor, ids: Tensor) -> Tensor:
        """Predict the next token after each of ids.

        Args:
            visual: X-Encoder tokens [B, N, D_vision].
            ids: token ids [B, L]: query, [BOS], answer; whatever comes last may be padding, since
                no token sees what follows it.

        Returns:
            Logits [B, L, vocab_size].
        """
        x = torch.cat((self.vision_proj(visual), self.embed_tokens(ids)), dim=1)
        out = self.blocks(x, causal=True)[:, visual.shape[1] :]
        return self._logits(out)

    def prefill(self, visual: Tensor, query: Tensor) -> Cache:
        """Read visual tokens [B, N, D_vision] and queries [B, L] of one length."""
        x = torch.cat((self.vision_proj(visual), self.embed_tokens(query)), dim=1)
        return self._run(x, None)[1]

    @torch.inference_mode()
    def generate(self, cache: Cache, *, bos: int, eos: int, pad: int) -> list[list[int]]:
        """Write the most likely answers greedily, after `prefill`; without [BOS] and [EOS]."""
        batch = cache[0][0].shape[0]
        device = cache[0][0].device
        token = torch.full((batch, 1), bos, dtype=torch.long, device=device)
        done = torch.zeros(batch, dtype=torch.bool, device=device)
        written: list[Tensor] = []
        for _ in range(self.config.max_answer_tokens - 1):
            out, new = self._run(self.embed_tokens(token), cache)
            cache = _joined(cache, new)
            logits = self._logits(out)[:, -1].float()
            logits[:, [bos, pad]] = float('-inf')
            token = torch.where(done, eos, logits.argmax(-1))[:, None]
            written.append(token)
            done |= token[:, 0] == eos
            if bool(done.all()):
                break
        rows = torch.cat(written, dim=1).tolist()
        return [row[: row.index(eos)] if eos in row else row for row in rows]

    @torch.inference_mode()
    def log_likelihood(self, cache: Cache, ids: Tensor, targets: Tensor, *, pad: int) -> Tensor:
        """Return how likely each of K answers is after the prefix of one clip.

        Args:
            cache: of `prefill` with B = 1.
            ids: [BOS] and the answer [K, L], padded.
            targets: the answer and [EOS] [K, L], padded.
            pad: the padding token.

        Returns:
            Sums of the log-probabilities of the targets [K].
        """
        out, _ = self._run(self.embed_tokens(ids), cache)
        chosen = functional.cross_entropy(
            self._logits(out).float().transpose(1, 2), targets, ignore_index=pad, reduction='none'
        )
        return -chosen.sum(-1)

    def _logits(self, out: Tensor) -> Tensor:
        return out @ self.embed_tokens.weight.T

    def _run(self, x: Tensor, past: Cache | None) -> tuple[Tensor, Cache]:
        """Run the blocks on tokens x [B, L, D] that follow a prefix; return theirs too."""
        start = past[0][0].shape[2] if past else 0
        cos = self.blocks.cos[start : start + x.shape[1]]
        sin = self.blocks.sin[start : start + x.shape[1]]
        new: Cache = []
        for number, block in enumerate(self.blocks.layers):
            assert isinstance(block, LlamaBlock)
            read, own = _attend(
                block.self_attn,
                block.input_layernorm(x),
                past=past[number] if past else None,
                cos=cos,
                sin=sin,
            )
            x = x + read
            x = x + block.mlp(block.post_attention_layernorm(x))
            new.append(own)
        return self.blocks.norm(x), new


def _attend(
    layer: GroupedQueryAttention,
    x: Tensor,
    *,
    past: tuple[Tensor, Tensor] | None,
    cos: Tensor,
    sin: Tensor,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Causal attention of x [B, L, D] over a prefix and itself; a prefix of one serves all B."""
    batch, length, _ = x.shape
    heads = (batch, length, -1, layer.head_dim)
    query = rotate(layer.q_proj(x).view(heads).transpose(1, 2), cos, sin)
    key = rotate(layer.k_proj(x).view(heads).transpose(1, 2), cos, sin)
    value = layer.v_proj(x).view(heads).transpose(1, 2)
    repeats = layer.num_heads // layer.num_kv_heads
    key, value = key.repeat_interleave(repeats, 1), value.repeat_interleave(repeats, 1)
    if past is None:
        out = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    else:
        scaled = query * layer.head_dim**-0.5
        later = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)
        own = (scaled @ key.transpose(-1, -2)).masked_fill(later, float('-inf'))
        share = torch.cat((_shared(scaled, past[0].transpose(-1, -2)), own), -1).softmax(-1)
        before, mine = share.split((share.shape[-1] - length, length), dim=-1)
        out = _shared(before, past[1]) + mine @ value
    projected: Tensor = layer.o_proj(out.transpose(1, 2).reshape(batch, length, -1))
    return projected, (key, value)


def _shared(left: Tensor, right: Tensor) -> Tensor:
    """Multiply [B, heads, L, n] by [B or 1, heads, n, m] without copying a shared right side."""
    if right.shape[0] == left.shape[0]:
        return left @ right
    rows = left.transpose(0, 1).flatten(1, 2)  # [heads, B·L, n]
    return (rows @ right[0]).unflatten(1, (left.shape[0], -1)).transpose(0, 1)


def _joined(past: Cache, new: Cache) -> Cache:
    return [
        (torch.cat((old[0], own[0]), dim=2), torch.cat((old[1], own[1]), dim=2))
        for old, own in zip(past, new, strict=True)
    ]


def sequences(
    queries: Sequence[Sequence[int]],
    answers: Sequence[Sequence[int]],
    *,
    bos: int,
    eos: int,
    pad: int,
) -> tuple[Tensor, Tensor]:
    """Lay queries and answers behind each other for teacher forcing.

    Returns:
        ids [B, L]: query, [BOS], answer, padding; and targets [B, L], what comes next: the answer
        and [EOS], and padding wherever nothing is to be learned.
    """
    rows = [
        ([*query, bos, *answer], [pad] * len(query) + [*answer, eos])
        for query, answer in zip(queries, answers, strict=True)
    ]
    length = max(len(row) for row, _ in rows)
    ids, targets = (
        torch.tensor([row[side] + [pad] * (length - len(row[side])) for row in rows])
        for side in (0, 1)
    )
    return ids, targets
