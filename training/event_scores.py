# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scores event texts against the true segments of an episode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from training.evaluation.intervals import Rate
from training.world.language import parse_caption
from training.world.symbols import Segment


@dataclass(frozen=True)
class TimedText:
    """What an event says about a stretch of time, in seconds."""

    start_s: float
    end_s: float
    text: str


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
        said = parse_caption(event.text if event else '')
        named = said.action == segment.action
        object_right = named and said.kind == segment.kind
        scores.append(
            SegmentScore(
                action=segment.action,
                action_right=named,
                object_right=object_right,
                colour_right=object_right and said.colour == segment.colour,
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
