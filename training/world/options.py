# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Actions in words: which make sense now, and which a split may show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from training.world.motions import PlanWriter
from training.world.symbols import (
    DIRECTIONS,
    FITS_DRAWER,
    FLAT_TOPS,
    INSIDE,
    ONTO,
    POSSIBLE_KINDS,
    Segment,
)

# Sides on which something is put, as in the picture.
SIDES = ('put left of', 'put right of')
PLACING = ('put in', 'put on', *SIDES, 'stack')


@dataclass(frozen=True)
class Option:
    """An action in words, before it is decided where exactly.

    Attributes:
        action: One of `symbols.ACTIONS`.
        index: The object acted on.
        target: See `symbols.Segment`.
        reference: Index of the other object.
        success: See `symbols.Segment`.
    """

    action: str
    index: int | None = None
    target: str | None = None
    reference: int | None = None
    success: bool = True


class Options:
    """Tells what makes sense now in a plan that is being written, whether there is room or not.

    Args:
        writer: The plan.
        allowed: Tells whether a segment may be shown (its times do not count).
    """

    def __init__(self, writer: PlanWriter, allowed: Callable[[Segment], bool]) -> None:
        self.writer, self._allowed = writer, allowed

    def allowed(self, option: Option) -> bool:
        """Tell whether the split may show an action."""
        objects = self.writer.objects
        item = None if option.index is None else objects[option.index]
        return self._allowed(
            Segment(
                0.0, 1.0, option.action, item.kind if item else None,
                item.colour if item else None, option.target,
                None if option.reference is None else objects[option.reference], option.success,
            )
        )  # fmt: skip

    def possible(self, option: Option) -> bool:
        """Tell whether an action makes sense now, leaving aside whether there is room."""
        writer, action, index = self.writer, option.action, option.index
        held = writer.held
        if action in ('open', 'close'):
            return (
                held is None
                and writer.layout.has('drawer')
                and writer.drawer_open == (action == 'close')
            )
        if index is None:
            return False
        kind = writer.kind(index)
        if kind not in POSSIBLE_KINDS.get(action, (kind,)):
            return False
        if action in (*PLACING, 'pour'):
            return held == index and self._target_possible(option, kind)
        if held is not None or writer.above(index) is not None:
            return False
        spot, lying = writer.place(index), writer.last(index).lying
        if action == 'set upright':
            return lying
        if lying or (spot == 'drawer' and not writer.drawer_open):
            return False
        if action == 'take out':
            return spot in INSIDE and option.target in (None, spot)
        if action == 'pick up':
            return spot not in INSIDE
        return spot == 'table'  # push, knock over

    def _target_possible(self, option: Option, kind: str) -> bool:
        writer, target, other = self.writer, option.target, option.reference
        if option.action == 'put in':
            return (
                target in INSIDE
                and writer.layout.has(target)
                and (target != 'drawer' or (writer.drawer_open and kind in FITS_DRAWER))
            )
        if option.action == 'put on':
            return target == 'table' or (target in ONTO and writer.layout.has(target))
        if option.action == 'pour' and target is not None:
            return target == 'bowl' and writer.layout.has('bowl')
        if other is None or other == option.index:
            return False
        free = (
            writer.place(other) == 'table'
            and not writer.last(other).lying
            and writer.above(other) is None
        )
        if option.action == 'pour':
            return free and writer.kind(other) == 'cup'
        if option.action == 'stack':
            return free and writer.kind(other) in FLAT_TOPS
        return writer.place(other) == 'table'

    def stackable(self, option: Option) -> bool:
        """Tell whether two objects could be stacked if the upper one were held."""
        index, other = option.index, option.reference
        if index is None or other is None or index == other:
            return False
        return self.writer.kind(index) in POSSIBLE_KINDS['stack'] and self._target_possible(
            option, self.writer.kind(index)
        )

    def all_options(self, active: list[int]) -> Iterator[Option]:
        """Yield every action with these objects that makes sense now."""
        writer, held = self.writer, self.writer.held
        options: list[Option] = []
        if held is None:
            options += [Option('open', target='drawer'), Option('close', target='drawer')]
            for index in active:
                options += [Option('push', index, direction) for direction in DIRECTIONS]
                options += [
                    Option(action, index) for action in ('pick up', 'knock over', 'set upright')
                ]
                if writer.place(index) in INSIDE:
                    options.append(Option('take out', index, writer.place(index)))
        else:
            names = [piece.name for piece in writer.layout.furniture]
            options += [Option('put in', held, name) for name in names if name in INSIDE]
            options += [Option('put on', held, name) for name in (*names, 'table')
                        if name in ONTO or name == 'table']  # fmt: skip
            if 'bowl' in names:
                options.append(Option('pour', held, 'bowl'))
            for other in range(len(writer.objects)):
                options += [
                    Option(action, held, None, other) for action in (*SIDES, 'stack', 'pour')
                ]
        for option in options:
            if self.possible(option) and self.allowed(option):
                yield option
