# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scores event texts against the true segments of an episode."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from training.world import Segment
from training.world.language import parse_caption


@dataclass(frozen=True)
class TimedText:
    """What an event says about a stretch of time, in seconds."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True)
class Rate:
    """A share of right answers with its 95 % Wilson interval."""

    right: int
    total: int

    @property
    def value(self) -> float:
        """Right answers of all, in [0, 1]."""
        return self.right / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The Wilson score interval at 95 % (Wilson 1927)."""
        if not self.total:
            return math.nan, math.nan
        z, n, p = 1.959964, self.total, self.value
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)

    def to_dict(self) -> dict[str, float | int | list[float]]:
        """Return the rate for a JSON file."""
        return {
            'rate': round(self.value, 4),
            'right': self.right,
            'total': self.total,
            'interval95': [round(bound, 4) for bound in self.interval],
        }


def best_overlap(segment: Segment, events: Sequence[TimedText]) -> TimedText | None:
    """Return the event that shares most time with a true segment, None if none does."""

    def shared_s(event: TimedText) -> float:
        return min(event.end_s, segment.end_s) - max(event.start_s, segment.start_s)

    best = max(events, key=shared_s, default=None)
    return best if best is not None and shared_s(best) > 0 else None


@dataclass(frozen=True)
class SegmentScore:
    """How well the event of one true segment names it."""

    action: str
    action_right: bool
    object_right: bool
    colour_right: bool


def score_segments(segments: Sequence[Segment], events: Sequence[TimedText]) -> list[SegmentScore]:
    """Score each true segment by the event that overlaps it most.

    `object_right` asks for action and kind of object, `colour_right` for the colour as well.
    """
    scores = []
    for segment in segments:
        event = best_overlap(segment, events)
        action, kind, colour, _ = parse_caption(event.text if event else '')
        named = action == segment.action
        scores.append(
            SegmentScore(
                action=segment.action,
                action_right=named,
                object_right=named and kind == segment.kind,
                colour_right=named and kind == segment.kind and colour == segment.colour,
            )
        )
    return scores


def summary(scores: Sequence[SegmentScore]) -> dict[str, Rate]:
    """Return the rates over all segments and over those in which something happens."""
    active = [score for score in scores if score.action != 'idle']
    rates = {}
    for name, chosen in (('all', scores), ('actions', active)):
        for part in ('action_right', 'object_right', 'colour_right'):
            right = sum(getattr(score, part) for score in chosen)
            rates[f'{name}_{part}'] = Rate(right, len(chosen))
    return rates
