# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What ground things cover: objects as circles, furniture as circles and rectangles."""

from __future__ import annotations

import math
from dataclasses import dataclass

from training.world.geometry import (
    BASKET_FLOOR,
    BASKET_HALF,
    BASKET_HEIGHT,
    BOWL_FLOOR,
    BOWL_HEIGHT,
    BOWL_RADIUS,
    BOX_HALF,
    CABINET_DEPTH,
    CABINET_HEIGHT,
    CABINET_WIDTH,
    DRAWER_FLOOR,
    DRAWER_TRAVEL,
    HANDLE_OUT,
    PLATE_FLOOR,
    PLATE_HEIGHT,
    PLATE_RADIUS,
    SHAPES,
    SHELF_HALF,
    SHELF_HEIGHT,
    TRAY_FLOOR,
    TRAY_HALF,
    TRAY_HEIGHT,
)

Point = tuple[float, float]
Circle = tuple[float, float, float]  # x, y, radius
# x, y, z of the middle in metres, heading, tilt about the object's own y axis after the heading.
Pose = tuple[float, float, float, float, float]

# Covers of standing objects: between the circles inside and around those with corners.
_RADIUS = {'cube': 0.042, 'box': 0.041, 'star': 0.047}
_CUP_HANDLE = (-0.044, 0.014)  # middle along the heading, radius
_BANANA = (0.037, 0.020)
TRAY_GRIP = 0.022  # how far the tray's grips stand out to the left and right


@dataclass(frozen=True)
class Piece:
    """A piece of furniture and where it stands.

    Attributes:
        name: One of `symbols.FURNITURE`.
        x: Its middle ('drawer': the middle of the cabinet's front), metres.
        y: See x.
    """

    name: str
    x: float
    y: float


@dataclass(frozen=True)
class Form:
    """The inner and outer measures of a piece of furniture, metres.

    Attributes:
        floor: Height of the surface on which things stand.
        height: Height of its highest part.
        half: Half of the outer size along x and y.
        inner: Half of the surface's size along x and y.
        clearance: How much farther than in the grasp a finger may open there.
    """

    floor: float
    height: float
    half: Point
    inner: Point
    clearance: float


FORMS = {
    'bowl': Form(BOWL_FLOOR, BOWL_HEIGHT, (BOWL_RADIUS,) * 2, (0.060, 0.060), 0.006),
    'plate': Form(PLATE_FLOOR, PLATE_HEIGHT, (PLATE_RADIUS,) * 2, (0.062, 0.062), 0.011),
    'tray': Form(
        TRAY_FLOOR, TRAY_HEIGHT, (TRAY_HALF[0] + TRAY_GRIP, TRAY_HALF[1]),
        (TRAY_HALF[0] - 0.006, TRAY_HALF[1] - 0.006), 0.004,
    ),
    'basket': Form(
        BASKET_FLOOR, BASKET_HEIGHT, (BASKET_HALF[0] + 0.006, BASKET_HALF[1] + 0.006),
        (BASKET_HALF[0] - 0.005, BASKET_HALF[1] - 0.005), 0.005,
    ),
    'shelf': Form(SHELF_HEIGHT, SHELF_HEIGHT, SHELF_HALF, SHELF_HALF, 0.011),
    'drawer': Form(
        DRAWER_FLOOR, CABINET_HEIGHT, (CABINET_WIDTH / 2, CABINET_DEPTH / 2),
        (CABINET_WIDTH / 2 - 0.014, 0.054), 0.003,
    ),
}  # fmt: skip
ROUND_PIECES = ('bowl', 'plate')


def rectangle(piece: Piece) -> tuple[float, float, float, float]:
    """Return the ground that a piece covers: least x and y, greatest x and y."""
    half_x, half_y = FORMS[piece.name].half
    if piece.name == 'drawer':
        return piece.x - half_x, piece.y - HANDLE_OUT, piece.x + half_x, piece.y + 2 * half_y
    return piece.x - half_x, piece.y - half_y, piece.x + half_x, piece.y + half_y


def drawer_strip(piece: Piece) -> tuple[float, float, float, float]:
    """Return the ground that the open drawer and the hand at its handle need."""
    half = CABINET_WIDTH / 2 + 0.006
    return piece.x - half, piece.y - DRAWER_TRAVEL - HANDLE_OUT - 0.048, piece.x + half, piece.y


def gap_to_rectangle(circle: Circle, bounds: tuple[float, float, float, float]) -> float:
    """Return the distance between a circle and a rectangle, negative where they overlap."""
    x, y, radius = circle
    dx = max(bounds[0] - x, x - bounds[2])
    dy = max(bounds[1] - y, y - bounds[3])
    if dx < 0.0 and dy < 0.0:
        return max(dx, dy) - radius
    return math.hypot(max(dx, 0.0), max(dy, 0.0)) - radius


def gap_to_piece(circle: Circle, piece: Piece) -> float:
    """Return the distance between a circle and a piece, negative where they overlap."""
    if piece.name in ROUND_PIECES:
        reach = FORMS[piece.name].half[0]
        return math.hypot(circle[0] - piece.x, circle[1] - piece.y) - circle[2] - reach
    return gap_to_rectangle(circle, rectangle(piece))


def gap_between(first: tuple[Circle, ...], second: tuple[Circle, ...]) -> float:
    """Return the least distance between two covers, negative where they overlap."""
    return min(math.hypot(a[0] - b[0], a[1] - b[1]) - a[2] - b[2] for a in first for b in second)


def is_lying(pose: Pose) -> bool:
    """Tell whether a pose is that of a fallen object."""
    return pose[4] > 1.0


def cover(kind: str, pose: Pose) -> tuple[Circle, ...]:
    """Return the circles that an object covers, standing or lying."""
    x, y, _, yaw, _ = pose
    cos, sin = math.cos(yaw), math.sin(yaw)

    def along(metres: float, radius: float) -> Circle:
        return x + metres * cos, y + metres * sin, radius

    shape = SHAPES[kind]
    if is_lying(pose):
        reach = shape.height / 2 - 0.8 * shape.half_width
        circles = tuple(along(share * reach, shape.half_width) for share in (-1.0, 0.0, 1.0))
        # The room that a cup's handle needs when it is set upright again.
        return (*circles, along(*_CUP_HANDLE)) if kind == 'cup' else circles
    if kind == 'banana':
        reach, radius = _BANANA
        return along(-reach, radius), along(0.0, radius), along(reach, radius)
    if kind == 'cup':
        return (x, y, shape.half_width), along(*_CUP_HANDLE)
    return ((x, y, _RADIUS.get(kind, shape.half_width)),)


def extent(kind: str, angle: float) -> float:
    """Return how far a standing object reaches from its middle.

    Args:
        kind: Its kind.
        angle: Direction relative to its heading, radians.
    """
    cos, sin = abs(math.cos(angle)), abs(math.sin(angle))
    if kind == 'cube':
        return 0.035 * (cos + sin)
    if kind == 'box':
        return BOX_HALF[0] * cos + BOX_HALF[1] * sin
    if kind == 'banana':
        return 0.037 * cos + 0.018
    if kind == 'cup':
        return max(SHAPES[kind].half_width, -0.058 * math.cos(angle))
    return _RADIUS.get(kind, SHAPES[kind].half_width)


def top(kind: str, pose: Pose) -> float:
    """Return the height of an object's highest point, metres."""
    shape = SHAPES[kind]
    if is_lying(pose):
        return 2.0 * shape.half_width
    return pose[2] + shape.height / 2
