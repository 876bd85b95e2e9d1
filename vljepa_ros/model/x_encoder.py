# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""X-Encoder: the V-JEPA 2 video transformer with weight names of `transformers.VJEPA2Encoder`."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vljepa_ros.model.config import ModelConfig, VisionConfig
from vljepa_ros.model.layers import attention, initialise, rotate


def rotary_tables_3d(config: VisionConfig, depth: int) -> tuple[Tensor, Tensor]:
    """Return tables [T·H·W, head_dim] for `layers.rotate`, V-JEPA 2's three-axis rotation.

    Time, height and width each rotate a third of the head (rounded down to even); what is left is
    not rotated (cosine 1, sine 0). V-JEPA 2 repeats the angle table while it rotates interleaved
    pairs; released weights were trained that way, so it is kept.
    """
    head_dim = config.hidden_size // config.num_heads
    axis_dim = 2 * ((head_dim // 3) // 2)
    omega = 1.0 / 10000 ** (torch.arange(axis_dim // 2, dtype=torch.float32) / (axis_dim / 2.0))
    grid = config.grid_size
    time, row, column = torch.meshgrid(
        torch.arange(depth), torch.arange(grid), torch.arange(grid), indexing='ij'
    )
    angles = [
        (position.flatten().float()[:, None] * omega).repeat(1, 2)  # [T·H·W, axis_dim]
        for position in (time, row, column)
    ]
    rest = torch.zeros(depth * grid * grid, head_dim - 3 * axis_dim)
    angle = torch.cat([*angles, rest], dim=-1)
    first, second = angle[:, 0::2], angle[:, 1::2]  # of each interleaved pair
    cos = torch.cat((first.cos(), second.cos()), dim=-1)
    return cos, torch.cat((-first.sin(), second.sin()), dim=-1)


def in_halves(weights: Tensor, heads: int) -> Tensor:
    """Reorder a projection's outputs: within a head, the first of all pairs, then the second.

    V-JEPA 2 rotates interleaved pairs, and taking activations apart into pairs takes a third of
    the X-Encoder's time on a CPU. The order of features within a head means nothing to attention
    as long as queries and keys agree, so the weights are reordered instead, which the runtimes do
    once when they load a graph.

    Args:
        weights: weight [heads · head_dim, D] or bias [heads · head_dim].
        heads: number of heads.
    """
    return weights.unflatten(0, (heads, -1, 2)).transpose(1, 2).flatten(0, 2)


class VisionAttention(nn.Module):
    """Full self-attention over all tokens of a clip."""

    def __init__(self, config: VisionConfig) -> None:
        """Create the projections."""
        super().__init__()
        self.num_heads = config.num_heads
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.key = nn.Linear(config.hidden_size, config.hidden_size)
        self.value = nn.Linear(config.hidden_size, config.hidden_size)
        self.proj = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Attend over x [B, N, D]."""
        batch, length, width = x.shape
        heads = (batch, length, self.num_heads, width // self.num_heads)
        query = rotate(self._paired(self.query, x).view(heads).transpose(1, 2), cos, sin)
        key = rotate(self._paired(self.key, x).view(heads).transpose(1, 2), cos, sin)
        value = self.value(x).view(heads).transpose(1, 2)
        out = attention(query, key, value)
        projected: Tensor = self.proj(out.transpose(1, 2).reshape(batch, length, width))
        return projected

    def _paired(self, projection: nn.Linear, x: Tensor) -> Tensor:
        """Project x [B, N, D] to queries or keys in the order of `layers.rotate`."""
        weight = in_halves(projection.weight, self.num_heads)
        return functional.linear(x, weight, in_halves(projection.bias, self.num_heads))


class VisionMLP(nn.Module):
    """Two linear layers with a GELU between."""

    def __init__(self, config: VisionConfig) -> None:
        """Create the layers."""
        super().__init__()
        hidden = int(config.hidden_size * config.mlp_ratio)
        self.fc1 = nn.Linear(config.hidden_size, hidden)
        self.fc2 = nn.Linear(hidden, config.hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        """Map x [..., D] to the same shape."""
        out: Tensor = self.fc2(functional.gelu(self.fc1(x)))
        return out


class VisionBlock(nn.Module):
    """One pre-norm transformer layer."""

    def __init__(self, config: VisionConfig) -> None:
        """Create the layer."""
        super().__init__()
        self.norm1 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.attention = VisionAttention(config)
        self.norm2 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.mlp = VisionMLP(config)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Map tokens x [B, N, D] to tokens of the same shape."""
        x = x + self.attention(self.norm1(x), cos, sin)
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


class TubeletEmbedding(nn.Module):
    """Cuts a video into tubelets (frames × patch × patch) and projects each to a token."""

    def __init__(self, config: VisionConfig) -> None:
        """Create the projection."""
        super().__init__()
        tubelet = (config.tubelet_size, config.patch_size, config.patch_size)
        projection = nn.Conv3d(3, config.hidden_size, tubelet, stride=tubelet)
        self.patch_embeddings = nn.ModuleDict({'proj': projection})

    def forward(self, video: Tensor) -> Tensor:
        """Map video [B, 3, T, H, W] to tokens [B, T/2·H/16·W/16, D]."""
        tokens: Tensor = self.patch_embeddings['proj'](video)
        return tokens.flatten(2).transpose(1, 2)


class XEncoder(nn.Module):
    """Video → visual tokens. Preprocessing is inside: it takes uint8 clips."""

    cos: Tensor
    sin: Tensor
    image_mean: Tensor
    image_std: Tensor

    def __init__(self, config: ModelConfig) -> None:
        """Create the encoder for clips of `config.clip_frames` square frames."""
        super().__init__()
        vision = config.vision
        self.embeddings = TubeletEmbedding(vision)
        self.layer = nn.ModuleList(VisionBlock(vision) for _ in range(vision.num_layers))
        self.layernorm = nn.LayerNorm(vision.hidden_size, eps=vision.layer_norm_eps)
        cos, sin = rotary_tables_3d(vision, config.clip_frames // vision.tubelet_size)
        self.register_buffer('cos', cos, persistent=False)
        self.register_buffer('sin', sin, persistent=False)
        for name, values in (('image_mean', config.image_mean), ('image_std', config.image_std)):
            scaled = torch.tensor(values).view(1, 3, 1, 1, 1) * 255.0
            self.register_buffer(name, scaled, persistent=False)
        initialise(self)

    def normalise(self, clips: Tensor) -> Tensor:
        """Turn clips uint8 [B, T, H, W, 3] into the network's input float [B, 3, T, H, W]."""
        video = clips.to(self.image_mean.dtype).permute(0, 4, 1, 2, 3)  # TensorRT casts bytes only
        return (video - self.image_mean) / self.image_std

    def forward(self, clips: Tensor) -> Tensor:
        """Encode clips uint8 [B, T, H, W, 3] into visual tokens [B, T/2·H/16·W/16, D]."""
        x = self.embeddings(self.normalise(clips))
        tokens = x.shape[1]  # a shorter video uses the beginning of the tables
        for layer in self.layer:
            x = layer(x, self.cos[:tokens], self.sin[:tokens])
        out: Tensor = self.layernorm(x)
        return out
