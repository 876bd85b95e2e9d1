# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Wrong answers that are easily taken for the right one: they differ in one fact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.world.language.meanings import draw_segment, items, make
from training.world.language.neighbours import ASPECTS, NOTHING, Neighbours
from training.world.splits import is_unseen
from training.world.symbols import DIRECTIONS, Scene, Segment


def differ_in(
    segment: Segment, aspect: str, rng: np.random.Generator, scene: Scene = NOTHING
) -> Segment | None:
    """Return a possible segment that differs in one aspect of `ASPECTS`; None if none does."""
    return Neighbours(segment, rng, scene).one(aspect)


def _several(
    segment: Segment, scene: Scene, rng: np.random.Generator, count: int
) -> list[Segment]:
    maker = Neighbours(segment, rng, scene)
    found: dict[Segment, None] = {}
    for attempt in range(4 * count):
        if attempt % len(ASPECTS) == 0:
            aspects = sorted(ASPECTS, key=lambda _: maker.chance())
        other = maker.one(aspects[attempt % len(ASPECTS)])
        if other is not None:
            found[other] = None
        if len(found) == count:
            break
    while len(found) < count:  # 'idle', 'open' and 'close' differ from few others in one fact
        pool = scene.objects or items('pick up', unseen=is_unseen(segment))
        item = pool[int(maker.chance() * len(pool))]
        other = make(('pick up', 'push')[int(maker.chance() * 2)], item)
        if other.action == 'push':
            other = replace(other, target=DIRECTIONS[int(maker.chance() * 4)])
        if not maker.fits(other):
            other = draw_segment(rng)
        if maker.fits(other):
            found[other] = None
    return list(found)


def distractors(
    segment: Segment, scene: Scene, rng: np.random.Generator
) -> tuple[Segment, Segment, Segment]:
    """Draw three segments that differ from one in exactly one of verb, kind, colour, target.

    Objects and furniture of the scene are preferred, and each aspect is used at most once where
    that is possible. Another verb brings with it what it needs (a direction for 'push').
    'open', 'close' and 'idle' have few neighbours; other actions on the scene's objects fill up.
    A combination that only the split 'composition' shows is used only if the segment is one.

    Args:
        segment: What happens.
        scene: What is true when it begins.
        rng: The source of chance.
    """
    first, second, third = _several(segment, scene, rng, 3)
    return first, second, third


def hard_negatives(segment: Segment, rng: np.random.Generator, count: int) -> list[Segment]:
    """Draw segments for training that differ from one in one fact, without regard to a scene."""
    return _several(segment, NOTHING, rng, count)
