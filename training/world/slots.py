# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where in or on a piece of furniture an object stands, so that two fit where there is room."""

from __future__ import annotations

import math

from training.world.footprint import FORMS, Piece, Pose, cover
from training.world.geometry import DRAWER_TRAVEL, FINGER_LENGTH, PALM_HALF_LENGTH, SHAPES
from training.world.motions import PlanWriter

_FINGER = 0.012
_SLOT = 0.043  # from the middle of a tray or shelf to each of its two slots
_TWO = ('tray', 'shelf')
# Half of a standing object's size along the hand's fingers and across, where it is not its
# half width. The hand's fingers open across the heading.
_SIZE = {'banana': (0.021, 0.055), 'box': (0.030, 0.036), 'cup': (0.036, 0.046)}
_DRAWER_BACK = 0.054  # middle of the open drawer behind the closed front's plane, negative y

# Kinds that stand lengthwise in a tray or shelf: the fingers take them along x.
_ALONG_X = ('banana', 'cup')
_Taken = tuple[float, float, str]  # least and greatest x from the middle, kind
Slot = tuple[float, float, float, bool]  # x, y, yaw of the hand, whether half a turn matters


def _size(kind: str) -> tuple[float, float]:
    wide = SHAPES[kind].half_width
    return _SIZE.get(kind, (wide, wide))


def _fits(kind: str, piece: Piece, dx: float, along_x: bool, taken: list[_Taken]) -> bool:
    """Tell whether an object fits in a slot of a tray or shelf.

    Args:
        kind: Its kind.
        piece: The tray or shelf.
        dx: The slot's place along x from the middle.
        along_x: Whether the fingers open along x.
        taken: What stands there.
    """
    form = FORMS[piece.name]
    fingers, across = _size(kind)
    size_x, size_y = (fingers, across) if along_x else (across, fingers)
    if abs(dx) + size_x > form.inner[0] + 0.010 or size_y > form.inner[1] + 0.004:
        return False
    opened = SHAPES[kind].grasp_half_width + form.clearance + _FINGER
    reach = max(size_x + 0.003, opened if along_x else 0.0)
    for low, high, other in taken:
        # The palm is low enough to meet what is taller; a later grasp of the other one as well.
        palm_meets = along_x and _under_palm(kind) < SHAPES[other].height
        palm_meets |= other in _ALONG_X and _under_palm(other) < SHAPES[kind].height
        room = max(reach, PALM_HALF_LENGTH + 0.002) if palm_meets else reach
        if dx - room < high and dx + room > low:
            return False
    return True


def _under_palm(kind: str) -> float:
    """Return the height of the palm's lower side above a grasped object's bottom."""
    return SHAPES[kind].grasp_height + FINGER_LENGTH


def find_slot(writer: PlanWriter, index: int, name: str) -> Slot | None:
    """Return where an object can be put in or on a piece of furniture.

    Returns:
        x, y, yaw of the hand, whether half a turn of it matters; None if nothing is free.
    """
    piece, kind = writer.layout.piece(name), writer.kind(index)
    content = [i for i in writer.content(name) if i != index]
    if name in _TWO:
        taken: list[_Taken] = []
        for i in content:
            pose = writer.pose(i)
            circles = cover(writer.kind(i), pose)
            taken.append(
                (min(x - r for x, _, r in circles) - piece.x,
                 max(x + r for x, _, r in circles) - piece.x, writer.kind(i))
            )  # fmt: skip
        slots = [-_SLOT, _SLOT] if writer.rng.random() < 0.5 else [_SLOT, -_SLOT]
        yaws = (True, False) if kind in _ALONG_X else (False, True)
        for dx in (*slots, 0.0):
            for along_x in yaws:
                if _fits(kind, piece, dx, along_x, taken):
                    return piece.x + dx, piece.y, 0.0 if along_x else math.pi / 2, False
        return None
    if content:
        return None
    if name == 'drawer':
        yaw = math.pi / 2 if kind == 'banana' else 0.0
        back = _DRAWER_BACK + (0.012 if kind == 'banana' else 0.0)
        return piece.x, piece.y - back, yaw, False
    if name == 'basket':
        return piece.x, piece.y, math.pi / 2 if kind == 'banana' else 0.0, False
    return piece.x, piece.y, writer.home_yaw, False


def slot_pose(writer: PlanWriter, index: int, name: str) -> Pose | None:
    """Return the pose of an object that is in or on a piece of furniture at the start.

    In the drawer it is the pose with the drawer closed.
    """
    slot = find_slot(writer, index, name)
    if slot is None:
        return None
    x, y, yaw, _ = slot
    if name == 'drawer':
        y += DRAWER_TRAVEL
    z = FORMS[name].floor + SHAPES[writer.kind(index)].height / 2
    return x, y, z, yaw - math.pi / 2, 0.0
