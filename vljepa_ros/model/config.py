# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Configuration of a VL-JEPA model: one tree of dataclasses, see `presets` for its values."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from vljepa_ros.model.config_reading import (
    ADDED_LATER,
    read_dataclass,
    require,
    require_positive,
    write_dataclass,
)
from vljepa_ros.model.y_encoder_config import GemmaConfig, YEncoderConfig


@dataclass(frozen=True)
class VisionConfig:
    """X-Encoder: the V-JEPA 2 vision transformer (defaults: ViT-L/16, 304 M parameters)."""

    image_size: int = 256
    patch_size: int = 16
    tubelet_size: int = 2
    hidden_size: int = 1024
    num_layers: int = 24
    num_heads: int = 16
    mlp_ratio: float = 4.0
    layer_norm_eps: float = 1e-6

    def __post_init__(self) -> None:
        """Reject sizes that cannot form a token grid."""
        require_positive(self, 'vision.')
        require(
            self.image_size % self.patch_size == 0,
            f'vision.image_size {self.image_size} must be a multiple of '
            f'vision.patch_size {self.patch_size}',
        )
        require(
            self.hidden_size % (2 * self.num_heads) == 0,  # channels rotate in pairs
            f'vision.hidden_size {self.hidden_size} must be a multiple of twice '
            f'vision.num_heads {self.num_heads}',
        )

    @property
    def grid_size(self) -> int:
        """Patches along one side of the image."""
        return self.image_size // self.patch_size


@dataclass(frozen=True)
class RopeScaling:
    """Llama 3.1's stretching of the slow rotary frequencies (`rope_type: llama3`)."""

    factor: float = 32.0
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    original_max_positions: int = 8192

    def __post_init__(self) -> None:
        """Reject limits without a range between them."""
        require_positive(self, 'rope_scaling.')
        require(
            self.low_freq_factor < self.high_freq_factor,
            f'rope_scaling.low_freq_factor {self.low_freq_factor} must be less than '
            f'rope_scaling.high_freq_factor {self.high_freq_factor}',
        )


@dataclass(frozen=True)
class LlamaConfig:
    """A stack of Llama blocks (defaults: the upper half of Llama-3.2-1B, 487 M parameters)."""

    vocab_size: int = 128256
    hidden_size: int = 2048
    num_layers: int = 8
    num_heads: int = 32
    num_kv_heads: int = 8
    intermediate_size: int = 8192
    rms_norm_eps: float = 1e-5
    rope_theta: float = 500000.0
    rope_scaling: RopeScaling | None = None

    def __post_init__(self) -> None:
        """Reject head counts that do not divide."""
        require_positive(self, 'llama.')
        require(
            self.hidden_size % (2 * self.num_heads) == 0
            and self.num_heads % self.num_kv_heads == 0,
            f'llama.hidden_size {self.hidden_size} must be a multiple of twice llama.num_heads '
            f'{self.num_heads}, and that one of llama.num_kv_heads {self.num_kv_heads}',
        )

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.num_heads


@dataclass(frozen=True)
class PredictorConfig:
    """Predictor: Llama blocks without the causal mask over visual tokens, then the query.

    `query_width` is the width of the table of query tokens, None that of the blocks: a large
    vocabulary costs little in a narrow table, which the text projection widens.
    """

    llama: LlamaConfig = field(default_factory=LlamaConfig)
    max_query_tokens: int = 512
    query_width: int | None = field(default=None, metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        """Reject a predictor that can read no query."""
        require_positive(self, 'predictor.')


@dataclass(frozen=True)
class YDecoderConfig:
    """Y-Decoder: a causal Llama language model that reads the embedding as soft prefix tokens."""

    llama: LlamaConfig = field(default_factory=LlamaConfig)
    prefix_tokens: int = 4
    max_tokens: int = 64

    def __post_init__(self) -> None:
        """Reject a decoder without room for a word."""
        require_positive(self, 'y_decoder.')
        require(
            self.max_tokens > 2,
            f'y_decoder.max_tokens {self.max_tokens} must be 3 or more: [BOS], a token, [EOS]',
        )


@dataclass(frozen=True)
class PlanningConfig:
    """A planning head: a residual MLP on a pair of embeddings (`transition` or `inverse`)."""

    hidden_size: int = 1024
    num_layers: int = 2

    def __post_init__(self) -> None:
        """Reject a head without width or depth."""
        require_positive(self, 'planning.')


@dataclass(frozen=True)
class ModelConfig:
    """Everything that fixes a VL-JEPA checkpoint but its weights.

    `clip_frames` frames, `1 / clip_fps` seconds apart, are one clip; `queries` holds the questions
    that the checkpoint was trained with by their short names (`caption`, `action`, ...). A model
    has the planning heads `transition` and `inverse` where their configuration is given.
    `quiet_texts` are the phrases of its bank that say that nothing happens.
    """

    name: str = 'paper'
    clip_frames: int = 16
    clip_fps: float = 4.0
    image_mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    image_std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    embedding_dim: int = 1536
    vision: VisionConfig = field(default_factory=VisionConfig)
    predictor: PredictorConfig = field(default_factory=PredictorConfig)
    y_encoder: YEncoderConfig = field(default_factory=GemmaConfig)
    y_decoder: YDecoderConfig = field(default_factory=YDecoderConfig)
    queries: dict[str, str] = field(default_factory=dict)
    transition: PlanningConfig | None = field(default=None, metadata=ADDED_LATER)
    inverse: PlanningConfig | None = field(default=None, metadata=ADDED_LATER)
    quiet_texts: tuple[str, ...] = field(default=(), metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        """Reject clips that do not divide into tubelets, and colours that do not scale."""
        require_positive(self, '')
        require(
            self.clip_frames % self.vision.tubelet_size == 0,
            f'clip_frames {self.clip_frames} must be a multiple of '
            f'vision.tubelet_size {self.vision.tubelet_size}',
        )
        require(
            all(map(math.isfinite, self.image_mean))
            and all(0.0 < value < math.inf for value in self.image_std),
            f'image_mean {self.image_mean} must be finite and image_std {self.image_std} positive',
        )

    @property
    def image_size(self) -> int:
        """Side of the square frames that `Engine.encode` takes, in pixels."""
        return self.vision.image_size

    @property
    def num_visual_tokens(self) -> int:
        """Tokens of one clip: T/tubelet · (S/patch)²."""
        return self.clip_frames // self.vision.tubelet_size * self.vision.grid_size**2

    def vocab_size(self, component: str) -> int:
        """Return how many tokens `predictor`, `y_encoder` or `y_decoder` has embeddings for."""
        sizes = {
            'predictor': self.predictor.llama.vocab_size,
            'y_encoder': self.y_encoder.vocab_size,
            'y_decoder': self.y_decoder.llama.vocab_size,
        }
        return sizes[component]

    def query(self, name_or_text: str) -> str:
        """Return the text of a named query; any other text is a query itself."""
        return self.queries.get(name_or_text, name_or_text)

    def to_dict(self) -> dict[str, Any]:
        """Return the tree as plain dictionaries, as `config.json` holds it."""
        return write_dataclass(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelConfig:
        """Build the tree from `config.json`.

        Raises:
            ConfigurationError: a key is unknown or missing, a value has the wrong type, or sizes
                do not fit.
        """
        return read_dataclass(cls, values, 'config')
