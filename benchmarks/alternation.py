# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measures things in turns, so that a busy moment of the machine strikes them alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

Name = TypeVar('Name', bound=Hashable)
Sample = TypeVar('Sample')


def alternate(
    turns: Mapping[Name, Callable[[], Sample]], *, rounds: int
) -> dict[Name, list[Sample]]:
    """Give each its turn, round after round.

    Args:
        turns: measures once.
        rounds: how often; each round begins with another one, so that none always follows the
            same neighbour.

    Returns:
        One sample a round for each.
    """
    samples: dict[Name, list[Sample]] = {name: [] for name in turns}
    names = list(turns)
    for number in range(rounds):
        first = number % len(names)
        for name in (*names[first:], *names[:first]):
            samples[name].append(turns[name]())
    return samples


def median_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Return the median of the ratios within each round."""
    return statistics.median(one / other for one, other in zip(above, below, strict=True))
