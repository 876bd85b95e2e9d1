# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What has room on the table and is seen well."""

from __future__ import annotations

import math
from collections.abc import Sequence

from training.world.camera import FOV_Y_DEG, Camera
from training.world.footprint import (
    FORMS,
    ROUND_PIECES,
    Circle,
    Piece,
    Point,
    Pose,
    cover,
    drawer_strip,
    gap_between,
    gap_to_piece,
    gap_to_rectangle,
    top,
)
from training.world.geometry import (
    CABINET_WIDTH,
    DRAWER_TRAVEL,
    HANDLE_Z,
    PALM_HALF_LENGTH,
    SHAPES,
)
from training.world.layout import Layout

# Middles of objects on the table.
_ZONE_X = 0.215
_ZONE_Y = (-0.185, 0.012)
GRASP_GAP = 0.034  # between two objects: fingers fit between them
_PIECE_GAP = 0.024  # between an object and furniture
_PASS_GAP = 0.012  # beside an object that is pushed
_HAND_BACK = 0.075  # a closed hand comes down this far behind a pushed object
_VIEW = 128  # reference picture in which margins and sizes are counted
_MIN_DIAMETER = 14.4  # pixels of the reference picture
_MARGIN = 4.0
_MOST_COVERED = 0.40

_Box = tuple[float, float, float, float, float]  # left, top, right, bottom, pixels per metre


class View:
    """The reference picture, without arrays: a plan asks for many single points."""

    def __init__(self, camera: Camera) -> None:
        azimuth, elevation = math.radians(camera.azimuth_deg), math.radians(camera.elevation_deg)
        cos_e, sin_e = math.cos(elevation), math.sin(elevation)
        cos_a, sin_a = math.cos(azimuth), math.sin(azimuth)
        self._forward = (cos_e * cos_a, cos_e * sin_a, -sin_e)
        self._right = (sin_a, -cos_a)
        self._up = (sin_e * cos_a, sin_e * sin_a, cos_e)
        self._look_at, self._distance = camera.look_at, camera.distance
        self._focal = 0.5 * _VIEW / math.tan(math.radians(FOV_Y_DEG) / 2)
        self._flat = sin_e

    def project(self, x: float, y: float, z: float) -> tuple[float, float, float]:
        """Return u, v in pixels of the reference picture, and pixels per metre there."""
        x, y, z = x - self._look_at[0], y - self._look_at[1], z - self._look_at[2]
        fx, fy, fz = self._forward
        scale = self._focal / (fx * x + fy * y + fz * z + self._distance)
        ux, uy, uz = self._up
        half = _VIEW / 2
        return (
            half + (self._right[0] * x + self._right[1] * y) * scale,
            half - (ux * x + uy * y + uz * z) * scale,
            scale,
        )

    def box(self, circles: Sequence[Circle], low: float, high: float) -> _Box:
        """Return the bounds of an upright thing over circles."""
        left = up = 1e9
        right = down = -1e9
        scale = 0.0
        for x, y, radius in circles:
            u0, v0, s0 = self.project(x, y, low)
            u1, v1, s1 = self.project(x, y, high)
            scale = max(scale, (s0 + s1) / 2)
            left = min(left, u0 - radius * s0, u1 - radius * s1)
            right = max(right, u0 + radius * s0, u1 + radius * s1)
            up = min(up, v1 - radius * s1 * self._flat)
            down = max(down, v0 + radius * s0 * self._flat)
        return left, up, right, down, scale


