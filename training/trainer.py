# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trains Predictor and Y-Encoder on the frozen X-Encoder's features (arXiv 2512.10942, §2)."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from training.features import Features
from training.journal import LOG_FILE, Journal
from training.objective import LOSSES, embed, needed_rows
from training.pairings import Pairings
from training.processes import ONE, Processes
from training.sources import ClipSource, QueryAnswer
from training.stage import Schedule, Stage
from training.state_file import load_state, save_state
from training.validation import Validation, scores
from vljepa_ros.errors import ConfigurationError
from vljepa_ros.model.vl_jepa import VLJEPA

STATE_FILE = 'training_state.safetensors'
BEST_FILE = 'best.safetensors'
SHOW_EVERY = 10
MIN_TEMPERATURE = 0.01


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of the joint training.

    Attributes:
        steps: batches in all.
        clips: clips a batch, of all processes together; most have two questions.
        learning_rate: peak of the schedule.
        warmup: steps until the peak.
        y_encoder_scale: the Y-Encoder's share of the learning rate (paper: 0.05); its head takes
            the whole rate.
        weight_decay: of AdamW.
        temperature: first temperature of InfoNCE, which is learned; the paper does not state it.
        loss: 'infonce', 'cosine', 'l1' or 'l2'.
        validate_every: steps between two looks at the val split.
        seed: of batches and texts.
        freeze_words: keep the tables of words of Predictor and Y-Encoder as they are. Words that
            no text of the training holds then keep their place beside those that do.
        freeze_y_encoder: keep the shared space as it is, and all that reads it: Y-Decoder,
            phrase bank, thresholds.
        schedule: of the learning rate after the warm-up: 'cosine' to zero, or 'constant'.
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
    freeze_words: bool = False
    freeze_y_encoder: bool = False
    schedule: Literal['cosine', 'constant'] = 'cosine'

    def __post_init__(self) -> None:
        """Reject an unknown loss, and numbers that train nothing."""
        if self.loss not in LOSSES:
            raise ConfigurationError(f'loss is {self.loss!r}; use one of {", ".join(LOSSES)}')
        for name in ('steps', 'clips', 'learning_rate', 'warmup', 'temperature', 'validate_every'):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f'training.{name} is {getattr(self, name)}; use > 0')


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

    def trainable(name: str) -> list[tuple[str, nn.Parameter]]:
        named = model.network(name).named_parameters()
        return [(key, parameter) for key, parameter in named if parameter.requires_grad]

    body = [p for name, p in trainable('y_encoder') if not name.startswith('head.')]
    head = [p for name, p in trainable('y_encoder') if name.startswith('head.')]
    fast = [*(p for _, p in trainable('predictor')), *head]
    return [
        {'params': fast, 'scale': 1.0},
        {'params': body, 'scale': scale},
        {'params': list(temperature.parameters()), 'scale': 1.0, 'weight_decay': 0.0},
    ]


def word_tables(model: VLJEPA) -> list[nn.Embedding]:
    """Return the tables of words of Predictor and Y-Encoder, those of positions not."""
    return [
        part
        for name in ('predictor', 'y_encoder')
        for part in model.network(name).modules()
        if isinstance(part, nn.Embedding) and part.num_embeddings == model.config.vocab_size(name)
    ]


def train(
    model: VLJEPA,
    source: ClipSource,
    features: Features,
    validation: Validation,
    folder: Path,
    *,
    config: TrainingConfig,
    pairings: Pairings | None = None,
    processes: Processes = ONE,
    journal: Journal | None = None,
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
        pairings: what the clips show together; what they do not is no negative of each other.
        processes: share each batch; only the first writes files.
        journal: is told the numbers; None writes `log.jsonl` in `folder`.
    """
    journal = journal or Journal(folder, silent=not processes.main)
    device = model.device
    temperature = Temperature(config.temperature).to(device)
    modules = {
        'predictor': model.network('predictor'),
        'y_encoder': model.network('y_encoder'),
        'temperature': temperature,
    }
    if config.freeze_words:
        for table in word_tables(model):
            table.weight.requires_grad_(False)
    if config.freeze_y_encoder:
        modules['y_encoder'].requires_grad_(False)
    groups = parameter_groups(model, temperature, config.y_encoder_scale)
    optimizer = torch.optim.AdamW(
        groups, lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=config.weight_decay
    )
    stage = Stage(
        'train',
        modules,
        optimizer,
        schedule=Schedule(config.steps, config.learning_rate, config.warmup, config.schedule),
        path=folder / STATE_FILE,
        processes=processes,
    )
    best = _best_so_far(folder)
    for step in stage.steps():
        chosen, asked = draw(source, step, clips=config.clips, seed=config.seed)
        if processes.count > 1:
            chosen = chosen[needed_rows(asked, processes)]
        tokens = features[chosen].to(device).float()
        with stage.autocast():
            batch = embed(model, tokens, asked, pairings=pairings, processes=processes)
        loss = LOSSES[config.loss](batch, temperature())
        norm = stage.descend(loss)
        row = {'step': step + 1, 'loss': loss.item(), 'gradient': float(norm)}
        row['temperature'] = temperature().item()
        stage.note(loss=row['loss'], temperature=row['temperature'])
        if (step + 1) % config.validate_every == 0 or step + 1 == config.steps:
            row |= scores(model.eval(), validation)
            model.train()
            stage.write(json.dumps(row))
            if row['retrieval'] >= best:
                best = row['retrieval']
                if processes.main:
                    save_state(folder / BEST_FILE, modules, None, step=step + 1)
            journal.row('train', row)
        elif (step + 1) % SHOW_EVERY == 0:
            journal.row('train', {**row, 'learning_rate': stage.learning_rate}, kept=False)
    processes.wait()
    load_state(folder / BEST_FILE, modules, None)


def _best_so_far(folder: Path) -> float:
    """Return the best retrieval that the log of an interrupted training tells of."""
    log = folder / LOG_FILE
    if not (log.is_file() and (folder / BEST_FILE).is_file()):
        return 0.0
    rows = [json.loads(line) for line in log.read_text(encoding='utf-8').splitlines()]
    return max((row['retrieval'] for row in rows if 'retrieval' in row), default=0.0)
