# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Configuration of the Y-Encoder: one of two architectures, told apart by `architecture`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from vljepa_ros.model.config_reading import ADDED_LATER, require, require_positive


@dataclass(frozen=True)
class GemmaConfig:
    """Y-Encoder, `gemma`: a bidirectional Gemma 3 text encoder (defaults: EmbeddingGemma-300M)."""

    vocab_size: int = 262144
    hidden_size: int = 768
    num_layers: int = 24
    num_heads: int = 3
    num_kv_heads: int = 1
    head_dim: int = 256
    intermediate_size: int = 1152
    rms_norm_eps: float = 1e-6
    rope_theta: float = 1000000.0
    rope_local_theta: float = 10000.0
    sliding_window: int = 512
    full_attention_every: int = 6
    max_tokens: int = 512
    prompt: str = ''
    architecture: Literal['gemma'] = field(default='gemma', metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        """Reject head counts that do not divide."""
        require_positive(self, 'y_encoder.')
        require(
            self.num_heads % self.num_kv_heads == 0 and self.head_dim % 2 == 0,
            f'y_encoder.num_heads {self.num_heads} must be a multiple of y_encoder.num_kv_heads '
            f'{self.num_kv_heads}, and y_encoder.head_dim {self.head_dim} even',
        )

    def is_full_attention(self, layer: int) -> bool:
        """Whether block `layer` (from 0) attends everywhere instead of within the window."""
        return (layer + 1) % self.full_attention_every == 0


@dataclass(frozen=True)
class BertConfig:
    """Y-Encoder, `bert`: a BERT text encoder (defaults: all-MiniLM-L6-v2, 22.6 M parameters).

    `max_positions` is the length of the table of positions, `max_tokens` (at most that) how many
    tokens of a text are read.
    """

    vocab_size: int = 30522
    hidden_size: int = 384
    num_layers: int = 6
    num_heads: int = 12
    intermediate_size: int = 1536
    layer_norm_eps: float = 1e-12
    max_positions: int = 512
    max_tokens: int = 256
    prompt: str = ''
    architecture: Literal['bert'] = 'bert'

    def __post_init__(self) -> None:
        """Reject head counts that do not divide, and texts longer than the table."""
        require_positive(self, 'y_encoder.')
        require(
            self.hidden_size % self.num_heads == 0,
            f'y_encoder.hidden_size {self.hidden_size} must be a multiple of '
            f'y_encoder.num_heads {self.num_heads}',
        )
        require(
            self.max_tokens <= self.max_positions,
            f'y_encoder.max_tokens {self.max_tokens} must be at most y_encoder.max_positions '
            f'{self.max_positions}',
        )


YEncoderConfig: TypeAlias = GemmaConfig | BertConfig
