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
from typing import Any

import torch
from torch import Tensor, nn

from training.batches import Batch, BatchSampler
from training.facts_head import FactsHead
from training.journal import Journal
from training.pairing_masks import IGNORE_INDEX, PairingMasks
from training.pairings import Pairings
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
        encoder_scale: the X-Encoder's share of the learning rate; the read-outs, which always
            begin anew, take the whole rate.
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
    encoder_scale: float = 1.0
    compile: bool = False


class Readers(nn.Module):
    """The read-outs of both stages and their losses; thrown away afterwards."""

    def __init__(self, vision: VisionConfig, masks: PairingMasks | None = None) -> None:
        """Create them for the tokens of an X-Encoder; `masks` of what is no negative."""
        super().__init__()
        self.state = StateHead(vision.hidden_size)
        self.facts = FactsHead(vision.hidden_size)
        self._vision, self._masks = vision, masks

    def tubelet_step(self, tokens: Tensor, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """Return loss and scores of single tubelets, tokens [B, N, D]."""
        targets = self._targets(batch, tokens.device)
        return self.state(tokens, targets), token_scores(self.state, tokens, targets)

    def clip_step(self, tokens: Tensor, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """Return loss and scores of whole clips, tokens [B, N, D]."""
        targets = self._targets(batch, tokens.device)
        facts = torch.from_numpy(batch.facts).to(tokens.device)
        logits = self.facts(tokens, torch.from_numpy(batch.is_transition).to(tokens.device))
        never = self._masks.of_facts(facts) if self._masks else None
        loss = self.state(tokens, targets) + FactsHead.loss(logits, facts, never)
        right = FactsHead.right(logits, facts)
        scores = {'action': float(right[:, 0].float().mean())}
        scores['all_facts'] = float(right.all(1).float().mean())
        return loss, scores | token_scores(self.state, tokens, targets)

    def _targets(self, batch: Batch, device: torch.device) -> dict[str, Tensor]:
        sizes = self._vision
        dense = dense_targets(batch, patch=sizes.patch_size, tubelet=sizes.tubelet_size)
        targets = {name: value.to(device) for name, value in dense.items()}
        return targets | self._masks.of_tokens(targets) if self._masks else targets


Step = Callable[[Tensor, Batch], tuple[Tensor, dict[str, float]]]


def pretrain(
    encoder: nn.Module,
    vision: VisionConfig,
    sampler: BatchSampler,
    folder: Path,
    *,
    config: PretrainingConfig,
    pairings: Pairings | None = None,
    journal: Journal | None = None,
) -> None:
    """Train the X-Encoder; goes on where it was interrupted.

    Args:
        encoder: takes clips uint8 [B, T, H, W, 3].
        vision: its sizes.
        sampler: draws the batches.
        folder: holds the training state.
        config: settings; those of an interrupted training must not change.
        pairings: what the data shows together; what it does not is no negative of each other.
            None takes all for negatives.
        journal: is told the scores; None writes `log.jsonl` in `folder`.
    """
    journal = journal or Journal(folder)
    device = next(encoder.parameters()).device
    masks = PairingMasks(pairings, device) if pairings else None
    readers = Readers(vision, masks).to(device)
    modules = {'x_encoder': encoder, 'readers': readers}
    groups: list[dict[str, Any]] = [
        {'params': list(encoder.parameters()), 'scale': config.encoder_scale},
        {'params': list(readers.parameters())},
    ]
    encode = torch.compile(encoder) if config.compile else encoder
    _stage(
        'tubelets',
        modules,
        groups,
        encode,
        folder,
        journal,
        schedule=Schedule(config.tubelet_steps, config.learning_rate, config.warmup),
        draw=lambda step: sampler.tubelets(
            step, count=config.tubelets, frames=vision.tubelet_size
        ),
        compute=readers.tubelet_step,
    )
    _stage(
        'clips',
        modules,
        groups,
        encode,
        folder,
        journal,
        schedule=Schedule(config.clip_steps, config.clip_learning_rate, config.warmup),
        draw=lambda step: sampler.clips(step, clips=config.clips, transitions=config.transitions),
        compute=readers.clip_step,
    )


@torch.no_grad()
def token_scores(head: StateHead, tokens: Tensor, targets: dict[str, Tensor]) -> dict[str, float]:
    """Return how many of the tokens that show an object name its kind and colour, in [0, 1]."""
    right = {}
    for name, read in (('kind', head.kind), ('colour', head.colour)):
        told = (targets['kind'] != NOTHING) & (targets[name] != IGNORE_INDEX)
        found = read(tokens[told].float()).argmax(-1) == targets[name][told]
        right[name] = float(found.float().mean())
    return right


def encoder_optimizer(
    parameters: Sequence[nn.Parameter] | Sequence[dict[str, Any]], learning_rate: float
) -> torch.optim.Optimizer:
    """Return the optimiser of every way to teach the X-Encoder."""
    return torch.optim.AdamW(
        parameters, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.05, fused=True
    )


def _stage(
    name: str,
    modules: dict[str, nn.Module],
    groups: Sequence[dict[str, Any]],
    encode: Callable[[Tensor], Tensor],
    folder: Path,
    journal: Journal,
    *,
    schedule: Schedule,
    draw: Callable[[int], Batch],
    compute: Step,
) -> None:
    """Run one stage to its end; the modules carry over to the next."""
    # Each stage has an optimiser of its own, which writes into the groups that it is given.
    optimizer = encoder_optimizer([dict(group) for group in groups], schedule.learning_rate)
    path = folder / f'pretraining_{name}.safetensors'
    stage = Stage(name, modules, optimizer, schedule=schedule, path=path, journal=journal)
    for _, batch in stage.batches(draw):
        with stage.autocast():
            tokens = encode(torch.from_numpy(batch.frames).to(stage.device))
            loss, scores = compute(tokens, batch)
        stage.descend(loss)
        stage.note(loss=loss.item(), **scores)
