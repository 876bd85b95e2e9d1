# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that can be said of one action: which segments are possible, all of them, one drawn.

Segments here have no times: they stand for a meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from training.world.splits import is_unseen, seen_objects
from training.world.symbols import (
    ACTIONS,
    COLOURS,
    DIRECTIONS,
    FAILURES,
    FITS_DRAWER,
    FLAT_TOPS,
    FURNITURE,
    INSIDE,
    KINDS,
    ONTO,
    POSSIBLE_KINDS,
    ObjectInfo,
    Segment,
)

WITHOUT_OBJECT = ('idle', 'open', 'close')
SIDES = ('put left of', 'put right of')
TARGETS: dict[str, tuple[str, ...]] = {
    'put in': INSIDE,
    'put on': (*ONTO, 'table'),
    'take out': FURNITURE,
    'push': DIRECTIONS,
    'open': ('drawer',),
    'close': ('drawer',),
}


def make(
    action: str,
    item: ObjectInfo | None = None,
    target: str | None = None,
    reference: ObjectInfo | None = None,
    success: bool = True,
) -> Segment:
    """Return a segment without times."""
    kind, colour = (None, None) if item is None else (item.kind, item.colour)
    return Segment(0.0, 0.0, action, kind, colour, target, reference, success)


def meaning(segment: Segment) -> Segment:
    """Return a segment without its times, to compare what is said."""
    return make(segment.action, segment.item, segment.target, segment.reference, segment.success)


@cache
def kinds_of(action: str) -> tuple[str, ...]:
    """Return the kinds that an action is possible with; none if it has no object."""
    return () if action in WITHOUT_OBJECT else POSSIBLE_KINDS.get(action, KINDS)


@cache
def reference_kinds(action: str) -> tuple[str, ...]:
    """Return the kinds that can be the other object of an action; none if it has none."""
    return {
        'put left of': KINDS,
        'put right of': KINDS,
        'stack': FLAT_TOPS,
        'pour': ('cup',),
    }.get(action, ())


def possible(segment: Segment) -> bool:
    """Tell whether the world can show what a segment says (unseen pairs are possible)."""
    action, target, reference = segment.action, segment.target, segment.reference
    if action not in ACTIONS or (not segment.success and action not in FAILURES):
        return False
    if action in WITHOUT_OBJECT:
        wanted = None if action == 'idle' else 'drawer'
        return segment.item is None and reference is None and target == wanted
    item = segment.item
    if item is None or item.kind not in kinds_of(action) or item == reference:
        return False
    if target == 'drawer' and item.kind not in FITS_DRAWER:
        return False
    if action == 'pour' and reference is None:
        return target == 'bowl'
    references = reference_kinds(action)
    if references and (reference is None or reference.kind not in references):
        return False
    if not references and reference is not None:
        return False
    targets = TARGETS.get(action)
    return target in targets if targets else target is None


@cache
def items(action: str, *, reference: bool = False, unseen: bool = False) -> tuple[ObjectInfo, ...]:
    """Return the objects an action is possible with (`reference`: the other object)."""
    kinds = reference_kinds(action) if reference else kinds_of(action)
    every = [ObjectInfo(kind, colour) for kind in kinds for colour in COLOURS]
    seen = set(seen_objects())
    return tuple(item for item in every if unseen or item in seen)


def all_segments(*, unseen: bool = True) -> Iterator[Segment]:
    """Yield every meaning (about 20,000), failures too.

    Args:
        unseen: With the combinations that only the split 'composition' shows.
    """
    for action in ACTIONS:
        things: tuple[ObjectInfo | None, ...] = items(action, unseen=True) or (None,)
        others: list[ObjectInfo | None] = [*items(action, reference=True, unseen=True)]
        targets: tuple[str | None, ...] = TARGETS.get(action, (None,))
        if action == 'pour':
            targets = ('bowl', None)
        for success in (True, False):
            for item in things:
                for target in targets:
                    for reference in (None, *others):
                        segment = make(action, item, target, reference, success)
                        alone = target is not None and reference is not None
                        if not alone and possible(segment) and (unseen or not is_unseen(segment)):
                            yield segment


def draw_segment(
    rng: np.random.Generator, action: str | None = None, *, unseen: bool = False
) -> Segment:
    """Draw a meaning: an action, then what it needs, each uniformly; one in five fails if it can.

    Args:
        rng: The source of chance.
        action: One of `ACTIONS`; None draws one.
        unseen: Allow combinations that only the split 'composition' shows.
    """
    while True:
        u = rng.random(5).tolist()
        name = action or ACTIONS[int(u[0] * len(ACTIONS))]
        things = items(name, unseen=unseen)
        others = items(name, reference=True, unseen=unseen)
        targets = TARGETS.get(name, ())
        item = things[int(u[1] * len(things))] if things else None
        target = targets[int(u[2] * len(targets))] if targets else None
        reference = others[int(u[3] * len(others))] if others else None
        if name == 'pour' and u[2] < 0.5:
            target, reference = 'bowl', None
        segment = make(name, item, target, reference, name not in FAILURES or u[4] >= 0.2)
        if possible(segment) and (unseen or not is_unseen(segment)):
            return segment
