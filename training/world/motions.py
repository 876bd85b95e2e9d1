# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The hand's waypoints for each action, written one after the other into a plan."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from training.world.geometry import (
    BOWL_FLOOR,
    DRAWER_TRAVEL,
    FINGER_HALF_THICKNESS,
    HANDLE_OUT,
    HANDLE_Z,
    SHAPES,
)
from training.world.layout import Layout, Point
from training.world.script import (
    Keyframe,
    ObjectInfo,
    Phase,
    Plan,
    Segment,
    nearest_half_turn,
    object_pose,
    standing,
)

# Shortest and longest duration in seconds.
ACTION_S = {
    'pick up': (2.0, 3.0), 'put in': (2.0, 3.0), 'push': (2.2, 3.2), 'open': (2.6, 3.2)
}  # fmt: skip
TRAVEL_Z = 0.165  # fingertips here pass over a standing bottle
_FINGER_CLEARANCE = 0.022  # how much wider than the object the hand opens

# One waypoint: share of the action's time, fingertips, yaw, gap between the fingers.
_Waypoint = tuple[float, tuple[float, float, float], float, float]


class PlanWriter:
    """Writes a plan action by action and keeps the state of the world along the way.

    Args:
        objects: The movable objects.
        layout: Where they stand at the start.
        rng: Source of randomness, for durations.
    """

    def __init__(
        self, objects: tuple[ObjectInfo, ...], layout: Layout, rng: np.random.Generator
    ) -> None:
        self.objects, self.layout, self._rng = objects, layout, rng
        turn = math.radians(layout.camera.azimuth_deg - 90.0)
        self._yaw_home = turn + float(rng.uniform(-0.5, 0.5))
        self._segments: list[Segment] = []
        self._keyframes = [Keyframe(0.0, layout.home, self._yaw_home, 0.05)]
        self._phases = [
            [Phase(0.0, 'rest', 'table', standing(item.kind, *point, yaw))]
            for item, point, yaw in zip(objects, layout.objects, layout.yaws, strict=True)
        ]
        self._pull_s: tuple[float, float] | None = None
        self.time_s = 0.0
        self.held: int | None = None
        self.in_bowl: int | None = None

    # ---- state -------------------------------------------------------------------------------

    def point(self, index: int) -> Point | None:
        """Where an object stands on the table; None if it is in the bowl or held."""
        if index in (self.held, self.in_bowl):
            return None
        x, y, _, _ = self._phases[index][-1].pose
        return x, y

    @property
    def drawer_open(self) -> bool:
        """Whether the drawer has been opened."""
        return self._pull_s is not None

    def others(self, index: int) -> list[Point]:
        """Return where the other objects stand on the table."""
        points = (self.point(i) for i in range(len(self.objects)) if i != index)
        return [point for point in points if point is not None]

    # ---- writing -----------------------------------------------------------------------------

    def idle(self, seconds: float) -> None:
        """Let time pass; joins with an idle time just before."""
        start = self.time_s
        if self._segments and self._segments[-1].action == 'idle':
            start = self._segments.pop().start_s
        self.time_s += seconds
        self._segments.append(Segment(start, self.time_s, 'idle'))
        last = self._keyframes[-1]
        self._keyframes.append(Keyframe(self.time_s, last.tip, last.yaw, last.gap))

    def _write(self, action: str, waypoints: Sequence[_Waypoint], index: int | None,
               target: str | None = None) -> list[Keyframe]:  # fmt: skip
        seconds = float(self._rng.uniform(*ACTION_S[action]))
        unit = seconds / sum(waypoint[0] for waypoint in waypoints)
        start = self.time_s
        added = []
        for share, tip, yaw, gap in waypoints:
            self.time_s += share * unit
            added.append(Keyframe(self.time_s, tip, yaw, gap))
        self._keyframes += added
        item = None if index is None else self.objects[index]
        self._segments.append(
            Segment(start, self.time_s, action, item.kind if item else None,
                    item.colour if item else None, target)
        )  # fmt: skip
        return added

    def _home(self, share: float, yaw: float) -> _Waypoint:
        yaw = nearest_half_turn(self._yaw_home, yaw)
        return share, self.layout.home, yaw, 0.05

    def pick_up(self, index: int) -> None:
        """Grasp an object from above, lift it, and bring it to the hold place."""
        shape = SHAPES[self.objects[index].kind]
        x, y, z, object_yaw = self._phases[index][-1].pose
        yaw = nearest_half_turn(object_yaw, self._keyframes[-1].yaw)
        gap = 2 * shape.grasp_half_width
        wide = gap + _FINGER_CLEARANCE
        tall = any(
            self.objects[i].kind == 'bottle' and i != index for i in range(len(self.objects))
        )
        lifted = shape.grasp_height + (0.155 if tall else 0.110)
        down = (x, y, shape.grasp_height)
        hold_x, hold_y = self.layout.hold
        added = self._write(
            'pick up',
            (
                (0.85, (x, y, max(TRAVEL_Z, shape.grasp_height + 0.03)), yaw, wide),
                (0.45, down, yaw, wide),
                (0.25, down, yaw, gap),
                (0.50, (x, y, lifted), yaw, gap),
                (0.60, (hold_x, hold_y, lifted), yaw, gap),
            ),
            index,
        )
        grasp = added[2].time_s
        self._phases[index].append(
            Phase(grasp, 'held', 'gripper', (x, y, z, object_yaw), down, yaw)
        )
        self.held = index

    def put_in(self) -> None:
        """Lower the held object into the bowl, let go, and go home."""
        assert self.held is not None
        index = self.held
        shape = SHAPES[self.objects[index].kind]
        last = self._keyframes[-1]
        x, y = self.layout.bowl
        down = (x, y, BOWL_FLOOR + shape.grasp_height)
        wide = last.gap + _FINGER_CLEARANCE
        above = (x, y, max(TRAVEL_Z, last.tip[2]))
        added = self._write(
            'put in',
            (
                (0.70, (x, y, last.tip[2]), last.yaw, last.gap),
                (0.50, down, last.yaw, last.gap),
                (0.25, down, last.yaw, wide),
                (0.40, above, last.yaw, wide),
                self._home(0.60, last.yaw),
            ),
            index,
            'bowl',
        )
        pose = object_pose(self._phases[index][-1], down, last.yaw)
        self._phases[index].append(Phase(added[1].time_s, 'rest', 'bowl', pose))
        self.held, self.in_bowl = None, index

    def push(self, index: int, direction: tuple[float, float], length: float) -> None:
        """Push an object along the table with closed fingers, and go home."""
        shape = SHAPES[self.objects[index].kind]
        x, y, z, object_yaw = self._phases[index][-1].pose
        ux, uy = direction
        # The fingers stand side by side across the push, so they open across it.
        yaw = nearest_half_turn(math.atan2(uy, ux) + math.pi / 2, self._keyframes[-1].yaw)
        reach = shape.half_width + 0.010
        if self.objects[index].kind == 'cube':
            # A turned cube is touched by its corner side, which is farther out.
            corner = abs(math.cos(object_yaw - math.atan2(uy, ux)))
            reach = shape.half_width * (corner + math.sqrt(1 - corner * corner)) + 0.008
        height = 0.032

        def beside(metres: float, z: float) -> tuple[float, float, float]:
            return x + (metres - reach) * ux, y + (metres - reach) * uy, z

        added = self._write(
            'push',
            (
                (0.85, beside(-0.030, TRAVEL_Z), yaw, 0.0),
                (0.40, beside(-0.030, height), yaw, 0.0),
                (1.00, beside(length, height), yaw, 0.0),
                (0.15, beside(length - 0.015, height), yaw, 0.0),
                (0.40, beside(length - 0.025, TRAVEL_Z), yaw, 0.0),
                self._home(0.60, yaw),
            ),
            index,
        )
        pose = (x, y, z, object_yaw)
        pushed = Phase(
            added[1].time_s, 'pushed', 'table', pose, beside(0.0, height), yaw, direction
        )
        end = object_pose(pushed, beside(length, height), yaw)
        self._phases[index] += [pushed, Phase(added[2].time_s, 'rest', 'table', end)]

    def open_drawer(self) -> None:
        """Take the handle between the fingers, pull the drawer open, and go home."""
        x, front = self.layout.cabinet
        y, z = front - HANDLE_OUT, HANDLE_Z - 0.012
        pulled = y - DRAWER_TRAVEL
        yaw = nearest_half_turn(math.pi / 2, self._keyframes[-1].yaw)
        wide, tight = 0.022, 2 * FINGER_HALF_THICKNESS
        added = self._write(
            'open',
            (
                (0.80, (x, y, TRAVEL_Z), yaw, wide),
                (0.40, (x, y, z), yaw, wide),
                (0.20, (x, y, z), yaw, tight),
                (0.90, (x, pulled, z), yaw, tight),
                (0.20, (x, pulled, z), yaw, wide),
                (0.35, (x, pulled, TRAVEL_Z), yaw, wide),
                self._home(0.60, yaw),
            ),
            None,
            'drawer',
        )
        self._pull_s = (added[2].time_s, added[3].time_s)

    def plan(self) -> Plan:
        """Return what was written."""
        return Plan(
            layout=self.layout,
            objects=self.objects,
            segments=tuple(self._segments),
            keyframes=tuple(self._keyframes),
            phases=tuple(tuple(phases) for phases in self._phases),
            pull_s=self._pull_s,
        )
