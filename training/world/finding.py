# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where exactly an action can be done: places that have room and are seen well."""

from __future__ import annotations

import math

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
from training.world.motions import Goal, PlanWriter
from training.world.options import SIDES, Option
from training.world.room import Room
from training.world.script import lying_tilt, nearest_half_turn, toppled
from training.world.slots import find_slot
from training.world.symbols import TALL

_PUSH_M = (0.075, 0.120)
_BESIDE_GAP = (0.036, 0.065)  # between an object and the one that it is put next to
# Angles to the picture's right direction.
_PUSH_ANGLE = {'right': 0.0, 'away': math.pi / 2, 'left': math.pi, 'closer': -math.pi / 2}
_SIDE_ANGLE = {'put left of': math.pi, 'put right of': 0.0}
_GOLDEN = 2.4  # radians; steps of this angle go round without coming back


class Finder:
    """Finds places for single actions in a plan that is being written.

    Args:
        writer: The plan.
        room: What has room and is seen.
        rng: Source of randomness.
    """

    def __init__(self, writer: PlanWriter, room: Room, rng: np.random.Generator) -> None:
        self.writer, self.room, self.rng = writer, room, rng
        base = writer.layout.camera.base
        self._right = math.radians(base.azimuth_deg) - math.pi / 2

    # ---- placing -----------------------------------------------------------------------------

    def goal(self, option: Option) -> Goal | None:
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
        yaw = self.writer.home_yaw + float(self.rng.uniform(-0.4, 0.4))
        return nearest_half_turn(yaw, self.writer.hand.yaw)

    def _turn(self, index: int) -> float:
        """Return an object's heading minus the hand's yaw when it is put down."""
        held = self.writer.held == index
        return self.writer.last(index).turn if held else -math.pi / 2

    def _stands(self, index: int, point: Point, yaw: float) -> bool:
        """Tell whether an object put down by the hand has room and is seen."""
        writer, kind = self.writer, self.writer.kind(index)
        pose = (*point, SHAPES[kind].height / 2, yaw + self._turn(index), 0.0)
        if not self.room.stands_free(cover(kind, pose), writer.table_covers(index)):
            return False
        return self._seen_with(index, pose)

    def _seen_with(self, index: int, pose: Pose) -> bool:
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
        turn = self._turn(index)
        for _ in range(10):
            yaw = self._yaw()
            angle = self._right + _SIDE_ANGLE[action] + float(self.rng.uniform(-0.18, 0.18))
            gap = float(self.rng.uniform(*_BESIDE_GAP))
            ux, uy = math.cos(angle), math.sin(angle)
            # Go outwards until the covers are as far apart as wanted.
            distance = 0.05
            for _ in range(40):
                point = (pose[0] + distance * ux, pose[1] + distance * uy)
                new = cover(kind, (*point, 0.0, yaw + turn, 0.0))
                if gap_between(new, circles) >= gap:
                    break
                distance += 0.006
            if self._stands(index, point, yaw):
                return Goal(action, *point, 0.0, yaw, reference=other, exact=True)
        return None

    # ---- falling beside ----------------------------------------------------------------------

    def fall(self, option: Option, goal: Goal) -> tuple[Goal, Pose] | None:
        """Return where to let the held object go so that it falls beside a goal.

        Returns:
            Where it is let go and the pose in which it ends, None if there is no room beside it.
        """
        assert option.index is not None
        start = float(self.rng.uniform(-math.pi, math.pi))
        for step in range(16):
            found = self._fallen(option.index, option, goal, start + step * _GOLDEN)
            if found is not None:
                return found
        return None

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
            if free and self._seen_with(index, pose):
                return pose
        return None

    # ---- moving on the table -----------------------------------------------------------------

    def push(self, index: int, direction: str) -> tuple[float, float] | None:
        """Return heading (radians) and length (metres) of a push, None if there is no room."""
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
                and self._seen_with(index, end)
            ):
                return heading, length
        return None

    def _clear_of_drawer(self, point: Point) -> bool:
        writer = self.writer
        if not (writer.layout.has('drawer') and writer.drawer_open):
            return True
        strip = drawer_strip(writer.layout.piece('drawer'))
        # The strip has room for a hand already.
        return gap_to_rectangle((*point, 0.0), strip) > 0.0

    def fall_heading(self, index: int) -> float | None:
        """Return the heading in which something falls when it is knocked over, or None."""
        writer, room, kind = self.writer, self.room, self.writer.kind(index)
        x, y, z, own, _ = writer.pose(index)
        others = writer.table_covers(index)
        if kind == 'cup':
            headings = [own]
        elif kind == 'box':
            headings = [own, own + math.pi]
        else:
            start = float(self.rng.uniform(-math.pi, math.pi))
            headings = [start + step * _GOLDEN for step in range(12)]
        for heading in headings:
            standing = (x, y, z, heading, 0.0)
            fallen = toppled(kind, standing, lying_tilt(kind))
            back = SHAPES[kind].half_width + 0.05
            hand = (x - back * math.cos(heading), y - back * math.sin(heading))
            if (
                room.stands_free(cover(kind, fallen), others, gap=0.026)
                and room.hand_seen(*hand, SHAPES[kind].height)
                and all(gap_between(((*hand, 0.026),), other) > 0.0 for other in others)
                and self._seen_with(index, fallen)
            ):
                return heading
        return None

    def pour(self, option: Option) -> tuple[float, float, float, float]:
        """Return x, y and height of what is poured into, and the heading of the pour."""
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
        # Across the picture, so that the tilt is seen from the side, and outwards at the sides of
        # the table, so that the body stays in the picture.
        rightwards = x > 0 if abs(x) > 0.07 else self.rng.random() < 0.5
        heading = self._right + (0.0 if rightwards else math.pi)
        heading += float(self.rng.uniform(-0.3, 0.3))
        return x, y, rim, heading
