# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scores event texts against the true segments of an episode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from training.evaluation.captions import facts_in, facts_of
from training.evaluation.intervals import Score, rate_score
from training.world.symbols import Segment

# So many of the facts of a segment, in the order of `facts_of`, must be right.
LEVELS = {'action': 1, 'object': 2, 'colour': 3, 'facts': 5}


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
    """How well the event of one true segment names it.

    Attributes:
        episode: number of the episode.
        action: what really happens.
        right: how many facts, from the first one on, the event's text names rightly, 0 .. 5.
    """

    episode: int
    action: str
    right: int


def score_segments(
    segments: Sequence[Segment], events: Sequence[TimedText], *, episode: int
) -> list[SegmentScore]:
    """Score each true segment by the event that overlaps it most."""
    scores = []
    for segment in segments:
        event = best_overlap(segment, events)
        pairs = zip(facts_in(event.text if event else ''), facts_of(segment), strict=True)
        equal = [said == true for said, true in pairs]
        right = equal.index(False) if False in equal else len(equal)
        scores.append(SegmentScore(episode, segment.action, right))
    return scores


def summary(scores: Sequence[SegmentScore]) -> dict[str, Score]:
    """Return `<level>.all` over all segments and `<level>.actions` over those without idle time.

    `action` asks for the action, `object` for the kind of object too, `colour` for its colour as
    well, and `facts` for everything that a caption says.
    """
    groups = {'all': list(scores), 'actions': [one for one in scores if one.action != 'idle']}
    return {
        f'{level}.{name}': rate_score(
            [float(one.right >= facts) for one in group], [one.episode for one in group]
        )
        for name, group in groups.items()
        for level, facts in LEVELS.items()
    }
