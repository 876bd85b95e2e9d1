# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where things stand and from where they are seen; what has room and is visible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.world.camera import Camera
from training.world.geometry import (
    BOWL_HEIGHT,
    BOWL_RADIUS,
    CABINET_HEIGHT,
    CABINET_WIDTH,
    DRAWER_TRAVEL,
    HANDLE_OUT,
    SHAPES,
)

Point = tuple[float, float]

_ZONE_X = 0.19
_ZONE_Y = (-0.17, 0.06)
_GRASP_ROOM = 0.120  # between the middles of two objects: fingers fit between them
_PUSH_ROOM = 0.090  # from the path of a pushed object to another object's middle
_BOWL_ROOM = BOWL_RADIUS + 0.065  # for fingers between an object and the bowl
_BOWL_PASS = BOWL_RADIUS + 0.048  # for an object that slides past the bowl
_VIEW = 128  # reference picture in which margins and sizes are counted
_MIN_DIAMETER = 14.3  # pixels of the reference picture


@dataclass(frozen=True)
class Layout:
    """Places on the table, metres.

    Attributes:
        bowl: Middle of the bowl.
        cabinet: Middle of the cabinet's front.
        home: Fingertips when the arm rests.
        hold: Where the arm keeps a lifted object.
        objects: Middles of the objects at the start.
        yaws: Their headings in radians (a turned cube can be seen).
        camera: The view.
    """

    bowl: Point
    cabinet: Point
    home: tuple[float, float, float]
    hold: Point
    objects: tuple[Point, ...]
    yaws: tuple[float, ...]
    camera: Camera


def _box(
    camera: Camera, middle: Point, half_width: float, low: float, high: float
) -> tuple[float, float, float, float, float]:
    """Bounds (left, top, right, bottom) and scale of an upright thing in the reference view."""
    x, y = middle
    points = np.array([(x, y, low), (x, y, high), (x, y, (low + high) / 2)])
    (u0, v0, _), (u1, v1, _), (_, _, scale) = camera.project(points, width=_VIEW, height=_VIEW)
    radius = half_width * scale
    flat = radius * math.sin(math.radians(camera.elevation_deg))
    return (
        float(min(u0, u1) - radius), float(v1 - flat), float(max(u0, u1) + radius),
        float(v0 + flat), float(scale),
    )  # fmt: skip


