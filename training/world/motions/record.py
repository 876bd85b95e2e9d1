# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The state of the world while a plan is written."""

from __future__ import annotations

import math
from dataclasses import dataclass

from training.world.footprint import (
    FORMS,
    Circle,
    Point,
    Pose,
    cover,
    gap_to_piece,
    gap_to_rectangle,
    top,
)
from training.world.geometry import CABINET_WIDTH, DRAWER_TRAVEL, HANDLE_OUT
from training.world.layout import Layout
from training.world.script import Keyframe, Phase, object_pose
from training.world.symbols import ObjectInfo


@dataclass(frozen=True)
class Start:
    """How an object is at the beginning; see `script.Phase`."""

    pose: Pose = (0.0, 0.0, 0.0, 0.0, 0.0)  # not looked at where it is in the gripper
    place: str = 'table'
    support: int = -1
    lying: bool = False


class Record:
    """The motion that has been written so far, and the state of the world at its end.

    Args:
        objects: The movable objects.
        layout: Furniture, camera, and where the arm rests.
        first: The hand at the beginning.
    """

    def __init__(self, objects: tuple[ObjectInfo, ...], layout: Layout, first: Keyframe) -> None:
        self.objects, self.layout = objects, layout
        self.time_s = first.time_s
        self._keyframes = [first]
        # Until its start is set, an object is nowhere.
        nowhere = Phase(0.0, 'rest', '', (0.0, 0.0, -1.0, 0.0, 0.0))
        self.phases = [[nowhere] for _ in objects]

    @property
    def hand(self) -> Keyframe:
        """Where the hand is now."""
        return self._keyframes[-1]

    @property
    def drawer_open(self) -> bool:
        """Whether the drawer is open."""
        return self.hand.drawer > 0.5

    @property
    def held(self) -> int | None:
        """Index of the object in the gripper."""
        for index in range(len(self.objects)):
            if self.last(index).place == 'gripper':
                return index
        return None

    def kind(self, index: int) -> str:
        """Return the kind of an object."""
        return self.objects[index].kind

    def last(self, index: int) -> Phase:
        """Return the phase in which an object is."""
        return self.phases[index][-1]

    def pose(self, index: int) -> Pose:
        """Return the pose of an object now."""
        return object_pose(self.last(index), self.kind(index), self.hand, self.time_s)

    def place(self, index: int) -> str:
        """Return where an object is, one of `symbols.PLACES`."""
        return self.last(index).place

    def content(self, name: str) -> list[int]:
        """Return the objects in or on a piece of furniture."""
        return [i for i in range(len(self.objects)) if self.place(i) == name]

    def above(self, index: int) -> int | None:
        """Return the object on top of another, or None."""
        for i in range(len(self.objects)):
            if self.last(i).support == index:
                return i
        return None

    def table_poses(self, without: int | None = None) -> list[Pose | None]:
        """Return the pose of each object that stands on the table by itself, else None."""
        return [
            self.pose(i) if i != without and self.place(i) == 'table' else None
            for i in range(len(self.objects))
        ]

    def table_covers(self, without: int | None = None) -> list[tuple[Circle, ...]]:
        """Return what the objects on the table cover."""
        return [
            cover(self.kind(i), pose)
            for i, pose in enumerate(self.table_poses(without))
            if pose is not None
        ]

    def highest(self, start: Point, end: Point, radius: float, without: int | None) -> float:
        """Return the height of the highest thing below a way of the hand.

        Args:
            start: Where the way begins.
            end: Where it ends.
            radius: Half of the width of what passes.
            without: Index of the object that moves.
        """
        steps = max(1, math.ceil(math.dist(start, end) / 0.03))
        way = [
            (
                start[0] + (end[0] - start[0]) * i / steps,
                start[1] + (end[1] - start[1]) * i / steps,
                radius,
            )
            for i in range(steps + 1)
        ]
        high = 0.0
        for piece in self.layout.furniture:
            if any(gap_to_piece(circle, piece) < 0 for circle in way):
                high = max(high, FORMS[piece.name].height)
            if piece.name == 'drawer' and self.drawer_open:
                half, front = CABINET_WIDTH / 2, piece.y - DRAWER_TRAVEL - HANDLE_OUT
                bounds = (piece.x - half, front, piece.x + half, piece.y)
                if any(gap_to_rectangle(circle, bounds) < 0 for circle in way):
                    high = max(high, 0.090)
        for index in range(len(self.objects)):
            if index == without or self.place(index) == 'gripper':
                continue
            if self.place(index) == 'drawer' and not self.drawer_open:
                continue
            pose = self.pose(index)
            for x, y, r in cover(self.kind(index), pose):
                if any(math.hypot(x - cx, y - cy) < r + radius for cx, cy, _ in way):
                    high = max(high, top(self.kind(index), pose))
                    break
        return high
