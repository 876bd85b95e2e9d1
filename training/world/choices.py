# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Single actions: doing those that are possible, allowed, and have room."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.world.finding import Finder
from training.world.motions import (
    Goal,
    PlanWriter,
    close_drawer,
    drop_beside,
    knock_over,
    open_drawer,
    pick_up,
    place,
    pour,
    push,
    set_upright,
)
from training.world.options import PLACING, SIDES, Option, Options
from training.world.room import Room
from training.world.symbols import FITS_DRAWER, INSIDE, TALL, Segment


class Choices(Options):
    """What can be done now in a plan that is being written, and doing it.

    Args:
        writer: The plan.
        room: What has room and is seen.
        rng: Source of randomness.
        allowed: Tells whether a segment may be shown (its times do not count).
    """

    def __init__(
        self, writer: PlanWriter, room: Room, rng: np.random.Generator,
        allowed: Callable[[Segment], bool],
    ) -> None:  # fmt: skip
        super().__init__(writer, allowed)
        self._rng = rng
        self._finder = Finder(writer, room, rng)

    def perform(self, option: Option) -> bool:
        """Write an action; False if it is not possible, not allowed, or there is no room."""
        if not self.possible(option) or not self.allowed(option):
            return False
        writer, action, index = self.writer, option.action, option.index
        if action == 'open':
            open_drawer(writer, success=option.success)
            return True
        if action == 'close':
            close_drawer(writer)
            return True
        assert index is not None
        if action in ('pick up', 'take out'):
            if option.success and self.way_out(index) is None:
                return False
            pick_up(writer, index, success=option.success)
            return True
        if action in PLACING:
            return self._place(option)
        if action == 'push':
            return self._push(index, str(option.target))
        if action == 'knock over':
            return self._knock_over(index)
        if action == 'pour':
            return self._pour(option)
        set_upright(writer, index)
        return True

    def way_out(self, index: int) -> tuple[Option, Goal] | None:
        """Return a way to put an object down again, as if it were held; None if there is none.

        Nothing else moves while something is held, so the way stays open.
        """
        writer = self.writer
        names = [piece.name for piece in writer.layout.furniture]
        options = [Option('put on', index, 'table')]
        options += [
            Option('put in' if name in INSIDE else 'put on', index, name)
            for name in names
            if name != 'drawer' or (writer.drawer_open and writer.kind(index) in FITS_DRAWER)
        ]
        others = [i for i in range(len(writer.objects)) if i != index]
        options += [
            Option(action, index, None, other)
            for other in others
            if writer.place(other) == 'table'
            for action in SIDES
        ]
        for at in self._rng.permutation(len(options)):
            option = options[at]
            goal = self._finder.goal(option) if self.allowed(option) else None
            if goal is not None:
                return option, goal
        return None

    def _place(self, option: Option) -> bool:
        goal = self._finder.goal(option)
        if goal is None:
            return False
        if option.success:
            place(self.writer, goal)
            return True
        assert option.index is not None
        upright = self.allowed(Option('set upright', option.index))
        if self.writer.kind(option.index) in TALL and not upright:
            return False  # it would lie there for ever
        found = self._finder.fall(option, goal)
        if found is not None:
            drop_beside(self.writer, *found)
        return found is not None

    def _push(self, index: int, direction: str) -> bool:
        found = self._finder.push(index, direction)
        if found is not None:
            push(self.writer, index, *found, target=direction)
        return found is not None

    def _knock_over(self, index: int) -> bool:
        heading = self._finder.fall_heading(index)
        if heading is not None:
            knock_over(self.writer, index, heading)
        return heading is not None

    def _pour(self, option: Option) -> bool:
        x, y, rim, heading = self._finder.pour(option)
        pour(
            self.writer, x, y, rim, heading, target=option.target, reference=option.reference
        )  # fmt: skip
        return True
