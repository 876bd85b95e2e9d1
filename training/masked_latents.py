# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""V-JEPA's objective: tell the latents of masked tokens from those that stay.

Bardes et al. 2024 (arXiv 2404.08471) and V-JEPA 2 (arXiv 2506.09985): blocks of a clip are hidden
through all of its time; the encoder reads the rest, a small predictor tells from it what a slowly
following copy of the encoder (EMA) makes of the hidden tokens; the distance is L1. All clips of a
batch share the masks, so hidden tokens are really dropped and cost nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from vljepa_ros.model.config import VisionConfig
from vljepa_ros.model.layers import initialise
from vljepa_ros.model.x_encoder import VisionBlock, XEncoder, rotary_tables_3d


@dataclass(frozen=True)
class MaskConfig:
    """Blocks that are hidden together.

    Attributes:
        blocks: how many.
        share: of the picture that each covers.
        lowest: the narrowest ratio of height to width; the widest is its inverse.
    """

    blocks: int
    share: float
    lowest: float = 0.75


# V-JEPA's two: many small blocks, and few large ones.
MASKS = (MaskConfig(blocks=8, share=0.15), MaskConfig(blocks=2, share=0.7))


def draw_mask(
    config: MaskConfig, *, grid: int, depth: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Draw the union of some blocks, each through all of the time.

    Args:
        config: which blocks.
        grid: patches along a side of the picture.
        depth: tubelets of a clip.
        rng: the source of chance.

    Returns:
        Numbers of the tokens that stay and of those that are hidden, int64, disjoint, ascending;
        neither is empty.
    """
    hidden = np.zeros((grid, grid), bool)
    while not hidden.any() or hidden.all():
        hidden[:] = False
        for _ in range(config.blocks):
            ratio = math.exp(rng.uniform(math.log(config.lowest), -math.log(config.lowest)))
            area = config.share * grid * grid
            height = min(grid, max(1, round(math.sqrt(area * ratio))))
            width = min(grid, max(1, round(math.sqrt(area / ratio))))
            top, left = rng.integers(grid - height + 1), rng.integers(grid - width + 1)
            hidden[top : top + height, left : left + width] = True
    everywhere = np.tile(hidden.ravel(), depth)
    return torch.from_numpy(np.flatnonzero(~everywhere)), torch.from_numpy(
        np.flatnonzero(everywhere)
    )


def encode_kept(encoder: XEncoder, clips: Tensor, kept: Tensor) -> Tensor:
    """Run the X-Encoder on some tokens of clips only.

    Args:
        encoder: the X-Encoder.
        clips: uint8 [B, T, H, W, 3].
        kept: numbers of the tokens [K].

    Returns:
        Visual tokens [B, K, D]; with all tokens kept they are `encoder(clips)`.
    """
    x = encoder.embeddings(encoder.normalise(clips))[:, kept]
    for layer in encoder.layer:
        x = layer(x, encoder.cos[kept], encoder.sin[kept])
    out: Tensor = encoder.layernorm(x)
    return out


class LatentPredictor(nn.Module):
    """Tells the latents of hidden tokens from those that stay; thrown away afterwards."""

    cos: Tensor
    sin: Tensor

    def __init__(
        self, vision: VisionConfig, *, depth: int, width: int, layers: int, heads: int
    ) -> None:
        """Create it for clips of `depth` tubelets, with blocks of its own width."""
        super().__init__()
        own = VisionConfig(
            image_size=vision.image_size,
            patch_size=vision.patch_size,
            tubelet_size=vision.tubelet_size,
            hidden_size=width,
            num_layers=layers,
            num_heads=heads,
        )
        self.enter = nn.Linear(vision.hidden_size, width)
        self.hidden = nn.Parameter(torch.zeros(width))
        self.layer = nn.ModuleList(VisionBlock(own) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, vision.hidden_size)
        cos, sin = rotary_tables_3d(own, depth)
        self.register_buffer('cos', cos, persistent=False)
        self.register_buffer('sin', sin, persistent=False)
        initialise(self)

    def forward(self, seen: Tensor, kept: Tensor, hidden: Tensor) -> Tensor:
        """Predict the latents [B, M, D] of hidden tokens from visual tokens `seen` [B, K, D].

        Args:
            seen: latents of the tokens that stay.
            kept: their numbers [K].
            hidden: numbers of the hidden tokens [M]; the rotation alone tells their places.
        """
        x = self.enter(seen)
        blanks = self.hidden.to(x.dtype).expand(len(x), len(hidden), -1)
        x = torch.cat((x, blanks), dim=1)
        order = torch.cat((kept, hidden))
        for layer in self.layer:
            x = layer(x, self.cos[order], self.sin[order])
        out: Tensor = self.leave(self.norm(x[:, len(kept) :]))
        return out


def follow(target: nn.Module, encoder: nn.Module, momentum: float) -> None:
    """Move the weights of `target` a step of 1 - momentum towards those of `encoder`."""
    with torch.no_grad():
        for slow, fast in zip(target.parameters(), encoder.parameters(), strict=True):
            slow.lerp_(fast, 1.0 - momentum)


def latent_loss(
    encoder: XEncoder,
    target: XEncoder,
    predictor: LatentPredictor,
    clips: Tensor,
    masks: list[tuple[Tensor, Tensor]],
) -> tuple[Tensor, float]:
    """Return the mean L1 distance to the layer-normed latents of the hidden tokens.

    The second value is their standard deviation over the batch before the norm: it falls to zero
    if everything becomes one point.
    """
    with torch.no_grad():
        latents = target(clips).float()  # [B, N, D]
        wanted = functional.layer_norm(latents, latents.shape[-1:])
    losses = []
    for kept, hidden in masks:
        told = predictor(encode_kept(encoder, clips, kept), kept, hidden)
        losses.append(functional.l1_loss(told.float(), wanted[:, hidden]))
    return torch.stack(losses).mean(), float(latents.std(0).mean())
