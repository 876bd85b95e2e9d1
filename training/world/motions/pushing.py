# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pushing along the table and knocking over, with closed fingers."""

from __future__ import annotations

import math

from training.world.footprint import extent
from training.world.geometry import SHAPES
from training.world.motions.writer import PlanWriter, Waypoint
from training.world.script import Phase, lying_tilt, nearest_half_turn, object_pose, toppled

_FINGER_DEPTH = 0.010  # half of the closed fingers' size along the push
_BACK = 0.030  # the hand comes down this far from the object
_FALL_S = 0.42
# Half of the width of tall kinds near their tops, where the hand meets them.
_TOP_HALF_WIDTH = {'can': 0.034, 'bottle': 0.017, 'cup': 0.036, 'box': 0.036, 'cone': 0.011}


def push(writer: PlanWriter, index: int, heading: float, length: float, *, target: str) -> None:
    """Push an object along the table, and go home.

    Args:
        writer: The plan.
        index: The object.
        heading: Direction of the push on the table, radians.
        length: Metres.
        target: The direction in words, one of `symbols.DIRECTIONS`.
    """
    kind = writer.kind(index)
    x, y, z, own, tilt = writer.pose(index)
    ux, uy = math.cos(heading), math.sin(heading)
    # The fingers stand side by side across the push, so they open across it.
    yaw = nearest_half_turn(heading + math.pi / 2, writer.hand.yaw)
    reach = extent(kind, heading + math.pi - own) + _FINGER_DEPTH
    # Low, but a box is so tall that the palm must stay above it.
    height = 0.047 if kind == 'box' else min(0.032, 0.45 * SHAPES[kind].height)

    def beside(metres: float) -> tuple[float, float, float]:
        return x + (metres - reach) * ux, y + (metres - reach) * uy, height

    start = beside(-_BACK)
    ways = writer.approach(start[0], start[1], height, yaw, 0.0)
    down = len(ways) - 1
    off = Waypoint(beside(length - 0.015), yaw, 0.0, share=0.14)
    ways += [
        Waypoint(beside(length), yaw, 0.0, share=1.0),
        off,
        *writer.retreat(off, rise=0.050),
    ]
    added = writer.write('push', ways, index, target=target)
    contact = beside(0.0)
    pushed = Phase(
        added[down].time_s, 'pushed', 'table', (x, y, z, own, tilt), contact=contact[:2],
        direction=(ux, uy),
    )  # fmt: skip
    end = object_pose(pushed, kind, added[down + 1], added[down + 1].time_s)
    writer.begin(index, pushed)
    writer.begin(index, Phase(added[down + 1].time_s, 'rest', 'table', end))


def knock_over(writer: PlanWriter, index: int, heading: float) -> None:
    """Push the top of a tall object so that it falls, and go home.

    Args:
        writer: The plan.
        index: The object.
        heading: Where its top goes, radians. It becomes the object's heading, so it must be the
            one it has, but for kinds that look the same from there.
    """
    kind = writer.kind(index)
    shape, (x, y, z, _, _) = SHAPES[kind], writer.pose(index)
    ux, uy = math.cos(heading), math.sin(heading)
    yaw = nearest_half_turn(heading + math.pi / 2, writer.hand.yaw)
    height = shape.height - 0.016
    reach = _TOP_HALF_WIDTH[kind] + _FINGER_DEPTH + 0.002
    if kind == 'cup':
        reach = 0.058 + _FINGER_DEPTH  # the handle is behind its heading
    back = reach + 0.034

    def behind(metres: float) -> tuple[float, float, float]:
        return x - metres * ux, y - metres * uy, height

    start = behind(back)
    ways = writer.approach(start[0], start[1], height, yaw, 0.0)
    down = len(ways) - 1
    struck = Waypoint(behind(reach - 0.018), yaw, 0.0, share=0.46)
    ways += [struck, *writer.retreat(struck, rise=0.030)]
    added = writer.write('knock over', ways, index)
    begin, end = added[down].time_s, added[down + 1].time_s
    # The fingers arrive with 0.65 of the way done, while the hand is fast.
    hit = begin + 0.585 * (end - begin)
    tilt = lying_tilt(kind)
    standing = (x, y, z, heading, 0.0)
    fallen = toppled(kind, standing, tilt)
    writer.begin(
        index,
        Phase(hit, 'topple', 'table', standing, lying=True, end_s=hit + _FALL_S, end=fallen),
    )
    writer.begin(index, Phase(hit + _FALL_S, 'rest', 'table', fallen, lying=True))
