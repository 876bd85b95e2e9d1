# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trains any model of the comparison on the same batches, and judges it every so many steps."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from training.comparison.judging import Judged
from training.features import Features
from training.sources import ClipSource, QueryAnswer
from training.stage import Schedule, Stage
from training.trainer import draw
from vljepa_ros.errors import ConfigurationError

STATE_FILE = 'state.safetensors'
Row = dict[str, float]


@dataclass(frozen=True)
class LearningConfig:
    """Settings that all models of a comparison share.

    Attributes:
        steps: batches in all.
        clips: clips a batch; most have two questions.
        learning_rate: peak of the cosine schedule.
        warmup: steps until the peak.
        weight_decay: of AdamW.
        judge_every: steps between two points of the learning curve.
        seed: of batches and texts.
    """

    steps: int = 1200
    clips: int = 32
    learning_rate: float = 6e-4
    warmup: int = 100
    weight_decay: float = 0.05
    judge_every: int = 150
    seed: int = 0

    def __post_init__(self) -> None:
        """Reject numbers that train nothing."""
        for name in ('steps', 'clips', 'learning_rate', 'warmup', 'judge_every'):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f'{name} is {getattr(self, name)}; use more than 0')


class Learner(Protocol):
    """A model of the comparison.

    Attributes:
        name: in files and tables.
        modules: what is trained, by name.
        groups: the optimiser's parameter groups, each with its `scale` of the learning rate.
        settings: what makes it differ from other learners.
    """

    name: str
    modules: dict[str, nn.Module]
    groups: list[dict[str, Any]]
    settings: Mapping[str, object]

    def loss(self, tokens: Tensor, asked: Sequence[tuple[int, QueryAnswer]]) -> Tensor:
        """Return the loss of visual tokens [B, N, D] and the questions about them."""

    def judge(self, step: int) -> Judged:
        """Score the model as it is after `step` steps on the val split."""


def learn(
    learner: Learner,
    source: ClipSource,
    features: Features,
    folder: Path,
    *,
    config: LearningConfig,
    encoder: str = '',
) -> list[Row]:
    """Train to `config.steps`; goes on where it was interrupted.

    Args:
        learner: the model.
        source: clips with questions.
        features: their visual tokens.
        folder: holds the state, `curve.jsonl` and `judged.json` (of the last point).
        config: settings; those of an interrupted training must not change.
        encoder: fingerprint of the X-Encoder that the features are of; it must not change either.

    Returns:
        The learning curve: step, samples seen, seconds of training, loss, scores.

    Raises:
        ConfigurationError: `folder` holds a training with other settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    own = {'data': source.fingerprint, 'x_encoder': encoder, **learner.settings}
    _same_settings(folder, dataclasses.asdict(config) | own)
    optimizer = torch.optim.AdamW(
        learner.groups,
        lr=config.learning_rate,
        betas=(0.9, 0.98),
        weight_decay=config.weight_decay,
    )
    stage = Stage(
        learner.name,
        learner.modules,
        optimizer,
        schedule=Schedule(config.steps, config.learning_rate, config.warmup),
        path=folder / STATE_FILE,
    )
    curve = [row for row in read_curve(folder) if row['step'] <= stage.done]
    seconds = curve[-1]['seconds'] if curve else 0.0
    losses: list[float] = []
    for step in stage.steps():
        start = time.perf_counter()
        chosen, asked = draw(source, step, clips=config.clips, seed=config.seed)
        tokens = features[chosen].to(stage.device).float()
        with stage.autocast():
            loss = learner.loss(tokens, asked)
        stage.descend(loss)
        losses.append(loss.item())
        seconds += time.perf_counter() - start
        stage.note(loss=losses[-1])
        if (step + 1) % config.judge_every == 0 or step + 1 == config.steps:
            judged = _judge(learner, step + 1)
            row = {
                'step': step + 1,
                'samples': (step + 1) * min(config.clips, len(source)),
                'seconds': round(seconds, 1),
                'loss': round(sum(losses) / len(losses), 4),
                **{name: round(value, 4) for name, value in judged.means().items()},
            }
            stage.write(f'{learner.name} {json.dumps(row)}')
            curve.append(row)
            _write_curve(folder, curve)
            (folder / 'judged.json').write_text(json.dumps(judged.to_dict()), encoding='utf-8')
            losses.clear()
            stage.keep()
    return curve


def _judge(learner: Learner, step: int) -> Judged:
    for module in learner.modules.values():
        module.eval()
    try:
        return learner.judge(step)
    finally:
        for module in learner.modules.values():
            module.train()


def read_curve(folder: Path) -> list[Row]:
    """Return the points of the learning curve so far."""
    path = folder / 'curve.jsonl'
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding='utf-8').splitlines()]


def read_judged(folder: Path) -> Judged:
    """Return the scores of the last point of a learning curve, clip by clip."""
    text = (folder / 'judged.json').read_text(encoding='utf-8')
    return Judged.from_dict(json.loads(text))


def _write_curve(folder: Path, curve: Sequence[Row]) -> None:
    partial = folder / 'curve.partial'
    partial.write_text(''.join(json.dumps(row) + '\n' for row in curve), encoding='utf-8')
    partial.rename(folder / 'curve.jsonl')


def _same_settings(folder: Path, settings: Mapping[str, object]) -> None:
    path = folder / 'settings.json'
    text = json.dumps(settings, sort_keys=True)
    if not path.is_file():
        path.write_text(text, encoding='utf-8')
    elif path.read_text(encoding='utf-8') != text:
        raise ConfigurationError(
            f'{folder} holds a training with other settings: {path.read_text(encoding="utf-8")}. '
            f'Now they are {text}. Name another folder, or remove this one'
        )
