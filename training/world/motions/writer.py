# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes a plan action by action and keeps the state of the world along the way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from training.world.footprint import (
    top,
)
from training.world.geometry import SHAPES
from training.world.layout import Layout
from training.world.motions.record import Record, Start
from training.world.script import (
    Keyframe,
    Phase,
    Plan,
    Tip,
    nearest_half_turn,
    object_pose,
)
from training.world.symbols import ObjectInfo, Segment

FINGER_CLEARANCE = 0.011  # how much farther than in the grasp a finger opens in free space
_OVER = 0.014  # height over things that the hand passes
_REST_GAP = 0.050
_SHORT_S, _LONG_S = (1.85, 2.85), (2.2, 3.15)
_DURATION_S = {
    'push': _LONG_S, 'open': _LONG_S, 'close': _LONG_S, 'pour': _LONG_S, 'set upright': _LONG_S
}  # fmt: skip
# Speeds that a waypoint's share of the time follows; the rest is a constant share.
_SPEED, _TURN_SPEED, _CONSTANT_S = 0.45, 5.0, 0.20


@dataclass(frozen=True)
class Waypoint:
    """Where the hand comes to rest within an action; see `script.Keyframe`."""

    tip: Tip
    yaw: float
    gap: float
    tilt: float = 0.0
    drawer: float | None = None  # None: as it is
    share: float | None = None  # weight of its time; None: by the way to go


def hand_yaw_home(layout: Layout) -> float:
    """Return the yaw at which the hand's back is towards the camera."""
    return math.radians(layout.camera.base.azimuth_deg - 90.0)


