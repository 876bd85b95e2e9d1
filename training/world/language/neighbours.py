# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The meanings that differ from one meaning in one fact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from training.world.language.meanings import (
    SIDES,
    TARGETS,
    WITHOUT_OBJECT,
    items,
    kinds_of,
    make,
    meaning,
    possible,
)
from training.world.splits import is_unseen
from training.world.symbols import (
    ACTIONS,
    COLOURS,
    DIRECTIONS,
    FAILURES,
    ObjectInfo,
    Scene,
    Segment,
)

ASPECTS = ('verb', 'kind', 'colour', 'target')
# Actions that are easily taken for each other come first among the wrong verbs.
_NEAR = {
    'pick up': ('push', 'take out', 'knock over'),
    'put in': ('take out', 'pour', 'pick up'),
    'put on': ('take out', 'pick up'),
    'put left of': ('put right of', 'stack'),
    'put right of': ('put left of', 'stack'),
    'push': ('pick up', 'knock over', 'set upright'),
    'open': ('close',),
    'close': ('open',),
    'stack': ('put left of', 'put right of'),
    'take out': ('put in', 'put on', 'pick up'),
    'pour': ('put in', 'stack', 'put left of', 'put right of'),
    'knock over': ('set upright', 'push', 'pick up'),
    'set upright': ('knock over', 'pick up', 'push'),
}
# What is put beside an object ends up nearer to it than this across the picture, metres.
SIDE_DISTANCE = 0.15
NOTHING = Scene((), (), (), (), (), (), None)


class Neighbours:
    """Makes segments that differ from one segment in one fact."""

    def __init__(self, segment: Segment, rng: np.random.Generator, scene: Scene = NOTHING) -> None:
        """Start from a segment; objects and furniture of a scene are preferred."""
        self._segment = meaning(segment)
        self._scene = scene
        self._unseen = is_unseen(segment)
        self._rng = rng
        self._chances: list[float] = []

    def chance(self) -> float:
        """Draw a number in 0..1."""
        if not self._chances:
            self._chances = self._rng.random(32).tolist()
        return self._chances.pop()

    def fits(self, other: Segment) -> bool:
        """Tell whether a segment is possible, another one, and no unseen one without need."""
        return (
            possible(other) and other != self._segment and (self._unseen or not is_unseen(other))
        )

    def _pick(self, options: Sequence[Any], make_one: Callable[[Any], Segment]) -> Segment | None:
        """Return what one of the options makes, at random among those that fit."""
        left = list(options)
        while left:
            other = make_one(left.pop(int(self.chance() * len(left))))
            if self.fits(other):
                return other
        return None

    def _reference(self) -> ObjectInfo | None:
        """Return an object of the scene other than the one acted on, or any."""
        others = [item for item in self._scene.objects if item != self._segment.item]
        if not others:
            pool = items('pick up', unseen=self._unseen)
            others = [pool[int(self.chance() * len(pool))]]
        return others[int(self.chance() * len(others))]

    def with_verb(self, action: str) -> Segment:
        """Return the segment with another verb; what the verb needs is kept where it can be."""
        segment, scene = self._segment, self._scene
        success = segment.success or action not in FAILURES
        if action in WITHOUT_OBJECT:
            return make(action, None, None if action == 'idle' else 'drawer')
        item = segment.item
        if item is None:
            pool = scene.objects or items(action, unseen=self._unseen)
            item = pool[int(self.chance() * len(pool))]
        target, reference = segment.target, None
        allowed = TARGETS.get(action, ())
        if action == 'pour':
            target = 'bowl' if segment.reference is None else None
            reference = segment.reference
        elif action in (*SIDES, 'stack'):
            target, reference = None, segment.reference or self._reference()
        elif target not in allowed:
            near = [name for name in allowed if name in scene.furniture] or list(allowed)
            target = near[int(self.chance() * len(near))] if near else None
        return make(action, item, target, reference, success)

    def verb(self) -> Segment | None:
        """Return a segment with another verb, a near one if possible."""
        action = self._segment.action
        near = _NEAR.get(action, ())
        for name in near:
            # Mostly the nearest verb, sometimes another.
            if self.chance() < 0.7 and self.fits(other := self.with_verb(name)):
                return other
        others = [name for name in ACTIONS if name not in (*near, action, *WITHOUT_OBJECT)]
        return self._pick(near, self.with_verb) or self._pick(others, self.with_verb)

    def kind(self) -> Segment | None:
        """Return a segment with another kind of object, one of the scene if possible."""
        segment = self._segment
        near = {item.kind for item in self._scene.objects if item.colour == segment.colour}

        def with_kind(kind: str) -> Segment:
            return replace(segment, kind=kind)

        kinds = kinds_of(segment.action)
        return self._pick([k for k in kinds if k in near], with_kind) or self._pick(
            kinds, with_kind
        )

    def colour(self) -> Segment | None:
        """Return a segment with another colour of the object, one of the scene if possible."""
        segment = self._segment
        if segment.item is None:
            return None

        def with_colour(colour: str) -> Segment:
            return replace(segment, colour=colour)

        objects = self._scene.objects
        same = {item.colour for item in objects if item.kind == segment.kind} - {segment.colour}
        near = sorted(same or {item.colour for item in objects})
        return self._pick(near, with_colour) or self._pick(COLOURS, with_colour)

    def target(self) -> Segment | None:
        """Return a segment with another target or another reference."""
        segment, scene, action = self._segment, self._scene, self._segment.action
        pool = items(action, reference=True, unseen=self._unseen)
        if pool:

            def with_reference(item: ObjectInfo | None) -> Segment:
                target = 'bowl' if item is None else None
                return replace(segment, target=target, reference=item)

            pool = tuple(item for item in pool if not self._maybe_true(item))
            near: list[ObjectInfo | None] = [item for item in scene.objects if item in pool]
            if action == 'pour' and 'bowl' in scene.furniture:
                near.append(None)
            return self._pick(near, with_reference) or self._pick(pool, with_reference)

        def with_target(name: str) -> Segment:
            return replace(segment, target=name)

        if action == 'push':
            opposite = DIRECTIONS[DIRECTIONS.index(str(segment.target)) ^ 1]
            if self.chance() < 0.6:
                return with_target(opposite)
        names = () if action in WITHOUT_OBJECT else TARGETS.get(action, ())
        standing = [name for name in names if name in scene.furniture]
        return self._pick(standing, with_target) or self._pick(names, with_target)

    def _maybe_true(self, item: ObjectInfo) -> bool:
        """Tell whether the action may also end on the same side of another object."""
        segment, scene = self._segment, self._scene
        if segment.action not in SIDES or not {segment.reference, item} <= set(scene.objects):
            return False
        middle = scene.objects.index(segment.reference)
        lead = scene.across[scene.objects.index(item)] - scene.across[middle]
        return lead * (1 if segment.action == 'put left of' else -1) > -SIDE_DISTANCE

    def one(self, aspect: str) -> Segment | None:
        """Return a segment that differs in an aspect, or None if there is none."""
        return {
            'verb': self.verb,
            'kind': self.kind,
            'colour': self.colour,
            'target': self.target,
        }[aspect]()
