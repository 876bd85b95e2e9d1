# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pretrains the X-Encoder on the simulator's exact state, in two stages.

A tubelet costs a quarter of a clip, and neighbouring tubelets show the same scene, so objects and
colours are learned first from many single tubelets; then whole clips teach what happens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from training.batches import Batch, BatchSampler
from training.facts_head import FactsHead
from training.journal import Journal
from training.stage import Schedule, Stage
from training.state_head import NOTHING, StateHead, dense_targets
from vljepa_ros.model.config import VisionConfig


@dataclass(frozen=True)
class PretrainingConfig:
    """Settings of the X-Encoder's pretraining on the simulator's state.

    Attributes:
        tubelet_steps: batches of single tubelets.
        tubelets: tubelets a batch.
        clip_steps: batches of clips.
        clips: clips a batch.
        transitions: pairs of images a batch.
        learning_rate: peak of the cosine schedule of the first stage.
        clip_learning_rate: that of the second stage.
        warmup: steps until the full learning rate.
        seed: of the batches.
        compile: translate the X-Encoder with `torch.compile`: a fifth faster on a CPU, but it
            needs a C++ compiler.
    """

    tubelet_steps: int = 4000
    tubelets: int = 128
    clip_steps: int = 6000
    clips: int = 24
    transitions: int = 8
    learning_rate: float = 1e-3
    clip_learning_rate: float = 5e-4
    warmup: int = 200
    seed: int = 0
    compile: bool = False


class Readers(nn.Module):
    """The read-outs of both stages; thrown away afterwards."""

    def __init__(self, hidden_size: int) -> None:
        """Create them for tokens of width `hidden_size`."""
        super().__init__()
        self.state = StateHead(hidden_size)
        self.facts = FactsHead(hidden_size)


Step = Callable[[Tensor, Batch], tuple[Tensor, dict[str, float]]]


def pretrain(
    encoder: nn.Module,
    vision: VisionConfig,
    sampler: BatchSampler,
    folder: Path,
    *,
    config: PretrainingConfig,
    journal: Journal | None = None,
) -> None:
    """Train the X-Encoder; goes on where it was interrupted.

    Args:
        encoder: takes clips uint8 [B, T, H, W, 3].
        vision: its sizes.
        sampler: draws the batches.
        folder: holds the training state.
        config: settings; those of an interrupted training must not change.
        journal: is told the scores; None writes `log.jsonl` in `folder`.
    """
    journal = journal or Journal(folder)
    device = next(encoder.parameters()).device
    readers = Readers(vision.hidden_size).to(device)

    def targets_of(batch: Batch) -> dict[str, Tensor]:
        dense = dense_targets(batch, patch=vision.patch_size, tubelet=vision.tubelet_size)
        return {name: value.to(device) for name, value in dense.items()}

    def tubelet_step(tokens: Tensor, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        targets = targets_of(batch)
        return readers.state(tokens, targets), token_scores(readers.state, tokens, targets)

    def clip_step(tokens: Tensor, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        targets = targets_of(batch)
        facts = torch.from_numpy(batch.facts).to(device)
        logits = readers.facts(tokens, torch.from_numpy(batch.is_transition).to(device))
        loss = readers.state(tokens, targets) + FactsHead.loss(logits, facts)
        right = FactsHead.right(logits, facts)
        scores = {'action': float(right[:, 0].float().mean())}
        scores['all_facts'] = float(right.all(1).float().mean())
        return loss, scores | token_scores(readers.state, tokens, targets)

    modules = {'x_encoder': encoder, 'readers': readers}
    encode = torch.compile(encoder) if config.compile else encoder
    _stage(
        'tubelets',
        modules,
        encode,
        folder,
        journal,
        schedule=Schedule(config.tubelet_steps, config.learning_rate, config.warmup),
        draw=lambda step: sampler.tubelets(
            step, count=config.tubelets, frames=vision.tubelet_size
        ),
        compute=tubelet_step,
    )
    _stage(
        'clips',
        modules,
        encode,
        folder,
        journal,
        schedule=Schedule(config.clip_steps, config.clip_learning_rate, config.warmup),
        draw=lambda step: sampler.clips(step, clips=config.clips, transitions=config.transitions),
        compute=clip_step,
    )


@torch.no_grad()
def token_scores(head: StateHead, tokens: Tensor, targets: dict[str, Tensor]) -> dict[str, float]:
    """Return how many of the tokens that show an object name its kind and colour, in [0, 1]."""
    seen = targets['kind'] != NOTHING
    shown = tokens[seen].float()
    return {
        'kind': float((head.kind(shown).argmax(-1) == targets['kind'][seen]).float().mean()),
        'colour': float((head.colour(shown).argmax(-1) == targets['colour'][seen]).float().mean()),
    }


def encoder_optimizer(
    parameters: Sequence[nn.Parameter], learning_rate: float
) -> torch.optim.Optimizer:
    """Return the optimiser of every way to teach the X-Encoder."""
    return torch.optim.AdamW(
        parameters, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.05, fused=True
    )


def _stage(
    name: str,
    modules: dict[str, nn.Module],
    encode: Callable[[Tensor], Tensor],
    folder: Path,
    journal: Journal,
    *,
    schedule: Schedule,
    draw: Callable[[int], Batch],
    compute: Step,
) -> None:
    """Run one stage to its end; the modules carry over to the next."""
    parameters = [p for module in modules.values() for p in module.parameters()]
    optimizer = encoder_optimizer(parameters, schedule.learning_rate)
    path = folder / f'pretraining_{name}.safetensors'
    stage = Stage(name, modules, optimizer, schedule=schedule, path=path, journal=journal)
    for _, batch in stage.batches(draw):
        with stage.autocast():
            tokens = encode(torch.from_numpy(batch.frames).to(stage.device))
            loss, scores = compute(tokens, batch)
        stage.descend(loss)
        stage.note(loss=loss.item(), **scores)