def _covered(front: _Box, back: _Box) -> float:
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
        covered: Fraction of an object that another one in front may cover.
    """

    def __init__(self, layout: Layout, kinds: Sequence[str], *, covered: float) -> None:
        self._layout = layout
        self._kinds = tuple(kinds)
        self._most_covered = min(covered, _MOST_COVERED)
        self.view = View(layout.camera.base)
        self._pieces = [_piece_box(self.view, piece) for piece in layout.furniture]

    # ---- the table ---------------------------------------------------------------------------

    def stands_free(
        self, circles: tuple[Circle, ...], others: Sequence[tuple[Circle, ...]], *,
        gap: float = GRASP_GAP,
    ) -> bool:  # fmt: skip
        """Tell whether something may stand or lie on these circles.

        Args:
            circles: What it covers.
            others: What the other things on the table cover.
            gap: Least distance to each of the others, metres.
        """
        for circle in circles:
            x, y, _ = circle
            if abs(x) > _ZONE_X or not _ZONE_Y[0] <= y <= _ZONE_Y[1]:
                return False
            for piece in self._layout.furniture:
                if gap_to_piece(circle, piece) < _PIECE_GAP:
                    return False
                if piece.name == 'drawer' and gap_to_rectangle(circle, drawer_strip(piece)) < 0:
                    return False
        return all(gap_between(circles, other) >= gap for other in others)

    def path_free(
        self, start: Point, end: Point, half_width: float,
        others: Sequence[tuple[Circle, ...]],
    ) -> bool:  # fmt: skip
        """Tell whether nothing stands in the way of an object pushed from start to end."""
        length = math.dist(start, end)
        ux, uy = (end[0] - start[0]) / length, (end[1] - start[1]) / length
        for step in range(-3, 5):
            # The closed hand comes down behind the object, hence the negative beginning.
            along = length * step / 4 if step > 0 else _HAND_BACK * step / 3
            wide = half_width if step >= 0 else 0.022
            circle = (start[0] + along * ux, start[1] + along * uy, wide)
            if any(gap_to_piece(circle, piece) < _PASS_GAP for piece in self._layout.furniture):
                return False
            # Its palm is wide and low: it must not meet tall things beside the path.
            palm = (circle[0], circle[1], max(wide + 0.024, PALM_HALF_LENGTH + 0.005))
            if any(gap_between((palm,), other) < 0.0 for other in others):
                return False
        return True

    # ---- the picture -------------------------------------------------------------------------

    def hand_seen(self, x: float, y: float, z: float) -> bool:
        """Tell whether fingertips at a point are inside the view."""
        u, v, _ = self.view.project(x, y, z)
        return 4 <= u <= _VIEW - 4 and 3 <= v <= _VIEW - 3

    def seen(self, poses: Sequence[Pose | None]) -> bool:
        """Tell whether objects (None = not on the table) are large, inside and not hidden."""
        boxes = []
        for kind, pose in zip(self._kinds, poses, strict=True):
            if pose is None:
                continue
            box = self.view.box(cover(kind, pose), 0.0, top(kind, pose))
            if box[0] < _MARGIN or box[2] > _VIEW - _MARGIN or box[1] < 2 or box[3] > _VIEW - 2:
                return False
            if 2 * SHAPES[kind].half_width * box[4] < _MIN_DIAMETER:
                return False
            if not self.hand_seen(pose[0], pose[1], 0.16):
                return False
            boxes.append(box)
        most = self._most_covered
        for box in boxes:
            if any(_covered(box, piece) > 0.28 for piece in self._pieces):
                return False
            # Larger scale = nearer to the camera = in front.
            for other in boxes:
                if other is not box and box[4] >= other[4] and _covered(box, other) > most:
                    return False
        return True

    def furniture_seen(self) -> bool:
        """Tell whether the furniture and the resting hand are in the picture."""
        for box in self._pieces:
            if min(box[:2]) < 1 or max(box[2:4]) > _VIEW - 1:
                return False
        points = [(*self._layout.hold, 0.27), self._layout.home]
        for piece in self._layout.furniture:
            if piece.name == 'drawer':
                front, half = piece.y - DRAWER_TRAVEL, CABINET_WIDTH / 2
                points += [(piece.x - half, front, 0.0), (piece.x + half, front, 0.0)]
            else:
                points.append((piece.x, piece.y, FORMS[piece.name].floor + 0.13))
        return all(self.hand_seen(*point) for point in points)


def _piece_box(view: View, piece: Piece) -> _Box:
    form = FORMS[piece.name]
    if piece.name == 'drawer':
        corners = [(piece.x + side * CABINET_WIDTH / 2, piece.y, 0.0) for side in (-1.0, 1.0)]
        return view.box(corners, HANDLE_Z - 0.05, form.height)
    if piece.name in ROUND_PIECES:
        return view.box([(piece.x, piece.y, form.half[0])], 0.0, form.height)
    x, y = form.half
    corners = [
        (piece.x + sx * x, piece.y + sy * y, 0.0) for sx in (-1.0, 1.0) for sy in (-1.0, 1.0)
    ]
    return view.box(corners, 0.0, form.height)
