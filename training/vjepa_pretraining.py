# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pretrains the X-Encoder without labels, as V-JEPA (`training.masked_latents`)."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from training.batches import Batch, BatchSampler
from training.journal import Journal
from training.masked_latents import MASKS, LatentPredictor, draw_mask, follow, latent_loss
from training.pretraining import encoder_optimizer
from training.stage import Schedule, Stage
from vljepa_ros.model.config import VisionConfig
from vljepa_ros.model.x_encoder import XEncoder

STATE_FILE = 'vjepa.safetensors'


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
    predictor = LatentPredictor(
        vision, depth=depth, width=config.width, layers=config.layers, heads=config.heads
    )
    modules = {'x_encoder': encoder, 'target': target, 'predictor': predictor}
    optimizer = encoder_optimizer(
        [*encoder.parameters(), *predictor.parameters()], config.learning_rate
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
