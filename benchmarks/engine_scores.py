# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the samples of `vljepa bench engines` say: ratios of times, and likeness of answers."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.alternation import median_ratio
from benchmarks.engine_worker import TRANSFORMERS, Answers, Worker
from training.evaluation.intervals import exact
from training.evaluation.results import Results
from vljepa_ros.inference.selection import Choice


@dataclass(frozen=True)
class Turn:
    """One turn: median milliseconds of a clip, of its two graphs, and of a batch."""

    clip: float
    x_encoder: float
    predictor: float
    batch: float


def key(choice: Choice) -> str:
    """Return a choice as the names of metrics hold it."""
    return f'{choice.backend}-{choice.precision}'


def add_parity(
    results: Results,
    prefix: str,
    workers: Mapping[Choice, Worker],
    real: np.ndarray,
    random: np.ndarray,
) -> None:
    """Compare each choice's answers with those of the classes of transformers."""
    clips = np.concatenate((real, random))
    expected = workers[TRANSFORMERS].answers(clips)
    worst: dict[str, float] = {}
    for choice, worker in workers.items():
        if choice == TRANSFORMERS:
            continue
        answers, tokens = least_cosines(expected, worker.answers(clips))
        name = f'{prefix}.{key(choice)}'
        results.add(f'{name}.cosine', exact(min(answers), len(answers)), raw=answers)
        results.add(f'{name}.token_cosine', exact(min(tokens), len(tokens)), raw=tokens)
        worst[choice.backend] = min(worst.get(choice.backend, 1.0), min(answers))
    for backend, cosine in worst.items():
        results.add(f'{prefix}.{backend}.cosine', exact(cosine))


def least_cosines(expected: Answers, found: Answers) -> tuple[list[float], list[float]]:
    """Return for each clip the cosine of the answers, and the least one of the visual tokens."""
    answers = _cosines(expected.vectors, found.vectors)
    tokens = _cosines(expected.tokens, found.tokens).min(-1)
    return answers.tolist(), tokens.tolist()


def _cosines(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(two, axis=-1)
    cosines: np.ndarray = np.einsum('...d,...d->...', one, two) / lengths
    return cosines


def add_times(
    results: Results, prefix: str, samples: Mapping[Choice, Sequence[Turn]], chosen: Choice
) -> None:
    """Add medians in milliseconds, and how many times as fast as transformers each choice is."""
    base = samples[TRANSFORMERS]
    for choice, turns in samples.items():
        name = f'{prefix}.{key(choice)}'
        for part in ('clip', 'x_encoder', 'predictor', 'batch'):
            own = [getattr(turn, part) for turn in turns]
            title = f'{name}.{"latency" if part == "clip" else part}_ms'
            results.add(title, exact(statistics.median(own), len(own)), raw=own)
            if choice == TRANSFORMERS:
                continue
            theirs = [getattr(turn, part) for turn in base]
            title = f'{name}.speedup' if part == 'clip' else f'{name}.{part}_speedup'
            ratio = exact(median_ratio(theirs, own), len(own))
            results.add(title, ratio)
            if choice == chosen and part == 'clip':
                results.add(f'{prefix}.speedup', ratio)
