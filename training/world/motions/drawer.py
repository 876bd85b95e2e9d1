# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Opening and closing the drawer."""

from __future__ import annotations

import math

from training.world.geometry import DRAWER_TRAVEL, FINGER_HALF_THICKNESS, HANDLE_OUT, HANDLE_Z
from training.world.motions.writer import PlanWriter, Waypoint
from training.world.script import nearest_half_turn

_WIDE, _TIGHT = 0.024, 2 * FINGER_HALF_THICKNESS


def open_drawer(writer: PlanWriter, *, success: bool = True) -> None:
    """Take the handle between the fingers, pull the drawer open, and go home.

    Without success the fingers slip off the handle, and the drawer stays closed.
    """
    piece = writer.layout.piece('drawer')
    x, y, z = piece.x, piece.y - HANDLE_OUT, HANDLE_Z - 0.012
    yaw = nearest_half_turn(math.pi / 2, writer.hand.yaw)
    pulled = (x, y - DRAWER_TRAVEL, z)
    ways = writer.approach(x, y, z, yaw, _WIDE)
    ways.append(Waypoint((x, y, z), yaw, _TIGHT, share=0.26))
    if success:
        opened = Waypoint(pulled, yaw, _WIDE, share=0.22)
        ways += [
            Waypoint(pulled, yaw, _TIGHT, drawer=1.0, share=0.95),
            opened,
            *writer.retreat(opened, rise=0.045),
        ]
    else:
        # The fingers slide up along the handle, and the hand jerks back empty.
        slipped = Waypoint((x, y, z + 0.036), yaw, _TIGHT, share=0.34)
        jerked = Waypoint((x, y - 0.075, z + 0.050), yaw, 0.004, share=0.34)
        ways += [slipped, jerked, *writer.retreat(jerked, rise=0.030)]
    writer.write('open', ways, target='drawer', success=success)


def close_drawer(writer: PlanWriter) -> None:
    """Push the drawer shut at its handle with closed fingers, and go home."""
    piece = writer.layout.piece('drawer')
    x, z = piece.x, HANDLE_Z - 0.006
    handle = piece.y - HANDLE_OUT - DRAWER_TRAVEL - 0.0055
    contact = handle - 0.0095
    yaw = nearest_half_turn(0.0, writer.hand.yaw)
    back = contact - 0.014
    shut = Waypoint((x, contact + DRAWER_TRAVEL, z), yaw, 0.0, drawer=0.0, share=0.90)
    off = Waypoint((x, contact + DRAWER_TRAVEL - 0.014, z), yaw, 0.0, share=0.16)
    ways = [
        *writer.approach(x, back, z, yaw, 0.0),
        Waypoint((x, contact, z), yaw, 0.0, share=0.18),
        shut,
        off,
        *writer.retreat(off, rise=0.045),
    ]
    writer.write('close', ways, target='drawer')
