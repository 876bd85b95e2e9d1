# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Short episodes that show one requested action."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.world.casting import Cast, Role, draw_objects, set_stage
from training.world.choices import Choices
from training.world.layout import draw_furniture
from training.world.motions import PlanWriter
from training.world.options import PLACING, SIDES, Option
from training.world.splits import is_unseen
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
from vljepa_ros.errors import ConfigurationError

_TRIES = 150


@dataclass(frozen=True)
class Wanted:
    """An action that an episode shall show; see `symbols.Segment`.

    What may be left open (None) is drawn: the target of 'put in', 'put on', 'push', 'take out',
    'pour' and the reference of 'put left of', 'put right of', 'stack'.
    """

    action: str
    kind: str | None = None
    colour: str | None = None
    target: str | None = None
    reference: ObjectInfo | None = None
    success: bool = True

    @property
    def item(self) -> ObjectInfo | None:
        """The object acted on."""
        if self.kind is None or self.colour is None:
            return None
        return ObjectInfo(self.kind, self.colour)


def _targets(action: str, kind: str | None) -> tuple[str, ...]:
    """Return the targets that an action can have with a kind."""
    if action in ('put in', 'take out'):
        return tuple(name for name in INSIDE if name != 'drawer' or kind in FITS_DRAWER)
    return {
        'put on': (*ONTO, 'table'), 'push': DIRECTIONS, 'pour': ('bowl',), 'open': ('drawer',),
        'close': ('drawer',),
    }.get(action, ())  # fmt: skip


def _reference_kinds(action: str) -> tuple[str, ...]:
    if action in SIDES:
        return KINDS
    return {'stack': FLAT_TOPS, 'pour': ('cup',)}.get(action, ())


def _check(wanted: Wanted, split: str) -> None:
    """Raise ConfigurationError if something impossible is wanted."""
    action, kind, reference = wanted.action, wanted.kind, wanted.reference

    def fail(what: str, allowed: object) -> None:
        raise ConfigurationError(f'{wanted}: {what}; possible: {allowed}.')

    if action not in ACTIONS or action == 'idle':
        fail(f'there is no action {action!r} to show', ACTIONS[1:])
    if action in ('open', 'close'):
        if kind is not None or wanted.colour is not None or reference is not None:
            fail(f'{action!r} has no object', None)
    else:
        kinds = POSSIBLE_KINDS.get(action, KINDS)
        if kind not in kinds:
            fail(f'{action!r} is impossible with {kind!r}', kinds)
        if wanted.colour not in COLOURS:
            fail(f'there is no colour {wanted.colour!r}', COLOURS)
    if wanted.target is not None and wanted.target not in _targets(action, kind):
        fail(f'target {wanted.target!r} does not go with it', _targets(action, kind))
    if reference is not None:
        kinds = _reference_kinds(action)
        if reference.kind not in kinds or reference.colour not in COLOURS:
            fail(f'reference {reference} does not go with it', kinds)
        if reference == wanted.item:
            fail('the reference is the object itself', 'another one')
        if wanted.target is not None:
            fail('it has a target and a reference', 'one of them')
    if not wanted.success and action not in FAILURES:
        fail('this action does not fail', tuple(FAILURES))
    segment = Segment(
        0.0, 1.0, action, kind, wanted.colour, wanted.target, reference, wanted.success
    )
    if split != 'composition' and is_unseen(segment):
        fail(f'split {split!r} never shows this combination', "split 'composition'")


def _draw_cast(rng: np.random.Generator, wanted: Wanted, split: str) -> tuple[Cast, Option]:
    """Draw the other objects and the furniture, and say which action is meant."""
    action, item, reference = wanted.action, wanted.item, wanted.reference
    unseen = split == 'composition'
    target = wanted.target
    targets = _targets(action, wanted.kind)
    if target is None and targets and reference is None:
        into_cup = action == 'pour' and rng.random() < 0.5
        target = None if into_cup else str(rng.choice(targets))
    if target is None and reference is None and _reference_kinds(action):
        kinds = _reference_kinds(action)
        while reference is None or reference.kind not in kinds:
            known = () if item is None else (item,)
            reference = draw_objects(rng, unseen=unseen, count=len(known) + 1, first=known)[-1]
    first = tuple(thing for thing in (item, reference) if thing is not None)
    count = int(rng.integers(max(2, len(first)), 5 if len(first) < 2 else 4))
    objects = draw_objects(rng, unseen=unseen, count=count, first=first)
    needed = (target,) if target in FURNITURE else ()
    furniture = draw_furniture(rng, wanted=needed)
    roles = [Role(thing) for thing in objects]
    drawer_open = bool(rng.random() < 0.4)
    index = None
    if item is not None:
        index = 0
        place, lying = 'table', action == 'set upright'
        if action in (*PLACING, 'pour'):
            place = 'gripper'
        elif action == 'take out':
            place = str(target)
        elif action == 'pick up' and rng.random() < 0.25:
            place = next((name for name in furniture if name in ONTO), 'table')
        roles[0] = Role(item, place, lying=lying)
    if target == 'drawer':
        drawer_open = action != 'open'
    if wanted.action in ('open', 'close') or (index is None):
        drawer_open = action == 'close'
    other = None if reference is None else 1
    return (
        Cast(tuple(roles), furniture, drawer_open),
        Option(action, index, target, other, wanted.success),
    )


def draw_wanted(
    rng: np.random.Generator, wanted: Wanted, *, split: str, idle_s: tuple[float, float]
) -> PlanWriter:
    """Write a plan that shows one action: idle, the action, idle.

    Args:
        rng: Source of randomness.
        wanted: The action.
        split: Name of the split.
        idle_s: Shortest and longest idle time, seconds.

    Raises:
        ConfigurationError: It is impossible, or the split must not show it.
    """
    _check(wanted, split)
    for _ in range(_TRIES):
        cast, option = _draw_cast(rng, wanted, split)
        stage = set_stage(cast, rng, unseen_camera=split == 'scene')
        if stage is None:
            continue
        writer, room = stage
        writer.idle(float(rng.uniform(*idle_s)))
        choices = Choices(writer, room, rng, lambda segment: True)
        if choices.perform(option):
            writer.idle(float(rng.uniform(*idle_s)))
            return writer
    raise ConfigurationError(f'{wanted}: no layout was found in which this has room.')
