# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tilting what the fingers hold: pouring and setting upright."""

from __future__ import annotations

import math

from training.world.geometry import SHAPES
from training.world.motions.writer import FINGER_CLEARANCE, PlanWriter, Waypoint
from training.world.script import Phase, nearest_half_turn, object_pose

_POUR_TILT = math.radians(112.0)
_LIP_OVER = 0.018  # lowest point of the tilted object above what it is poured into


def _lowest(kind: str, tilt: float) -> float:
    """Return how far a held and tilted object reaches below the fingertips."""
    shape = SHAPES[kind]
    cos, sin = math.cos(tilt), abs(math.sin(tilt))
    wide = 0.017 if kind == 'bottle' else shape.half_width  # half width of its upper end
    bottom = shape.grasp_height * cos + shape.half_width * sin
    upper = -(shape.height - shape.grasp_height) * cos + wide * sin
    return max(bottom, upper)


def pour(
    writer: PlanWriter, x: float, y: float, rim: float, heading: float, *,
    target: str | None = None, reference: int | None = None,
) -> None:  # fmt: skip
    """Hold the opening over a point, tilt, tilt back, and return to the hold place.

    Args:
        writer: The plan.
        x: Middle of what it is poured into, metres.
        y: See x.
        rim: Height of the highest thing there.
        heading: Where the opening goes, radians.
        target: 'bowl', or None for a cup.
        reference: Index of the cup.
    """
    index = writer.held
    assert index is not None
    kind, held, now = writer.kind(index), writer.last(index), writer.now()
    shape = SHAPES[kind]
    yaw = heading - held.turn
    yaw += 2 * math.pi * round((now.yaw - yaw) / (2 * math.pi))
    ahead = (shape.height - shape.grasp_height) * math.sin(_POUR_TILT)
    mx, my = x - ahead * math.cos(heading), y - ahead * math.sin(heading)
    lowered = rim + _LIP_OVER + _lowest(kind, _POUR_TILT)
    # Upright it hangs lower, so it comes in higher; it sinks while it is tilted.
    upright = max(rim + _LIP_OVER + shape.grasp_height, lowered)
    sunk = max(rim + 0.010 + _lowest(kind, _POUR_TILT / 2), lowered)
    above = Waypoint((mx, my, upright), yaw, now.gap)
    radius = max(shape.half_width, 0.040)
    ways = writer.way(now, above, below=shape.grasp_height, radius=radius, without=index)
    start = ways[-1]
    hold = Waypoint(writer.hold_tip(index), nearest_half_turn(writer.home_yaw, yaw), now.gap)
    tilted = Waypoint((mx, my, min(sunk, start.tip[2])), yaw, now.gap, _POUR_TILT, share=0.75)
    ways += [
        tilted,
        Waypoint(tilted.tip, yaw, now.gap, _POUR_TILT, share=0.40),
        Waypoint(start.tip, yaw, now.gap, share=0.60),
        *writer.way(start, hold, below=shape.grasp_height, radius=radius, without=index),
    ]
    writer.write('pour', ways, index, target=target, reference=reference)


def set_upright(writer: PlanWriter, index: int) -> None:
    """Take a lying object at its middle, lift it, turn it up, put it down, and go home."""
    kind = writer.kind(index)
    shape, (x, y, z, heading, tilt) = SHAPES[kind], writer.pose(index)
    yaw = nearest_half_turn(heading + math.pi / 2, writer.hand.yaw)
    # A little above the middle, so that the top stays clear of the palm when it has turned up.
    up = 0.010 if kind == 'bottle' else 0.0
    width = {'cone': 0.020, 'box': shape.grasp_half_width}.get(kind, shape.half_width)
    gx, gy = x + up * math.cos(heading), y + up * math.sin(heading)
    gz = z + up * math.cos(tilt)
    tight, wide = 2 * width, 2 * (width + FINGER_CLEARANCE)
    standing = shape.height / 2 + up
    lifted = standing + 0.034
    ways = writer.approach(gx, gy, gz, yaw, wide, tilt=tilt, target=index)
    closed = len(ways)
    opened = Waypoint((gx, gy, standing), yaw, wide, share=0.26)
    ways += [
        Waypoint((gx, gy, gz), yaw, tight, tilt, share=0.26),
        Waypoint((gx, gy, lifted), yaw, tight, tilt, share=0.36),
        Waypoint((gx, gy, lifted), yaw, tight, share=0.62),
        Waypoint((gx, gy, standing), yaw, tight, share=0.32),
        opened,
        *writer.retreat(opened, rise=shape.height / 2 + 0.014),
    ]
    added = writer.write('set upright', ways, index)
    held = Phase(
        added[closed].time_s, 'held', 'gripper', (x, y, z, heading, tilt), lying=True,
        offset=-up, turn=heading - yaw,
    )  # fmt: skip
    turned, down = added[closed + 2].time_s, added[closed + 3]
    writer.begin(index, held)
    writer.begin(
        index, Phase(turned, held.mode, held.place, held.pose, offset=-up, turn=held.turn)
    )
    end = object_pose(held, kind, down, down.time_s)
    writer.begin(index, Phase(down.time_s, 'rest', 'table', end))
