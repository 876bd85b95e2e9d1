# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pretrains the X-Encoder without labels, as V-JEPA: predicts the latents of masked tokens.

Bardes et al. 2024 (arXiv 2404.08471) and V-JEPA 2 (arXiv 2506.09985): blocks of a clip are hidden
through all of its time; the encoder reads the rest, a small predictor tells from it what a slowly
following copy of the encoder (EMA) makes of the hidden tokens; the distance is L1. All clips of a
batch share the masks, so hidden tokens are really dropped and cost nothing.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.batches import Batch, BatchSampler
from training.journal import Journal
from training.stage import Schedule, Stage
from vljepa_ros.model.config import VisionConfig
from vljepa_ros.model.layers import initialise
from vljepa_ros.model.x_encoder import VisionBlock, XEncoder, rotary_tables_3d

STATE_FILE = 'vjepa.safetensors'


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


@dataclass(frozen=True)
class VJEPAConfig:
    """Settings of the self-supervised pretraining.

    Attributes:
        steps: batches in all.
        clips: clips a batch.
        transitions: pairs of images a batch.
        learning_rate: peak of the cosine schedule.
        warmup: steps until the peak.
        momentum: of the EMA at first; it grows linearly to 1. The paper's 0.998 fits a training
            of 90,000 steps; ours is much shorter.
        width: of the predictor.
        layers: of the predictor.
        heads: of the predictor.
        seed: of batches and masks.
    """

    steps: int = 6000
    clips: int = 24
    transitions: int = 8
    learning_rate: float = 6e-4
    warmup: int = 200
    momentum: float = 0.99
    width: int = 128
    layers: int = 3
    heads: int = 4
    seed: int = 0


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

    def __init__(self, vision: VisionConfig, *, depth: int, config: VJEPAConfig) -> None:
        """Create it for clips of `depth` tubelets."""
        super().__init__()
        own = VisionConfig(
            image_size=vision.image_size,
            patch_size=vision.patch_size,
            tubelet_size=vision.tubelet_size,
            hidden_size=config.width,
            num_layers=config.layers,
            num_heads=config.heads,
        )
        self.enter = nn.Linear(vision.hidden_size, config.width)
        self.hidden = nn.Parameter(torch.zeros(config.width))
        self.layer = nn.ModuleList(VisionBlock(own) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.leave = nn.Linear(config.width, vision.hidden_size)
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


def pretrain_vjepa(
    encoder: XEncoder,
    vision: VisionConfig,
    sampler: BatchSampler,
    folder: Path,
    *,
    config: VJEPAConfig,
) -> None:
    """Train the X-Encoder; goes on where it was interrupted. It ends with the EMA's weights.

    Args:
        encoder: takes clips uint8 [B, T, H, W, 3].
        vision: its sizes.
        sampler: draws the clips; their labels are not used.
        folder: holds the training state and `log.jsonl`.
        config: settings; those of an interrupted training must not change.
    """
    folder.mkdir(parents=True, exist_ok=True)
    depth = encoder.cos.shape[0] // vision.grid_size**2
    target = copy.deepcopy(encoder).requires_grad_(False)
    torch.manual_seed(config.seed)
    predictor = LatentPredictor(vision, depth=depth, config=config)
    modules = {'x_encoder': encoder, 'target': target, 'predictor': predictor}
    optimizer = torch.optim.AdamW(
        [*encoder.parameters(), *predictor.parameters()],
        lr=config.learning_rate,
        betas=(0.9, 0.98),
        weight_decay=0.05,
        fused=True,
    )
    stage = Stage(
        'vjepa',
        modules,
        optimizer,
        schedule=Schedule(config.steps, config.learning_rate, config.warmup),
        path=folder / STATE_FILE,
        journal=Journal(folder),
    )

    def draw(step: int) -> Batch:
        return sampler.clips(step, clips=config.clips, transitions=config.transitions)

    for step, batch in stage.batches(draw):
        rng = np.random.default_rng([config.seed, step, 16])
        masks = [draw_mask(mask, grid=vision.grid_size, depth=depth, rng=rng) for mask in MASKS]
        with stage.autocast():
            clips = torch.from_numpy(batch.frames)
            loss, spread = latent_loss(encoder, target, predictor, clips, masks)
        stage.descend(loss)
        share = (step + 1) / config.steps
        follow(target, encoder, config.momentum + (1.0 - config.momentum) * share)
        stage.note(loss=loss.item(), spread=spread)
    encoder.load_state_dict(target.state_dict())
