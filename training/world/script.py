# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What happens in an episode, as a function of continuous time."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass, field

from training.world.footprint import Pose
from training.world.geometry import DRAWER_TRAVEL, SHAPES
from training.world.layout import Layout
from training.world.symbols import ObjectInfo, Scene, Segment

# A cone's foot is a disc of this height, and its tip is blunt: its radius.
CONE_FOOT, CONE_TIP = 0.007, 0.004
Tip = tuple[float, float, float]


@dataclass(frozen=True)
class Keyframe:
    """Where the hand is at a moment; between two the motion has minimum jerk.

    Attributes:
        time_s: Seconds from the start of the episode.
        tip: Fingertips x, y, z, metres.
        yaw: Direction in which the fingers open, radians.
        gap: Distance between the fingers, metres.
        tilt: Tilt of what the hand holds about the fingers' axis, radians.
        drawer: 0 closed .. 1 open.
    """

    time_s: float
    tip: Tip
    yaw: float
    gap: float
    tilt: float = 0.0
    drawer: float = 0.0


@dataclass(frozen=True)
class Phase:
    """How one object moves from a moment on, until its next phase.

    Attributes:
        time_s: When the phase begins.
        mode: 'rest'; 'drawer' (moves with it); 'held' (fixed to the hand); 'pushed' (in front of
            the hand); 'topple' (turns about the edge it stands on); 'fall' (through the air).
        place: Where the object is, one of `symbols.PLACES`.
        pose: Its pose at the beginning; 'drawer': its pose with the drawer closed.
        support: Index of the object below it, or -1.
        lying: Whether it has been knocked over.
        offset: From the fingertips to its middle along its own axis, metres ('held').
        turn: Its heading minus the hand's yaw ('held').
        contact: Where the fingertips touch it ('pushed').
        direction: Unit vector on the table ('pushed').
        end_s: When the motion ends ('topple', 'fall').
        end: The pose in which it ends ('topple', 'fall').
        hop: Height of the arc above the straight way down, metres ('fall').
    """

    time_s: float
    mode: str
    place: str
    pose: Pose
    support: int = -1
    lying: bool = False
    offset: float = 0.0
    turn: float = 0.0
    contact: tuple[float, float] = (0.0, 0.0)
    direction: tuple[float, float] = (0.0, 0.0)
    end_s: float = 0.0
    end: Pose = (0.0, 0.0, 0.0, 0.0, 0.0)
    hop: float = 0.0


@dataclass(frozen=True)
class WorldState:
    """Everything that moves, at one moment. Lengths in metres, angles in radians.

    Attributes:
        tip: Fingertips.
        yaw: Direction in which the fingers open.
        finger_gap: Distance between the fingers.
        drawer: 0 closed .. 1 open.
        objects: A pose for each object.
        places: A place for each object, one of `symbols.PLACES`.
        supports: For each the index of the object below it, -1 if none.
        lying: For each whether it has been knocked over.
    """

    tip: Tip
    yaw: float
    finger_gap: float
    drawer: float
    objects: tuple[Pose, ...]
    places: tuple[str, ...]
    supports: tuple[int, ...]
    lying: tuple[bool, ...]

    @property
    def held(self) -> int:
        """Index of the object in the gripper, -1 if none."""
        return self.places.index('gripper') if 'gripper' in self.places else -1


