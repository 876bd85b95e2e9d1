# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Wrong answers that are easily taken for the right one: they differ in one fact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.world.language.meanings import (
    SIDES,
    TARGETS,
    WITHOUT_OBJECT,
    draw_segment,
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
    INSIDE,
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
_NOTHING = Scene((), (), (), (), (), (), None)


class _Maker:
    """Makes segments that differ from one segment in one fact."""

    def __init__(self, segment: Segment, scene: Scene, rng: np.random.Generator) -> None:
        self._segment = meaning(segment)
        self._scene = scene
        self._unseen = is_unseen(segment)
        self._rng = rng
        self._chances: list[float] = []

    def chance(self) -> float:
        if not self._chances:
            self._chances = self._rng.random(32).tolist()
        return self._chances.pop()

    def fits(self, other: Segment) -> bool:
        return (
            other != self._segment
            and possible(other)
            and (self._unseen or not is_unseen(other))
        )

    def _pick(self, options: list[Segment]) -> Segment | None:
        """Return one of the options at random that fits."""
        while options:
            other = options.pop(int(self.chance() * len(options)))
            if self.fits(other):
                return other
        return None

    def _first(self, near: list[Segment], far: list[Segment]) -> Segment | None:
        return self._pick(near) or self._pick(far)

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
        return self._first(
            [self.with_verb(name) for name in near], [self.with_verb(name) for name in others]
        )

    def kind(self) -> Segment | None:
        """Return a segment with another kind of object, one of the scene if possible."""
        segment, colour = self._segment, self._segment.colour
        near = {item.kind for item in self._scene.objects if item.colour == colour}
        kinds = [kind for kind in kinds_of(segment.action) if kind != segment.kind]
        return self._first(
            [replace(segment, kind=kind) for kind in kinds if kind in near],
            [replace(segment, kind=kind) for kind in kinds],
        )

    def colour(self) -> Segment | None:
        """Return a segment with another colour of the object, one of the scene if possible."""
        segment = self._segment
        if segment.item is None:
            return None
        near = {item.colour for item in self._scene.objects}
        same = {item.colour for item in self._scene.objects if item.kind == segment.kind}
        colours = [name for name in COLOURS if name != segment.colour]
        best = same - {segment.colour} or near
        return self._first(
            [replace(segment, colour=name) for name in colours if name in best],
            [replace(segment, colour=name) for name in colours],
        )

    def target(self) -> Segment | None:
        """Return a segment with another target or another reference."""
        segment, scene = self._segment, self._scene
        if segment.reference is not None:
            near = [replace(segment, reference=item) for item in scene.objects]
            if segment.action == 'pour' and 'bowl' in scene.furniture:
                near.append(replace(segment, reference=None, target='bowl'))
            pool = items(segment.action, reference=True, unseen=self._unseen)
            return self._first(near, [replace(segment, reference=item) for item in pool])
        if segment.action == 'pour':
            near = [replace(segment, target=None, reference=item) for item in scene.objects]
            pool = items('pour', reference=True, unseen=self._unseen)
            far = [replace(segment, target=None, reference=item) for item in pool]
            return self._first(near, far)
        if segment.action in WITHOUT_OBJECT:
            return None
        names = [name for name in TARGETS.get(segment.action, ()) if name != segment.target]
        if segment.action == 'take out':  # in stays in, on stays on: the sentence keeps its form
            inside = segment.target in INSIDE
            names.sort(key=lambda name: (name in INSIDE) != inside)
        near = [replace(segment, target=name) for name in names if name in scene.furniture]
        if segment.action == 'push':
            opposite = DIRECTIONS[DIRECTIONS.index(str(segment.target)) ^ 1]
            near = [replace(segment, target=opposite)]
        return self._first(near, [replace(segment, target=name) for name in names])

    def one(self, aspect: str) -> Segment | None:
        """Return a segment that differs in an aspect, or None if there is none."""
        return {
            'verb': self.verb,
            'kind': self.kind,
            'colour': self.colour,
            'target': self.target,
        }[aspect]()


def differ_in(
    segment: Segment, aspect: str, rng: np.random.Generator, scene: Scene = _NOTHING
) -> Segment | None:
    """Return a possible segment that differs in one aspect of `ASPECTS`; None if none does."""
    return _Maker(segment, scene, rng).one(aspect)


def _several(segment: Segment, scene: Scene, rng: np.random.Generator, count: int) -> list[Segment]:
    maker = _Maker(segment, scene, rng)
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
        if maker.fits(other):
            found[other] = None
        else:
            found[draw_segment(rng)] = None
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
    return _several(segment, _NOTHING, rng, count)
