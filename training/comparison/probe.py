# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Judges a frozen X-Encoder: what do short read-outs of its tokens find out about a clip?

The attentive probe of V-JEPA 2 for the facts of a clip, linear read-outs for each token.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.batches import Batch, BatchSampler
from training.comparison.judging import Judged
from training.episodes import FACTS
from training.facts_head import FactsHead
from training.loop import drawn_ahead
from training.pretraining import Readers
from training.stage import Schedule, Stage
from training.state_head import NOTHING, dense_targets
from vljepa_ros.model.config import VisionConfig

# Later than any pretraining's steps: the probe learns from batches of its own.
FIRST_STEP = 1_000_000


@dataclass(frozen=True)
class ProbeConfig:
    """Settings of the read-outs' training.

    Attributes:
        steps: batches in all.
        clips: clips a batch.
        transitions: pairs of images a batch.
        learning_rate: peak of the cosine schedule.
        warmup: steps until the peak.
        val_batches: batches that they are scored on.
        seed: of the weights.
    """

    steps: int = 400
    clips: int = 24
    transitions: int = 8
    learning_rate: float = 1e-3
    warmup: int = 50
    val_batches: int = 12
    seed: int = 0


def probe(
    name: str,
    encoder: nn.Module,
    vision: VisionConfig,
    *,
    train: BatchSampler,
    val: BatchSampler,
    config: ProbeConfig,
) -> Judged:
    """Train read-outs on the train split, and score them on the val split.

    Args:
        name: for the progress bar.
        encoder: takes clips uint8 [B, T, H, W, 3].
        vision: its sizes.
        train: draws the clips to learn from.
        val: draws the clips to be judged on.
        config: settings.

    Returns:
        `kind` and `colour`: the share of a clip's tokens on objects that name theirs rightly (for
        clips that show one); `action` and `all_facts`: whether those of the clip are right.
    """
    encoder.eval()
    torch.manual_seed(config.seed)
    readers = Readers(vision)
    optimizer = torch.optim.AdamW(readers.parameters(), lr=config.learning_rate, weight_decay=0.01)
    stage = Stage(
        f'probe {name}',
        {'readers': readers},
        optimizer,
        schedule=Schedule(config.steps, config.learning_rate, config.warmup),
        max_norm=math.inf,
    )

    def encode(batch: Batch) -> Tensor:
        with torch.no_grad(), stage.autocast():
            tokens: Tensor = encoder(torch.from_numpy(batch.frames))
        return tokens.float()

    def draw(sampler: BatchSampler) -> Callable[[int], Batch]:
        return lambda step: sampler.clips(
            FIRST_STEP + step, clips=config.clips, transitions=config.transitions
        )

    for _, batch in stage.batches(draw(train)):
        loss, _ = readers.clip_step(encode(batch), batch)
        stage.descend(loss)
        stage.note(loss=loss.item())
    judged = Judged({score: [] for score in ('kind', 'colour', 'action', 'all_facts')})
    for batch in drawn_ahead(range(config.val_batches), draw(val)):
        with torch.no_grad():
            _score(judged, readers, encode(batch), batch, vision)
    # Batches draw clips from all episodes; each clip counts as a sample of its own.
    judged.episodes = {name: list(range(len(values))) for name, values in judged.values.items()}
    return judged


def _score(
    judged: Judged, readers: Readers, tokens: Tensor, batch: Batch, vision: VisionConfig
) -> None:
    targets = dense_targets(batch, patch=vision.patch_size, tubelet=vision.tubelet_size)
    seen = targets['kind'] != NOTHING  # [B, N]
    some = seen.any(1)
    for name, head in (('kind', readers.state.kind), ('colour', readers.state.colour)):
        right = (head(tokens).argmax(-1) == targets[name]) & seen
        share = right.sum(1)[some] / seen.sum(1)[some]
        judged.values[name] += share.tolist()
    facts = torch.from_numpy(batch.facts)
    logits = readers.facts(tokens, torch.from_numpy(batch.is_transition))
    right = FactsHead.right(logits, facts).float()
    judged.values['action'] += right[:, list(FACTS).index('action')].tolist()
    judged.values['all_facts'] += right.all(1).float().tolist()