def _covered(front: Sequence[float], back: Sequence[float]) -> float:
    """Fraction of the rectangle `back` that the rectangle `front` covers."""
    width = min(front[2], back[2]) - max(front[0], back[0])
    height = min(front[3], back[3]) - max(front[1], back[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / ((back[2] - back[0]) * (back[3] - back[1]))


class Room:
    """Judges whether objects at given places have room and are seen well.

    Args:
        layout: Furniture and camera; its objects are not looked at.
        kinds: Kinds of the objects.
    """

    def __init__(self, layout: Layout, kinds: Sequence[str]) -> None:
        self._layout = layout
        self._kinds = tuple(kinds)

    def stands_free(self, point: Point, others: Sequence[Point], *, room: float) -> bool:
        """Tell whether an object may stand at a point, `room` metres from the others."""
        x, y = point
        if abs(x) > _ZONE_X + 0.02 or not _ZONE_Y[0] - 0.01 <= y <= _ZONE_Y[1] + 0.01:
            return False
        bowl, cabinet = self._layout.bowl, self._layout.cabinet
        if math.dist(point, bowl) < _BOWL_ROOM:
            return False
        # The open drawer, its handle and the hand that pulls it.
        in_strip = abs(x - cabinet[0]) < CABINET_WIDTH / 2 + 0.05
        if in_strip and y > cabinet[1] - DRAWER_TRAVEL - HANDLE_OUT - 0.095:
            return False
        return all(math.dist(point, other) >= room for other in others)

    def path_free(self, start: Point, end: Point, others: Sequence[Point]) -> bool:
        """Tell whether nothing stands in the way of an object pushed from start to end."""
        ax, ay = start
        length = math.dist(start, end)
        ux, uy = (end[0] - ax) / length, (end[1] - ay) / length
        for ox, oy in (*others, self._layout.bowl):
            # The closed hand comes down behind the object, hence the negative beginning.
            along = min(max((ox - ax) * ux + (oy - ay) * uy, -0.075), length)
            gap = math.dist((ox, oy), (ax + along * ux, ay + along * uy))
            if gap < (_BOWL_PASS if (ox, oy) == self._layout.bowl else _PUSH_ROOM):
                return False
        return True

    def hand_seen(self, tip: tuple[float, float, float]) -> bool:
        """Tell whether fingertips at a point are inside the view."""
        u, v, _ = self._layout.camera.project(np.array(tip), width=_VIEW, height=_VIEW)
        return bool(5 <= u <= _VIEW - 5 and 3 <= v <= _VIEW - 3)

    def seen(self, places: Sequence[Point | None]) -> bool:
        """Tell whether objects (None = not on the table) are large, inside and not hidden."""
        camera, layout = self._layout.camera, self._layout
        boxes = []
        for kind, place in zip(self._kinds, places, strict=True):
            if place is None:
                continue
            shape = SHAPES[kind]
            box = _box(camera, place, shape.half_width, 0.0, shape.height)
            if box[0] < 5 or box[1] < 2 or box[2] > _VIEW - 5 or box[3] > _VIEW - 3:
                return False
            if not self.hand_seen((*place, 0.22)):
                return False
            if 2 * shape.half_width * box[4] < _MIN_DIAMETER:
                return False
            boxes.append(box)
        bowl = _box(camera, layout.bowl, BOWL_RADIUS, 0.0, BOWL_HEIGHT)
        front = _box(
            camera, (layout.cabinet[0], layout.cabinet[1] - 0.03), 0.05, 0.02, CABINET_HEIGHT
        )
        for box in boxes:
            if _covered(box, bowl) > 0.25 or _covered(box, front) > 0.25:
                return False
            # Larger scale = nearer to the camera = in front.
            if any(
                other is not box and box[4] >= other[4] and _covered(box, other) > 0.2
                for other in boxes
            ):
                return False
        return True


def _furniture_in_view(layout: Layout) -> bool:
    camera = layout.camera
    bowl = _box(camera, layout.bowl, BOWL_RADIUS, 0.0, BOWL_HEIGHT)
    if 2 * SHAPES['cube'].half_width * bowl[4] < _MIN_DIAMETER:
        return False
    x, y = layout.cabinet
    half = CABINET_WIDTH / 2
    corners: NDArray[np.float64] = np.array(
        [(x + side * half, y + dy, z) for side in (-1, 1)
         for dy, z in ((0.0, 0.0), (0.0, CABINET_HEIGHT), (-DRAWER_TRAVEL, 0.08))]
        + [(layout.hold[0], layout.hold[1], 0.29), (layout.home[0], layout.home[1], 0.25)]
    )  # fmt: skip
    points = camera.project(corners, width=_VIEW, height=_VIEW)[:, :2]
    return (
        min(bowl[:2]) >= 1
        and max(bowl[2:4]) <= _VIEW - 1
        and bool(np.all(points >= 1))
        and bool(np.all(points <= _VIEW - 1))
    )


def _draw_furniture(rng: np.random.Generator) -> Layout:
    side = 1.0 if rng.random() < 0.5 else -1.0
    camera = Camera(
        azimuth_deg=90.0 + float(rng.uniform(-20, 20)),
        elevation_deg=float(rng.uniform(35, 55)),
        distance=float(rng.uniform(0.70, 0.76)),
        look_at=(float(rng.uniform(-0.02, 0.02)), float(rng.uniform(0.0, 0.05)), 0.075),
    )
    home = (float(rng.uniform(-0.03, 0.03)), float(rng.uniform(0.14, 0.19)), 0.165)
    return Layout(
        bowl=(-side * float(rng.uniform(0.14, 0.18)), float(rng.uniform(0.05, 0.16))),
        cabinet=(side * float(rng.uniform(0.145, 0.175)), float(rng.uniform(0.10, 0.14))),
        home=home,
        hold=(float(rng.uniform(-0.04, 0.04)), float(rng.uniform(0.06, 0.12))),
        objects=(),
        yaws=(),
        camera=camera,
    )


def draw_layout(kinds: Sequence[str], rng: np.random.Generator) -> Layout:
    """Draw a layout in which everything has room and is seen.

    Args:
        kinds: Kinds of the objects, at most `geometry.MAX_OBJECTS`.
        rng: Source of randomness.
    """
    while True:
        empty = _draw_furniture(rng)
        if not _furniture_in_view(empty):
            continue
        room = Room(empty, kinds)
        for _ in range(60):
            points: list[Point] = []
            for _ in kinds:
                point = (
                    float(rng.uniform(-_ZONE_X, _ZONE_X)), float(rng.uniform(*_ZONE_Y))
                )  # fmt: skip
                if not room.stands_free(point, points, room=_GRASP_ROOM):
                    break
                points.append(point)
            if len(points) == len(kinds) and room.seen(points):
                turn = math.radians(empty.camera.azimuth_deg - 90.0)
                return Layout(
                    bowl=empty.bowl, cabinet=empty.cabinet, home=empty.home, hold=empty.hold,
                    camera=empty.camera, objects=tuple(points),
                    yaws=tuple(turn + float(rng.uniform(-0.35, 0.35)) for _ in kinds),
                )  # fmt: skip
