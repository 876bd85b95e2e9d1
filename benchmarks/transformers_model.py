# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A checkpoint in the classes of `transformers`: what one would run without this package.

The weights have the names of those classes, so they are loaded as they are. Everything runs as
PyTorch runs it by itself: eager, float32, its fused attention.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vljepa_ros.errors import MissingDependencyError
from vljepa_ros.inference.threads import wait_passively

wait_passively()
try:
    import torch
    from transformers import LlamaConfig, LlamaModel, VJEPA2Config
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
    from transformers.models.vjepa2.modeling_vjepa2 import VJEPA2Encoder
except ImportError as error:
    raise MissingDependencyError(
        'The benchmarks compare with the classes of transformers, which cannot be imported '
        f"({error}). Install it with: pip install 'transformers>=5.23', or run the command as "
        'scripts/run.py --test COMMAND'
    ) from error

from torch import Tensor  # noqa: E402
from torch.nn import functional  # noqa: E402

from vljepa_ros.model.checkpoint import read_weights  # noqa: E402
from vljepa_ros.model.checkpoint_folder import (  # noqa: E402
    existing,
    load_config,
    load_tokenizers,
    weights_file,
)
from vljepa_ros.model.compact import expanded  # noqa: E402
from vljepa_ros.model.config import ModelConfig  # noqa: E402

ATTENTION = 'sdpa'  # the faster one of PyTorch's two
BLOCKS = 'blocks.'  # before the names of the Predictor's Llama


class TransformersModel:
    """X-Encoder and Predictor of a checkpoint, with the two methods of `Engine` that use them."""

    def __init__(self, folder: Path, *, device: str = 'cpu', threads: int = 0) -> None:
        """Load the weights.

        Args:
            folder: the checkpoint.
            device: 'cpu', 'cuda' or 'cuda:N'.
            threads: compute threads; 0 leaves PyTorch's own number.

        Raises:
            CheckpointError: a file is missing or damaged.
        """
        if threads:
            torch.set_num_threads(threads)
        self.config = load_config(folder)
        self._device = torch.device(device)
        self._tokenizer = load_tokenizers(folder, self.config, ('predictor',))['predictor']
        self._encoder = _encoder(self.config, _weights(folder, 'x_encoder')).to(self._device)
        weights = _weights(folder, 'predictor')
        self._blocks = _blocks(self.config, weights).to(self._device)
        self._weights = {
            name: value.to(self._device)
            for name, value in weights.items()
            if not name.startswith(BLOCKS)
        }
        shape = (1, 1, 3, 1, 1)
        self._mean = torch.tensor(self.config.image_mean, device=self._device).view(shape)
        self._std = torch.tensor(self.config.image_std, device=self._device).view(shape)

    @torch.inference_mode()
    def encode(self, clips: np.ndarray) -> Tensor:
        """Encode clips uint8 [B, T, H, W, 3] into visual tokens [B, N, D]."""
        video = torch.from_numpy(np.require(clips, requirements=['C', 'W'])).to(self._device)
        pixels = video.permute(0, 1, 4, 2, 3).float() / 255.0  # [B, T, 3, H, W]
        output = self._encoder(pixel_values_videos=(pixels - self._mean) / self._std)
        tokens: Tensor = output.last_hidden_state
        return tokens

    @torch.inference_mode()
    def predict(self, features: Tensor, queries: Sequence[str]) -> np.ndarray:
        """Answer each of Q queries about each clip: unit vectors float32 [B, Q, embedding_dim]."""
        answers = [self._answer(features, self.config.query(query)) for query in queries]
        return torch.stack(answers, dim=1).cpu().numpy()

    def _answer(self, features: Tensor, text: str) -> Tensor:
        limit = self.config.predictor.max_query_tokens
        ids, _ = self._tokenizer.encode([text], max_tokens=limit)
        read = self._weights['embed_tokens.weight'][torch.from_numpy(ids).to(self._device)]
        words = self._linear('text_proj', read).expand(len(features), -1, -1)
        tokens = torch.cat((self._linear('vision_proj', features), words), dim=1)  # [B, N+L, D]
        length = tokens.shape[1]
        # A mask with four dimensions replaces the causal one; zeros allow everything.
        allowed = tokens.new_zeros(1, 1, length, length)
        out = self._blocks(inputs_embeds=tokens, attention_mask=allowed, use_cache=False)
        return functional.normalize(self._linear('head', out.last_hidden_state.mean(1)), dim=-1)

    def _linear(self, name: str, x: Tensor) -> Tensor:
        return functional.linear(x, self._weights[f'{name}.weight'], self._weights[f'{name}.bias'])


def _weights(folder: Path, component: str) -> dict[str, Tensor]:
    stored = expanded(read_weights(existing(folder / weights_file(component))))
    return {name: value.float() for name, value in stored.items()}


def _encoder(config: ModelConfig, weights: dict[str, Tensor]) -> Any:
    vision = config.vision
    with torch.device('meta'):  # no memory for weights that are replaced at once
        encoder = VJEPA2Encoder(
            VJEPA2Config(
                patch_size=vision.patch_size,
                crop_size=vision.image_size,
                frames_per_clip=config.clip_frames,
                tubelet_size=vision.tubelet_size,
                hidden_size=vision.hidden_size,
                num_attention_heads=vision.num_heads,
                num_hidden_layers=vision.num_layers,
                mlp_ratio=vision.mlp_ratio,
                layer_norm_eps=vision.layer_norm_eps,
                attn_implementation=ATTENTION,
            )
        )
    encoder.load_state_dict(weights, assign=True)
    return encoder.eval()


def _blocks(config: ModelConfig, weights: dict[str, Tensor]) -> Any:
    llama = config.predictor.llama
    rope: dict[str, object] = {'rope_type': 'default', 'rope_theta': llama.rope_theta}
    if llama.rope_scaling is not None:
        rope |= {
            'rope_type': 'llama3',
            'factor': llama.rope_scaling.factor,
            'low_freq_factor': llama.rope_scaling.low_freq_factor,
            'high_freq_factor': llama.rope_scaling.high_freq_factor,
            'original_max_position_embeddings': llama.rope_scaling.original_max_positions,
        }
    settings = LlamaConfig(
        vocab_size=1,  # the Predictor has a table of its own
        hidden_size=llama.hidden_size,
        intermediate_size=llama.intermediate_size,
        num_hidden_layers=llama.num_layers,
        num_attention_heads=llama.num_heads,
        num_key_value_heads=llama.num_kv_heads,
        rms_norm_eps=llama.rms_norm_eps,
        max_position_embeddings=config.num_visual_tokens + config.predictor.max_query_tokens,
        rope_parameters=rope,
        bos_token_id=None,
        eos_token_id=None,
        attn_implementation=ATTENTION,
    )
    with torch.device('meta'):
        blocks = LlamaModel(settings)
    blocks.rotary_emb = LlamaRotaryEmbedding(settings)  # its tables are no weights
    own = {
        name.removeprefix(BLOCKS): value
        for name, value in weights.items()
        if name.startswith(BLOCKS)
    }
    own['embed_tokens.weight'] = torch.zeros(1, llama.hidden_size)
    blocks.load_state_dict(own, assign=True)
    return blocks.eval()