class PlanWriter(Record):
    """Writes a plan and keeps the state of the world along the way.

    Args:
        objects: The movable objects.
        layout: Furniture, camera, and where the arm rests.
        drawer_open: Whether the drawer is open at the beginning.
        rng: Source of randomness, for durations.
    """

    def __init__(
        self, objects: tuple[ObjectInfo, ...], layout: Layout, *, drawer_open: bool,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        self.rng = rng
        self.home_yaw = hand_yaw_home(layout) + float(rng.uniform(-0.5, 0.5))
        drawer = 1.0 if drawer_open else 0.0
        first = Keyframe(0.0, layout.home, self.home_yaw, _REST_GAP, drawer=drawer)
        super().__init__(objects, layout, first)
        self.segments: list[Segment] = []

    def start(self, index: int, start: Start) -> None:
        """Say how an object is at the beginning; at most one is in the gripper."""
        mode = 'drawer' if start.place == 'drawer' else 'rest'
        phase = Phase(0.0, mode, start.place, start.pose, start.support, start.lying)
        self.phases[index] = [phase]
        if start.place == 'gripper':
            self._start_held(index)

    def _start_held(self, index: int) -> None:
        kind = self.objects[index].kind
        shape = SHAPES[kind]
        yaw = self.home_yaw
        tip = self.hold_tip(index)
        drawer = self._keyframes[0].drawer
        self._keyframes = [Keyframe(0.0, tip, yaw, 2 * shape.grasp_half_width, drawer=drawer)]
        held = Phase(
            0.0, 'held', 'gripper', (*tip, yaw, 0.0),
            offset=shape.height / 2 - shape.grasp_height, turn=-math.pi / 2,
        )  # fmt: skip
        self.phases[index] = [replace(held, pose=object_pose(held, kind, self.hand, 0.0))]

    def hold_tip(self, index: int) -> Tip:
        """Return the fingertips where the arm keeps an object."""
        x, y = self.layout.hold
        return x, y, SHAPES[self.kind(index)].grasp_height + 0.112

    # ---- ways --------------------------------------------------------------------------------

    def way(
        self, start: Waypoint, end: Waypoint, *, below: float, radius: float,
        without: int | None = None,
    ) -> list[Waypoint]:  # fmt: skip
        """Return the waypoints from one to another, both high enough to pass over what stands.

        Args:
            start: Where the hand is.
            end: Where it goes; may be raised.
            below: How far what moves reaches below the fingertips, metres.
            radius: Half of its width.
            without: Index of the object that moves, or that the hand comes to take.
        """
        a, b = start.tip, end.tip
        least = self.highest(a[:2], b[:2], radius, without) + _OVER + below
        ways = []
        if a[2] < least - 0.004:
            ways.append(replace(start, tip=(a[0], a[1], least), drawer=None, share=None))
        ways.append(replace(end, tip=(b[0], b[1], max(b[2], least))))
        return ways

    def now(self) -> Waypoint:
        """Return the hand as a waypoint."""
        hand = self.hand
        return Waypoint(hand.tip, hand.yaw, hand.gap, hand.tilt)

    def approach(
        self, x: float, y: float, low: float, yaw: float, gap: float, *, tilt: float = 0.0,
        target: int | None = None,
    ) -> list[Waypoint]:  # fmt: skip
        """Return the way of the empty hand to a place above (x, y, low), and down to it.

        The object that the hand comes to take counts as standing where the hand goes: the hand
        comes from above.
        """
        over = low + 0.035
        if target is not None:
            over = max(over, top(self.kind(target), self.pose(target)) + 0.012)
        above = Waypoint((x, y, over), yaw, gap, tilt)
        ways = self.way(self.now(), above, below=0.0, radius=0.060, without=target)
        return [*ways, Waypoint((x, y, low), yaw, gap, tilt, share=0.34)]

    def retreat(self, last: Waypoint, *, rise: float = 0.0) -> list[Waypoint]:
        """Return the way of the empty hand home."""
        yaw = nearest_half_turn(self.home_yaw, last.yaw)
        home = Waypoint(self.layout.home, yaw, _REST_GAP)
        x, y, z = last.tip
        up = replace(last, tip=(x, y, z + rise), tilt=0.0, drawer=None, share=None)
        ways = [up] if rise else []
        on = self.way(up, home, below=0.0, radius=0.060)
        if rise and len(on) == 2:
            ways = []
        # The arm ends at rest exactly at home, below the way to it where something tall stands.
        high = on[-1].tip[2] > home.tip[2] + 0.004
        return [*ways, *on, home] if high else [*ways, *on[:-1], home]

    # ---- writing -----------------------------------------------------------------------------

    def idle(self, seconds: float) -> None:
        """Let time pass; joins with an idle time just before."""
        start = self.time_s
        if self.segments and self.segments[-1].action == 'idle':
            start = self.segments.pop().start_s
        self.time_s += seconds
        self.segments.append(Segment(start, self.time_s, 'idle'))
        self._keyframes.append(replace(self.hand, time_s=self.time_s))

    def write(
        self, action: str, waypoints: Sequence[Waypoint], index: int | None = None, *,
        target: str | None = None, reference: int | None = None, success: bool = True,
    ) -> list[Keyframe]:  # fmt: skip
        """Write the motion of one action and its segment.

        Args:
            action: One of `symbols.ACTIONS`.
            waypoints: The motion.
            index: The object acted on.
            target: See `symbols.Segment`.
            reference: Index of the other object.
            success: See `symbols.Segment`.

        Returns:
            One keyframe for each waypoint.
        """
        weights, before = [], self.now()
        for waypoint in waypoints:
            weight = waypoint.share
            if weight is None:
                weight = (
                    _CONSTANT_S
                    + math.dist(before.tip, waypoint.tip) / _SPEED
                    + abs(waypoint.yaw - before.yaw) / _TURN_SPEED
                )
            weights.append(weight)
            before = waypoint
        unit = float(self.rng.uniform(*_DURATION_S.get(action, _SHORT_S))) / sum(weights)
        start, drawer = self.time_s, self.hand.drawer
        added = []
        for waypoint, weight in zip(waypoints, weights, strict=True):
            self.time_s += weight * unit
            drawer = drawer if waypoint.drawer is None else waypoint.drawer
            added.append(
                Keyframe(
                    self.time_s, waypoint.tip, waypoint.yaw, waypoint.gap, waypoint.tilt, drawer
                )
            )
        self._keyframes += added
        item = None if index is None else self.objects[index]
        self.segments.append(
            Segment(
                start, self.time_s, action, item.kind if item else None,
                item.colour if item else None, target,
                None if reference is None else self.objects[reference], success,
            )
        )  # fmt: skip
        return added

    def begin(self, index: int, phase: Phase) -> None:
        """Let the next phase of an object begin; phases come in order of time."""
        self.phases[index].append(phase)

    def plan(self) -> Plan:
        """Return what was written."""
        first = tuple(phases[0].pose for phases in self.phases)
        return Plan(
            layout=replace(self.layout, objects=first),
            objects=self.objects,
            segments=tuple(self.segments),
            keyframes=tuple(self._keyframes),
            phases=tuple(tuple(phases) for phases in self.phases),
        )