@dataclass(frozen=True)
class Plan:
    """A whole episode before it is drawn.

    Attributes:
        layout: Where things stand and the camera.
        objects: The movable objects.
        segments: Actions and idle times; they cover the whole time without gaps.
        keyframes: The motion of the hand and the drawer.
        phases: For each object, its phases in order of time.
    """

    layout: Layout
    objects: tuple[ObjectInfo, ...]
    segments: tuple[Segment, ...]
    keyframes: tuple[Keyframe, ...]
    phases: tuple[tuple[Phase, ...], ...]
    # Times alone, for the search in long plans.
    _starts: tuple[float, ...] = field(init=False, repr=False, compare=False)
    _frame_times: tuple[float, ...] = field(init=False, repr=False, compare=False)
    _phase_times: tuple[tuple[float, ...], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the times."""
        times = {
            '_starts': tuple(segment.start_s for segment in self.segments),
            '_frame_times': tuple(frame.time_s for frame in self.keyframes),
            '_phase_times': tuple(tuple(p.time_s for p in phases) for phases in self.phases),
        }
        for name, value in times.items():
            object.__setattr__(self, name, value)

    @property
    def duration_s(self) -> float:
        """Length of the episode in seconds."""
        return self.segments[-1].end_s

    def segment_at(self, time_s: float) -> Segment:
        """Return the segment at a moment; outside the episode the first or last one."""
        return self.segments[max(bisect.bisect_right(self._starts, time_s) - 1, 0)]

    def _hand(self, time_s: float) -> Keyframe:
        frames = self.keyframes
        index = bisect.bisect_right(self._frame_times, time_s)
        if index == 0:
            return frames[0]
        if index == len(frames):
            return frames[-1]
        return between(frames[index - 1], frames[index], time_s)

    def _phase(self, index: int, time_s: float) -> Phase:
        at = bisect.bisect_right(self._phase_times[index], time_s)
        return self.phases[index][max(at - 1, 0)]

    def state(self, time_s: float) -> WorldState:
        """Return the state of the world at a moment (seconds, any real number)."""
        hand = self._hand(time_s)
        phases = [self._phase(index, time_s) for index in range(len(self.objects))]
        return WorldState(
            tip=hand.tip,
            yaw=hand.yaw,
            finger_gap=hand.gap,
            drawer=hand.drawer,
            objects=tuple(
                object_pose(phase, item.kind, hand, time_s)
                for phase, item in zip(phases, self.objects, strict=True)
            ),
            places=tuple(phase.place for phase in phases),
            supports=tuple(phase.support for phase in phases),
            lying=tuple(phase.lying for phase in phases),
        )

    def scene(self, time_s: float) -> Scene:
        """Return what is true at a moment (seconds, any real number)."""
        return self.scene_of(self.state(time_s))

    def scene_of(self, state: WorldState) -> Scene:
        """Return what is true in a state of the world."""
        right = self.layout.camera.base.right
        furniture = tuple(piece.name for piece in self.layout.furniture)
        return Scene(
            objects=self.objects,
            places=state.places,
            supports=state.supports,
            lying=state.lying,
            across=tuple(pose[0] * right[0] + pose[1] * right[1] for pose in state.objects),
            furniture=furniture,
            drawer_open=state.drawer > 0.5 if 'drawer' in furniture else None,
        )


def between(a: Keyframe, b: Keyframe, time_s: float) -> Keyframe:
    """Return the hand between two keyframes."""
    u = (time_s - a.time_s) / (b.time_s - a.time_s)
    # Minimum-jerk profile (Flash and Hogan 1985): rest to rest.
    s = u * u * u * (10.0 - 15.0 * u + 6.0 * u * u)
    (ax, ay, az), (bx, by, bz) = a.tip, b.tip
    return Keyframe(
        time_s,
        (ax + s * (bx - ax), ay + s * (by - ay), az + s * (bz - az)),
        a.yaw + s * (b.yaw - a.yaw),
        a.gap + s * (b.gap - a.gap),
        a.tilt + s * (b.tilt - a.tilt),
        a.drawer + s * (b.drawer - a.drawer),
    )


def object_pose(phase: Phase, kind: str, hand: Keyframe, time_s: float) -> Pose:
    """Return the pose of an object in a phase, given the hand."""
    x, y, z, yaw, tilt = phase.pose
    if phase.mode == 'held':
        yaw, tilt = hand.yaw + phase.turn, hand.tilt
        level = phase.offset * math.sin(tilt)
        x, y, z = hand.tip
        return (
            x + level * math.cos(yaw), y + level * math.sin(yaw),
            z + phase.offset * math.cos(tilt), yaw, tilt,
        )  # fmt: skip
    if phase.mode == 'pushed':
        ux, uy = phase.direction
        along = (hand.tip[0] - phase.contact[0]) * ux + (hand.tip[1] - phase.contact[1]) * uy
        along = max(along, 0.0)
        return x + along * ux, y + along * uy, z, yaw, tilt
    if phase.mode == 'drawer':
        return x, y - hand.drawer * DRAWER_TRAVEL, z, yaw, tilt
    if phase.mode in ('topple', 'fall'):
        u = (time_s - phase.time_s) / (phase.end_s - phase.time_s)
        u = min(max(u, 0.0), 1.0)
        if phase.mode == 'topple':
            # It leaves with the hand's speed, then its weight takes over.
            return toppled(kind, phase.pose, phase.end[4] * u * (0.35 + 0.65 * u))
        level = u * (1.4 - 0.4 * u)  # slows down a little
        a, b, c, d, e = (p + level * (q - p) for p, q in zip(phase.pose, phase.end, strict=True))
        c = z + u * u * (phase.end[2] - z) + 4.0 * phase.hop * u * (1.0 - u)
        return a, b, c, d, e
    return phase.pose


def toppled(kind: str, pose: Pose, tilt: float) -> Pose:
    """Turn a standing object about the edge of its foot.

    Args:
        kind: Its kind.
        pose: Its pose while it stands.
        tilt: Angle in radians; positive towards its heading, negative to the back.
    """
    x, y, z, yaw, _ = pose
    shape = SHAPES[kind]
    foot, half = shape.half_width, shape.height / 2
    side = 1.0 if tilt >= 0.0 else -1.0
    cos, sin = math.cos(tilt), abs(math.sin(tilt))
    # Beyond a quarter turn a cone rolls over the upper edge of its foot, which is a disc.
    lift = CONE_FOOT * max(0.0, -cos) if kind == 'cone' else 0.0
    ahead = side * (foot - foot * cos + half * sin)
    return (
        x + ahead * math.cos(yaw), y + ahead * math.sin(yaw),
        z - half + foot * sin + half * cos + lift, yaw, tilt,
    )  # fmt: skip


def lying_tilt(kind: str) -> float:
    """Return the tilt of an object that lies; a cone lies on its flank."""
    if kind != 'cone':
        return math.pi / 2
    foot, height = SHAPES[kind].half_width, SHAPES[kind].height
    return math.pi / 2 + math.atan2(foot - CONE_TIP, height - CONE_FOOT)


def nearest_half_turn(yaw: float, reference: float) -> float:
    """Return the yaw, a multiple of pi away, nearest to a reference: the hand is symmetric."""
    return yaw + math.pi * round((reference - yaw) / math.pi)
