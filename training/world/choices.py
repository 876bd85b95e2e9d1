# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Single actions: which are possible now, where exactly, and doing them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from training.world.footprint import (
    FORMS,
    Point,
    Pose,
    cover,
    drawer_strip,
    extent,
    gap_between,
    gap_to_rectangle,
    is_lying,
    top,
)
from training.world.geometry import SHAPES
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
from training.world.room import Room
from training.world.script import lying_tilt, toppled
from training.world.slots import find_slot
from training.world.symbols import (
    DIRECTIONS,
    FITS_DRAWER,
    FLAT_TOPS,
    INSIDE,
    ONTO,
    POSSIBLE_KINDS,
    TALL,
    Segment,
)

_PUSH_M = (0.075, 0.120)
_BESIDE_GAP = (0.036, 0.065)  # between an object and the one that it is put next to
# Which way a push goes in the picture, as an angle to its right direction.
_PUSH_ANGLE = {'right': 0.0, 'away': math.pi / 2, 'left': math.pi, 'closer': -math.pi / 2}
SIDES = {'put left of': math.pi, 'put right of': 0.0}
PLACING = ('put in', 'put on', 'put left of', 'put right of', 'stack')


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


class Choices:
    """What can be done now in a plan that is being written.

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
        self.writer, self.room, self.rng, self._allowed = writer, room, rng, allowed
        base = writer.layout.camera.base
        self._right = math.radians(base.azimuth_deg) - math.pi / 2

    # ---- in words ----------------------------------------------------------------------------

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

    # ---- doing -------------------------------------------------------------------------------

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

    # ---- placing -----------------------------------------------------------------------------

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
        for at in self.rng.permutation(len(options)):
            option = options[at]
            goal = self.find_goal(option) if self.allowed(option) else None
            if goal is not None:
                return option, goal
        return None

    def find_goal(self, option: Option) -> Goal | None:
        """Return where exactly an object can be put, or None if there is no room."""
        index, target, other = option.index, option.target, option.reference
        assert index is not None
        writer = self.writer
        if option.action == 'stack':
            assert other is not None
            x, y, _, heading, _ = writer.pose(other)
            floor = top(writer.kind(other), writer.pose(other))
            return Goal('stack', x, y, floor, heading, reference=other)
        if option.action in SIDES:
            assert other is not None
            return self._beside(index, option.action, other)
        if target == 'table':
            return self._on_table(index)
        slot = find_slot(writer, index, str(target))
        if slot is None:
            return None
        x, y, yaw, exact = slot
        floor = FORMS[str(target)].floor
        return Goal(option.action, x, y, floor, yaw, target=target, exact=exact)

    def _yaw(self) -> float:
        return self.writer.home_yaw + float(self.rng.uniform(-0.4, 0.4))

    def _stands(self, index: int, point: Point, yaw: float) -> bool:
        """Tell whether an object put down by the hand has room and is seen."""
        writer, kind = self.writer, self.writer.kind(index)
        pose = (*point, SHAPES[kind].height / 2, yaw - math.pi / 2, 0.0)
        if not self.room.stands_free(cover(kind, pose), writer.table_covers(index)):
            return False
        return self.seen_with(index, pose)

    def seen_with(self, index: int, pose: Pose) -> bool:
        """Tell whether all is seen well when one object has a new place on the table."""
        poses = self.writer.table_poses(index)
        poses[index] = pose
        return self.room.seen(poses)

    def _on_table(self, index: int) -> Goal | None:
        for _ in range(28):
            x, y = float(self.rng.uniform(-0.2, 0.2)), float(self.rng.uniform(-0.175, 0.01))
            yaw = self._yaw()
            if self._stands(index, (x, y), yaw):
                return Goal('put on', x, y, 0.0, yaw, target='table', exact=True)
        return None

    def _beside(self, index: int, action: str, other: int) -> Goal | None:
        writer = self.writer
        if writer.place(other) != 'table':
            return None
        pose = writer.pose(other)
        kind, circles = writer.kind(index), cover(writer.kind(other), pose)
        for _ in range(10):
            yaw = self._yaw()
            angle = self._right + SIDES[action] + float(self.rng.uniform(-0.18, 0.18))
            gap = float(self.rng.uniform(*_BESIDE_GAP))
            ux, uy = math.cos(angle), math.sin(angle)
            # Go outwards until the covers are as far apart as wanted.
            distance = 0.05
            for _ in range(40):
                point = (pose[0] + distance * ux, pose[1] + distance * uy)
                new = cover(kind, (*point, 0.0, yaw - math.pi / 2, 0.0))
                if gap_between(new, circles) >= gap:
                    break
                distance += 0.006
            if self._stands(index, point, yaw):
                return Goal(action, *point, 0.0, yaw, reference=other, exact=True)
        return None

    def _place(self, option: Option) -> bool:
        goal = self.find_goal(option)
        if goal is None:
            return False
        if option.success:
            place(self.writer, goal)
            return True
        return self._drop(option, goal)

    # ---- falling beside ----------------------------------------------------------------------

    def _drop(self, option: Option, goal: Goal) -> bool:
        """Let the held object fall beside its target; False if there is no room beside it."""
        index = option.index
        assert index is not None
        kind = self.writer.kind(index)
        if kind in TALL and not self.allowed(Option('set upright', index)):
            return False  # it would lie there for ever
        start = float(self.rng.uniform(-math.pi, math.pi))
        for step in range(16):
            # From the front of the target to its back, alternating.
            angle = start + step * 2.4
            found = self._fallen(index, option, goal, angle)
            if found is not None:
                drop_beside(self.writer, *found)
                return True
        return False

    def _fallen(
        self, index: int, option: Option, goal: Goal, angle: float
    ) -> tuple[Goal, Pose] | None:
        writer, kind = self.writer, self.writer.kind(index)
        shape = SHAPES[kind]
        ux, uy = math.cos(angle), math.sin(angle)
        x, y = goal.x, goal.y
        if option.action == 'stack':
            assert goal.reference is not None
            base = writer.kind(goal.reference)
            edge, floor = SHAPES[base].half_width, goal.floor + 0.006
            away = edge + 0.040
            let_go = edge + 0.006
        else:
            form = FORMS[str(goal.target)]
            half_x, half_y = form.half
            edge = min(half_x / max(abs(ux), 1e-6), half_y / max(abs(uy), 1e-6))
            edge = min(edge, max(half_x, half_y)) if goal.target != 'bowl' else half_x
            rim = 0.072 if goal.target == 'drawer' else form.height
            floor, away, let_go = rim + 0.012, edge + 0.030, edge * 0.92
            if goal.target == 'drawer':
                # Over one side of the drawer, so that it misses the drawer's strip.
                away = edge + 0.045
        end = self._landing(index, (x, y), (ux, uy), away)
        if end is None:
            return None
        lx, ly = x + let_go * ux, y + let_go * uy
        if not self.room.hand_seen(lx, ly, floor + shape.grasp_height):
            return None
        # It falls between the fingers, not through one; what will lie falls along its heading.
        lying = is_lying(end)
        yaw = angle - writer.last(index).turn if lying else angle + math.pi / 2
        new = Goal(goal.action, lx, ly, floor, yaw, goal.target, goal.reference, exact=lying)
        return new, end

    def _landing(self, index: int, middle: Point, direction: Point, away: float) -> Pose | None:
        writer, kind = self.writer, self.writer.kind(index)
        shape = SHAPES[kind]
        ux, uy = direction
        angle = math.atan2(uy, ux)
        lying = kind in TALL
        reach = shape.height / 2 if lying else extent(kind, 0.0)
        for more in (0.0, 0.015, 0.030, 0.045):
            along = away + reach + more
            x, y = middle[0] + along * ux, middle[1] + along * uy
            z = shape.height / 2
            pose = (x, y, z, angle, 0.0)
            if lying:
                lain = toppled(kind, (0.0, 0.0, z, angle, 0.0), lying_tilt(kind))
                pose = (x, y, lain[2], angle, lain[4])
            free = self.room.stands_free(cover(kind, pose), writer.table_covers(index), gap=0.028)
            if free and self.seen_with(index, pose):
                return pose
        return None

    # ---- moving on the table -----------------------------------------------------------------

    def _push(self, index: int, direction: str) -> bool:
        writer, room, kind = self.writer, self.room, self.writer.kind(index)
        x, y, z, own, tilt = writer.pose(index)
        others = writer.table_covers(index)
        for _ in range(10):
            heading = self._right + _PUSH_ANGLE[direction] + float(self.rng.uniform(-0.2, 0.2))
            length = float(self.rng.uniform(*_PUSH_M))
            ux, uy = math.cos(heading), math.sin(heading)
            end = (x + length * ux, y + length * uy, z, own, tilt)
            wide = max(extent(kind, heading + math.pi / 2 - own), 0.024)
            back = extent(kind, heading + math.pi - own) + 0.04
            if (
                room.stands_free(cover(kind, end), others)
                and room.hand_seen(x - back * ux, y - back * uy, 0.10)
                and room.path_free((x, y), end[:2], wide, others)
                and self._clear_of_drawer((x - back * ux, y - back * uy))
                and self.seen_with(index, end)
            ):
                push(writer, index, heading, length, target=direction)
                return True
        return False

    def _clear_of_drawer(self, point: Point) -> bool:
        writer = self.writer
        if not (writer.layout.has('drawer') and writer.drawer_open):
            return True
        strip = drawer_strip(writer.layout.piece('drawer'))
        # The strip has room for a hand already.
        return gap_to_rectangle((*point, 0.0), strip) > 0.0

    def _knock_over(self, index: int) -> bool:
        writer, room, kind = self.writer, self.room, self.writer.kind(index)
        x, y, z, own, _ = writer.pose(index)
        others = writer.table_covers(index)
        if kind == 'cup':
            headings = [own]
        elif kind == 'box':
            headings = [own, own + math.pi]
        else:
            start = float(self.rng.uniform(-math.pi, math.pi))
            headings = [start + step * 2.4 for step in range(12)]
        for heading in headings:
            standing = (x, y, z, heading, 0.0)
            fallen = toppled(kind, standing, lying_tilt(kind))
            back = SHAPES[kind].half_width + 0.05
            hand = (x - back * math.cos(heading), y - back * math.sin(heading))
            if (
                room.stands_free(cover(kind, fallen), others, gap=0.026)
                and room.hand_seen(*hand, SHAPES[kind].height)
                and all(gap_between(((*hand, 0.026),), other) > 0.0 for other in others)
                and self.seen_with(index, fallen)
            ):
                knock_over(writer, index, heading)
                return True
        return False

    def _pour(self, option: Option) -> bool:
        writer = self.writer
        if option.target == 'bowl':
            piece = writer.layout.piece('bowl')
            x, y, rim = piece.x, piece.y, FORMS['bowl'].height
            for index in writer.content('bowl'):
                rim = max(rim, top(writer.kind(index), writer.pose(index)))
        else:
            assert option.reference is not None
            pose = writer.pose(option.reference)
            x, y, rim = pose[0], pose[1], top('cup', pose)
        # Across the picture, so that the tilt is seen from the side.
        headings = [self._right + float(self.rng.uniform(-0.3, 0.3)) + side for side in
                    (0.0, math.pi)]  # fmt: skip
        if x > 0:  # from the middle of the table outwards would swing the arm too far
            headings.reverse()
        heading = headings[0] if self.rng.random() < 0.35 else headings[1]
        pour(writer, x, y, rim, heading, target=option.target, reference=option.reference)
        return True
