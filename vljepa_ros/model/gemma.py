# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Y-Encoder `gemma`: a bidirectional Gemma 3 encoder.

The weight names below `embed_tokens`, `layers` and `norm` are those of
`transformers.Gemma3TextModel`; EmbeddingGemma is that class with bidirectional attention.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from vljepa_ros.model.config import ModelConfig
from vljepa_ros.model.layers import (
    GatedMLP,
    GroupedQueryAttention,
    RMSNorm,
    initialise,
    rotary_frequencies,
    rotary_table,
)
from vljepa_ros.model.y_encoder import YEncoder
from vljepa_ros.model.y_encoder_config import GemmaConfig


class GemmaBlock(nn.Module):
    """One Gemma 3 layer: attention and gated MLP, each normalised before and after."""

    def __init__(self, config: GemmaConfig) -> None:
        """Create the block."""
        super().__init__()
        self.self_attn = GroupedQueryAttention(
            hidden_size=config.hidden_size,
            num_heads=config.num_heads,
            num_kv_heads=config.num_kv_heads,
            head_dim=config.head_dim,
            qk_norm_eps=config.rms_norm_eps,
        )
        self.mlp = GatedMLP(config.hidden_size, config.intermediate_size, gelu=True)
        norm = partial(RMSNorm, config.hidden_size, eps=config.rms_norm_eps, offset=1.0)
        self.input_layernorm = norm()
        self.post_attention_layernorm = norm()
        self.pre_feedforward_layernorm = norm()
        self.post_feedforward_layernorm = norm()

    def forward(self, x: Tensor, *, cos: Tensor, sin: Tensor, mask: Tensor) -> Tensor:
        """Map tokens x [B, N, D] to tokens of the same shape; mask is [B, 1, N, N]."""
        attended = self.self_attn(self.input_layernorm(x), cos=cos, sin=sin, mask=mask)
        x = x + self.post_attention_layernorm(attended)
        out: Tensor = x + self.post_feedforward_layernorm(
            self.mlp(self.pre_feedforward_layernorm(x))
        )
        return out


class GemmaYEncoder(YEncoder):
    """Gemma 3 with attention to both sides; layers alternate between a window and all tokens."""

    cos_full: Tensor
    sin_full: Tensor
    cos_local: Tensor
    sin_local: Tensor
    window: Tensor

    def __init__(self, config: ModelConfig) -> None:
        """Create the encoder for a `config.y_encoder` of this architecture."""
        text = config.y_encoder
        assert isinstance(text, GemmaConfig)
        super().__init__(config)
        self.config = text
        self.embed_tokens = nn.Embedding(text.vocab_size, text.hidden_size)
        self.layers = nn.ModuleList(GemmaBlock(text) for _ in range(text.num_layers))
        self.norm = RMSNorm(text.hidden_size, eps=text.rms_norm_eps, offset=1.0)
        for kind, theta in (('full', text.rope_theta), ('local', text.rope_local_theta)):
            cos, sin = rotary_table(text.max_tokens, rotary_frequencies(text.head_dim, theta))
            self.register_buffer(f'cos_{kind}', cos, persistent=False)
            self.register_buffer(f'sin_{kind}', sin, persistent=False)
        position = torch.arange(text.max_tokens)
        # Gemma's bidirectional layers see `sliding_window` tokens in all, half on each side.
        near = (position[:, None] - position[None, :]).abs() < text.sliding_window // 2 + 1
        self.register_buffer('window', near, persistent=False)
        initialise(self)

    def encode(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the contextual tokens [B, L, D] of ids [B, L] (mask False at padding)."""
        length = ids.shape[1]
        x = self.embed_tokens(ids) * self.config.hidden_size**0.5
        everywhere = mask[:, None, None, :]  # [B, 1, 1, L]
        # Rows of padding see their whole window, padding too: nobody reads them, but a row that
        # sees nothing is NaN in some backends, and NaN spreads to the real tokens.
        visible = everywhere | ~mask[:, None, :, None]
        nearby = visible & self.window[:length, :length]  # [B, 1, L, L]
        for index, layer in enumerate(self.layers):
            full = self.config.is_full_attention(index)
            cos = (self.cos_full if full else self.cos_local)[:length]
            sin = (self.sin_full if full else self.sin_local)[:length]
            x = layer(x, cos=cos, sin=sin, mask=everywhere if full else nearby)
        out: Tensor = self.norm(x)
        return out
