# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What happens in an episode, as a function of continuous time."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass

from training.world.geometry import (
    BOWL_FLOOR,
    DRAWER_TRAVEL,
    HANDLE_OUT,
    PLACES,
    SHAPES,
)
from training.world.layout import Layout

Pose = tuple[float, float, float, float]  # x, y, z of the middle in metres, yaw in radians


@dataclass(frozen=True)
class ObjectInfo:
    """A movable object of an episode: its kind and the name of its colour."""

    kind: str
    colour: str


@dataclass(frozen=True)
class Segment:
    """A stretch of time with one action.

    Attributes:
        start_s: First moment, seconds from the start of the episode.
        end_s: Last moment; the next segment starts here.
        action: One of `geometry.ACTIONS`.
        kind: Kind of the object acted on, or None.
        colour: Its colour, or None.
        target: 'bowl' for 'put in', 'drawer' for 'open', else None.
    """

    start_s: float
    end_s: float
    action: str
    kind: str | None = None
    colour: str | None = None
    target: str | None = None


@dataclass(frozen=True)
class Keyframe:
    """Where the hand is at a moment; between two the motion has minimum jerk.

    Attributes:
        time_s: Seconds from the start of the episode.
        tip: Fingertips x, y, z, metres.
        yaw: Direction in which the fingers open, radians.
        gap: Distance between the fingers, metres.
    """

    time_s: float
    tip: tuple[float, float, float]
    yaw: float
    gap: float


@dataclass(frozen=True)
class Phase:
    """How one object moves from a moment on, until its next phase.

    Attributes:
        time_s: When the phase begins.
        mode: 'rest', 'held' (fixed to the hand) or 'pushed' (in front of the hand).
        place: Where the object is, one of `geometry.PLACES`.
        pose: Its pose at the beginning.
        hand: Fingertips at the beginning ('held'), or where they touch it ('pushed').
        hand_yaw: Yaw of the hand at the beginning ('held').
        direction: Unit vector on the table ('pushed').
    """

    time_s: float
    mode: str
    place: str
    pose: Pose
    hand: tuple[float, float, float] = (0.0, 0.0, 0.0)
    hand_yaw: float = 0.0
    direction: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class WorldState:
    """Everything that moves, at one moment. Lengths in metres, angles in radians.

    Attributes:
        tip: Fingertips.
        yaw: Direction in which the fingers open.
        finger_gap: Distance between the fingers.
        drawer: 0 closed .. 1 open.
        objects: A pose for each object.
        places: A place for each object, indices into `geometry.PLACES`.
    """

    tip: tuple[float, float, float]
    yaw: float
    finger_gap: float
    drawer: float
    objects: tuple[Pose, ...]
    places: tuple[int, ...]

    @property
    def held(self) -> int:
        """Index of the object in the gripper, -1 if none."""
        gripper = PLACES.index('gripper')
        return self.places.index(gripper) if gripper in self.places else -1


@dataclass(frozen=True)
class Plan:
    """A whole episode before it is drawn.

    Attributes:
        layout: Where things stand and the camera.
        objects: The movable objects.
        segments: Actions and idle times; they cover the whole time without gaps.
        keyframes: The motion of the hand.
        phases: For each object, its phases in order of time.
        pull_s: Begin and end of the pull at the drawer, or None if it stays closed.
    """

    layout: Layout
    objects: tuple[ObjectInfo, ...]
    segments: tuple[Segment, ...]
    keyframes: tuple[Keyframe, ...]
    phases: tuple[tuple[Phase, ...], ...]
    pull_s: tuple[float, float] | None

    @property
    def duration_s(self) -> float:
        """Length of the episode in seconds."""
        return self.segments[-1].end_s

    def segment_at(self, time_s: float) -> Segment:
        """Return the segment at a moment; outside the episode the first or last one."""
        index = bisect.bisect_right([segment.start_s for segment in self.segments], time_s) - 1
        return self.segments[max(index, 0)]

    def _hand(self, time_s: float) -> tuple[tuple[float, float, float], float, float]:
        frames = self.keyframes
        index = bisect.bisect_right(frames, time_s, key=lambda frame: frame.time_s)
        if index == 0:
            return frames[0].tip, frames[0].yaw, frames[0].gap
        a = frames[index - 1]
        if index == len(frames):
            return a.tip, a.yaw, a.gap
        b = frames[index]
        u = (time_s - a.time_s) / (b.time_s - a.time_s)
        # Minimum-jerk profile (Flash and Hogan 1985): rest to rest.
        s = u * u * u * (10.0 - 15.0 * u + 6.0 * u * u)
        x, y, z = (p + s * (q - p) for p, q in zip(a.tip, b.tip, strict=True))
        return (x, y, z), a.yaw + s * (b.yaw - a.yaw), a.gap + s * (b.gap - a.gap)

    def state(self, time_s: float) -> WorldState:
        """Return the state of the world at a moment (seconds, any real number)."""
        tip, yaw, gap = self._hand(time_s)
        poses, places = [], []
        for phases in self.phases:
            index = bisect.bisect_right(phases, time_s, key=lambda phase: phase.time_s)
            phase = phases[max(index - 1, 0)]
            poses.append(object_pose(phase, tip, yaw))
            places.append(PLACES.index(phase.place))
        drawer = 0.0
        if self.pull_s is not None and time_s > self.pull_s[0]:
            handle_y = self.layout.cabinet[1] - HANDLE_OUT
            pulled = (handle_y - tip[1]) / DRAWER_TRAVEL
            drawer = min(max(pulled, 0.0), 1.0) if time_s < self.pull_s[1] else 1.0
        return WorldState(tip, yaw, gap, drawer, tuple(poses), tuple(places))


def object_pose(phase: Phase, tip: tuple[float, float, float], hand_yaw: float) -> Pose:
    """Return the pose of an object in a phase, given the hand."""
    x, y, z, yaw = phase.pose
    if phase.mode == 'held':
        turn = hand_yaw - phase.hand_yaw
        # The object hangs at the fingertips, so only its own yaw turns with the hand.
        dx, dy, dz = (now - then for now, then in zip(tip, phase.hand, strict=True))
        return x + dx, y + dy, z + dz, yaw + turn
    if phase.mode == 'pushed':
        ux, uy = phase.direction
        along = (tip[0] - phase.hand[0]) * ux + (tip[1] - phase.hand[1]) * uy
        along = max(along, 0.0)
        return x + along * ux, y + along * uy, z, yaw
    return phase.pose


def standing(kind: str, x: float, y: float, yaw: float, *, in_bowl: bool = False) -> Pose:
    """Return the pose of an object that stands on the table or on the bowl's floor."""
    floor = BOWL_FLOOR if in_bowl else 0.0
    return x, y, floor + SHAPES[kind].height / 2, yaw


def nearest_half_turn(yaw: float, reference: float) -> float:
    """Return the yaw, a multiple of pi away, nearest to a reference: the hand is symmetric."""
    return yaw + math.pi * round((reference - yaw) / math.pi)
