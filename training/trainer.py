# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trains Predictor and Y-Encoder on the frozen X-Encoder's features (arXiv 2512.10942, §2)."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from training.features import FeatureStore
from training.loop import bf16_is_faster, cosine_rate
from training.objective import LOSSES, embed
from training.sources import ClipSource, QueryAnswer
from training.state_file import load_state, save_state
from training.validation import Validation, scores
from vljepa_ros.errors import ConfigurationError
from vljepa_ros.model.vl_jepa import VLJEPA

STATE_FILE = 'training_state.safetensors'
BEST_FILE = 'best.safetensors'
SAVE_EVERY = 100
MIN_TEMPERATURE = 0.01


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of the joint training.

    Attributes:
        steps: batches in all.
        clips: clips a batch; most have two questions.
        learning_rate: peak of the cosine schedule.
        warmup: steps until the peak.
        y_encoder_scale: the Y-Encoder's share of the learning rate (paper: 0.05); its head takes
            the whole rate.
        weight_decay: of AdamW.
        temperature: first temperature of InfoNCE, which is learned; the paper does not state it.
        loss: 'infonce', 'cosine', 'l1' or 'l2'.
        validate_every: steps between two looks at the val split.
        seed: of batches and texts.
    """

    steps: int = 8000
    clips: int = 48
    learning_rate: float = 6e-4
    warmup: int = 300
    y_encoder_scale: float = 0.05
    weight_decay: float = 0.05
    temperature: float = 0.07
    loss: str = 'infonce'
    validate_every: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        """Reject an unknown loss."""
        if self.loss not in LOSSES:
            raise ConfigurationError(f'loss is {self.loss!r}; use one of {", ".join(LOSSES)}')


class Temperature(nn.Module):
    """The learned temperature of InfoNCE, never below 0.01."""

    def __init__(self, start: float) -> None:
        """Begin with `start`."""
        super().__init__()
        self.log = nn.Parameter(torch.tensor(math.log(start)))

    def forward(self) -> Tensor:
        """Return the temperature, a scalar."""
        return self.log.exp().clamp(min=MIN_TEMPERATURE)


def draw(
    source: ClipSource, step: int, *, clips: int, seed: int
) -> tuple[np.ndarray, list[tuple[int, QueryAnswer]]]:
    """Return the clips int64 [clips] and the questions of a step; depends on (seed, step) only."""
    rng = np.random.default_rng([seed, step, 10])
    chosen = np.sort(rng.choice(len(source), size=min(clips, len(source)), replace=False))
    asked = [
        (row, pair) for row, index in enumerate(chosen) for pair in source.pairs(int(index), rng)
    ]
    return chosen, asked


def parameter_groups(
    model: VLJEPA, temperature: Temperature, scale: float
) -> list[dict[str, Any]]:
    """Return the trainable parameters: the Y-Encoder's body apart, at `scale` of the rate."""
    y_encoder = model.network('y_encoder')
    body = [p for name, p in y_encoder.named_parameters() if not name.startswith('head.')]
    head = [p for name, p in y_encoder.named_parameters() if name.startswith('head.')]
    fast = [*model.network('predictor').parameters(), *head]
    return [
        {'params': fast, 'scale': 1.0},
        {'params': body, 'scale': scale},
        {'params': list(temperature.parameters()), 'scale': 1.0, 'weight_decay': 0.0},
    ]


def train(
    model: VLJEPA,
    source: ClipSource,
    features: FeatureStore,
    validation: Validation,
    folder: Path,
    *,
    config: TrainingConfig,
    on_row: Callable[[dict[str, float]], None] = lambda row: None,
) -> None:
    """Train until `config.steps`; goes on where it was interrupted.

    Afterwards the model holds the weights that scored best on the val split.

    Args:
        model: its X-Encoder is not used.
        source: clips with questions.
        features: the visual tokens of the same clips, built.
        validation: of the val split.
        folder: holds the training state, the best weights and `log.jsonl`.
        config: settings; those of an interrupted training must not change.
        on_row: called with the numbers of each step.
    """
    temperature = Temperature(config.temperature)
    modules = {
        'predictor': model.network('predictor'),
        'y_encoder': model.network('y_encoder'),
        'temperature': temperature,
    }
    groups = parameter_groups(model, temperature, config.y_encoder_scale)
    optimizer = torch.optim.AdamW(
        groups, lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=config.weight_decay
    )
    parameters = [p for group in groups for p in group['params']]
    done = load_state(folder / STATE_FILE, modules, optimizer)
    best = _best_so_far(folder)
    half = bf16_is_faster()
    bar = tqdm(total=config.steps, initial=done, desc='train', unit='step', dynamic_ncols=True)
    for step in range(done, config.steps):
        rate = cosine_rate(step, steps=config.steps, warmup=config.warmup)
        for group in optimizer.param_groups:
            group['lr'] = config.learning_rate * group['scale'] * rate
        chosen, asked = draw(source, step, clips=config.clips, seed=config.seed)
        with torch.autocast('cpu', torch.bfloat16, enabled=half):
            batch = embed(model, features[chosen].float(), asked)
        loss = LOSSES[config.loss](batch, temperature())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        bar.update()
        row = {'step': step + 1, 'loss': loss.item(), 'gradient': float(norm)}
        row['temperature'] = temperature().item()
        last = step + 1 == config.steps
        if (step + 1) % config.validate_every == 0 or last:
            row |= scores(model.eval(), validation)
            model.train()
            _log(folder, row)
            bar.write(json.dumps(row))
            if row['retrieval'] >= best:
                best = row['retrieval']
                save_state(folder / BEST_FILE, modules, None, step=step + 1)
        if (step + 1) % SAVE_EVERY == 0 or last:
            bar.set_postfix(loss=f'{row["loss"]:.2f}', temperature=f'{row["temperature"]:.3f}')
            save_state(folder / STATE_FILE, modules, optimizer, step=step + 1)
        on_row(row)
    bar.close()
    load_state(folder / BEST_FILE, modules, None)


def _log(folder: Path, row: dict[str, float]) -> None:
    with (folder / 'log.jsonl').open('a', encoding='utf-8') as log:
        log.write(json.dumps({'stage': 'train', **row}) + '\n')


def _best_so_far(folder: Path) -> float:
    """Return the best retrieval that the log of an interrupted training tells of."""
    log = folder / 'log.jsonl'
    if not (log.is_file() and (folder / BEST_FILE).is_file()):
        return 0.0
    rows = [json.loads(line) for line in log.read_text(encoding='utf-8').splitlines()]
    return max((row['retrieval'] for row in rows if 'retrieval' in row), default=0.0)
