# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Draws what the robot does: which actions, on which objects, in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from training.world.casting import draw_cast, set_stage
from training.world.choices import Choices
from training.world.motions import PlanWriter, place
from training.world.options import Option
from training.world.procedures import PROCEDURES, Wishes, put_down, serve
from training.world.room import Room
from training.world.script import Plan
from training.world.splits import SPLIT_CODE, is_unseen, is_unseen_object
from training.world.symbols import Segment
from training.world.wanted import Wanted, draw_wanted
from vljepa_ros.errors import ConfigurationError

__all__ = ['Wanted', 'draw_plan']

_IDLE_S = (0.8, 4.3)
# How often a failure is tried; for some there is often no room to fall.
_FAILURE_SHARES = {'pick up': 0.11, 'put in': 0.18, 'stack': 0.14, 'open': 0.11}
# Of single actions among others that are possible.
_WEIGHTS = {'put in': 2.6, 'put on': 0.5, 'put left of': 1.0, 'put right of': 1.0, 'stack': 5.0,
            'pour': 2.0, 'pick up': 0.5}  # fmt: skip
_RANDOM_SHARE = 0.12  # single actions without a purpose
_LONGEST_ACTION_S = 3.2
_TRIES = 400


class Planner:
    """Chooses the next action again and again.

    Args:
        writer: The plan.
        room: What has room and is seen.
        active: The objects that the robot may touch.
        split: Name of the split, which decides what may be shown.
        rng: Source of randomness.
    """

    def __init__(
        self, writer: PlanWriter, room: Room, active: Sequence[int], split: str,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        self.rng, self._split = rng, split
        self._active = list(active)
        self.choices = Choices(writer, room, rng, self._may_show)
        self._wishes: Wishes | None = None
        self._last: Callable[..., Wishes] | None = None
        self._closing = False

    def _may_show(self, segment: Segment) -> bool:
        return self._split == 'composition' or not is_unseen(segment)

    def active(self) -> list[int]:
        """Return the objects that the robot may touch."""
        return self._active

    def choose(self, options: Sequence[Option]) -> Option | None:
        """Draw one of the options that are possible and allowed, None if none is."""
        open_to = [o for o in options if self.choices.possible(o) and self.choices.allowed(o)]
        if not open_to:
            return None
        # There are many more ways to push than to open the drawer: they share one weight.
        ways = Counter(option.action for option in open_to)
        weights = np.array([self._weight(option) / ways[option.action] for option in open_to])
        return open_to[int(self.rng.choice(len(open_to), p=weights / weights.sum()))]

    def _weight(self, option: Option) -> float:
        objects = self.choices.writer.objects
        weight = _WEIGHTS.get(option.action, 1.0)
        if self._split == 'composition':
            item = None if option.index is None else objects[option.index]
            other = None if option.reference is None else objects[option.reference]
            segment = Segment(
                0.0, 1.0, option.action, item.kind if item else None,
                item.colour if item else None, option.target, other,
            )  # fmt: skip
            weight *= 4.0 if is_unseen(segment) else 1.0
        return weight

    # ---- acting ------------------------------------------------------------------------------

    def act(self, *, last: bool = False) -> bool:
        """Choose and write one action; False if nothing at all is possible.

        Args:
            last: Nothing comes after it, so that less is begun that cannot be ended.
        """
        self._closing = last and bool(self.rng.random() < 0.6)
        for _ in range(24):
            if self._wishes is None:
                self._wishes = self._new_wishes()
            options = next(self._wishes, None)
            if options is not None and self._try_one(options):
                return True
            self._wishes = None
        return self._anything(self._active) or self._anything(
            list(range(len(self.choices.writer.objects)))
        )

    def _anything(self, active: list[int]) -> bool:
        options = list(self.choices.all_options(active))
        while options:
            option = self.choose(options)
            if option is None:
                return False
            if self.choices.perform(option):
                return True
            options.remove(option)
        return self._back_down()

    def _back_down(self) -> bool:
        """Put down what is held wherever there is room."""
        held = self.choices.writer.held
        found = None if held is None else self.choices.way_out(held)
        if found is None:
            return False
        place(self.choices.writer, found[1])
        return True

    def _try_one(self, options: Sequence[Option]) -> bool:
        left = list(options)
        while left:
            option = self.choose(left)
            if option is None or (self._closing and option.action in ('pick up', 'take out')):
                return False
            if self._try(option):
                return True
            left.remove(option)
        return False

    def _try(self, option: Option) -> bool:
        if self.rng.random() < _FAILURE_SHARES.get(option.action, 0.0):
            failed = replace(option, success=False)
            if self.choices.perform(failed):
                # Mostly it is tried again.
                self._wishes = self._again(option) if self.rng.random() < 0.75 else None
                return True
        return self.choices.perform(option)

    def _again(self, option: Option) -> Wishes:
        index = option.index
        if option.action in ('put in', 'stack') and index is not None:
            if self.choices.writer.last(index).lying:
                yield [Option('set upright', index)]
            yield [Option('pick up', index)]
        yield [option]

    def _new_wishes(self) -> Wishes:
        held = self.choices.writer.held
        if self.rng.random() < _RANDOM_SHARE:
            return iter([list(self.choices.all_options(self._active))])
        procedures = list(PROCEDURES)
        weights = np.array(
            [
                PROCEDURES[procedure] * (0.4 if procedure is self._last else 1.0)
                for procedure in procedures
            ]
        )
        at = int(self.rng.choice(len(procedures), p=weights / weights.sum()))
        procedure = self._last = procedures[at]
        if held is not None:
            return serve(self) if self.rng.random() < 0.5 else put_down(self)
        return procedure(self)


def _check(split: str, actions: int | None, seconds: float | None) -> None:
    if split not in SPLIT_CODE:
        raise ConfigurationError(f'split is {split!r}; use one of {", ".join(SPLIT_CODE)}.')
    if actions is not None and actions < 0:
        raise ConfigurationError(f'actions is {actions}; use 0 or more.')
    if seconds is not None and not 1.0 <= seconds <= 7200.0:
        raise ConfigurationError(f'seconds is {seconds}; use 1 to 7200.')


def draw_plan(
    rng: np.random.Generator,
    *,
    split: str,
    actions: int | None = None,
    seconds: float | None = None,
    wanted: Wanted | None = None,
) -> Plan:
    """Draw an episode.

    Args:
        rng: Source of randomness.
        split: One of `splits.SPLIT_CODE`. Only 'composition' shows combinations that training
            never shows, at least one in each episode with actions; 'scene' has other cameras.
        actions: Number of actions, 0 for a still scene. None draws 3 to 7, or as many as fit
            into `seconds`.
        seconds: Wanted length. The last idle time is drawn out to reach it, and actions that
            do not fit are left out. None leaves the length to chance.
        wanted: One action that the episode shows, and no other; `actions` does not count then.

    Raises:
        ConfigurationError: An argument is outside its allowed values, or the wanted action is
            impossible in the world or in this split.
    """
    _check(split, actions, seconds)
    if wanted is not None:
        plan_writer = draw_wanted(rng, wanted, split=split, idle_s=_IDLE_S)
        return _finish(plan_writer, seconds)
    count = actions
    if actions is None:
        count = int(rng.integers(3, 8)) if seconds is None else 1_000_000
    assert count is not None
    composition = split == 'composition'
    for _ in range(_TRIES):
        cast = draw_cast(rng, unseen=composition)
        stage = set_stage(cast, rng, unseen_camera=split == 'scene')
        if stage is None:
            continue
        writer, room = stage
        active = [i for i, role in enumerate(cast.roles) if role.active]
        planner = Planner(writer, room, active, split, rng)
        done = _run(planner, writer, count, seconds, rng)
        if composition and not _shows_unseen(writer):
            continue
        if not done:
            continue
        return _finish(writer, seconds)
    raise ConfigurationError('no episode was found for these arguments.')


def _shows_unseen(writer: PlanWriter) -> bool:
    acts = [segment for segment in writer.segments if segment.action != 'idle']
    if acts:
        return any(is_unseen(segment) for segment in acts)
    return any(is_unseen_object(item) for item in writer.objects)


def _run(
    planner: Planner, writer: PlanWriter, count: int, seconds: float | None,
    rng: np.random.Generator,
) -> bool:  # fmt: skip
    """Write the actions with idle times between them; False if nothing more was possible."""
    first = float(rng.uniform(*_IDLE_S))
    writer.idle(first if seconds is None else min(first, seconds))
    for done in range(count):
        pause = float(rng.uniform(*_IDLE_S))
        if seconds is not None and writer.time_s + _LONGEST_ACTION_S + _IDLE_S[0] > seconds:
            return True
        if not planner.act(last=done == count - 1):
            return False
        if seconds is not None:
            pause = min(pause, seconds - writer.time_s)
        writer.idle(pause)
    return True


def _finish(writer: PlanWriter, seconds: float | None) -> Plan:
    if seconds is not None and writer.time_s < seconds:
        writer.idle(seconds - writer.time_s)
    return writer.plan()
