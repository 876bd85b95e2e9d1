# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Picking up and taking out."""

from __future__ import annotations

import math

from training.world.footprint import FORMS
from training.world.geometry import SHAPES
from training.world.motions.writer import FINGER_CLEARANCE, PlanWriter, Waypoint
from training.world.script import Phase, nearest_half_turn, object_pose
from training.world.symbols import INSIDE

# Kinds of which the fingers take two sides, across the heading.
_ACROSS = ('box', 'cup', 'banana', 'star')
# Bodies of revolution that the hand may tilt: their heading is chosen anew in each grasp.
_TURNABLE = ('can', 'bottle', 'cone')
# Along which axis the fingers open where there is little room, for kinds that leave the choice.
FREE_YAW = {'drawer': 0.0, 'basket': 0.0, 'tray': math.pi / 2, 'shelf': math.pi / 2}
_SLIP_HEIGHT = 0.062


def grasp_yaw(writer: PlanWriter, index: int) -> float:
    """Return the yaw at which the hand takes an object."""
    kind, now, heading = writer.kind(index), writer.hand.yaw, writer.pose(index)[3]
    if kind in _ACROSS:
        return nearest_half_turn(heading + math.pi / 2, now)
    free = FREE_YAW.get(writer.place(index), writer.home_yaw)
    if kind == 'cube':  # two of its axes, the nearest to the free one
        quarter = math.pi / 2
        return nearest_half_turn(heading + quarter * round((free - heading) / quarter), now)
    return nearest_half_turn(free, now)


def pick_up(writer: PlanWriter, index: int, *, success: bool = True) -> None:
    """Grasp an object from above, lift it, and bring it to the hold place.

    It is 'take out' where the object is inside something. Without success the object slips out of
    the fingers on the way up and falls back, and the hand goes home.
    """
    kind, place = writer.kind(index), writer.place(index)
    shape, (x, y, z, heading, _) = SHAPES[kind], writer.pose(index)
    yaw = grasp_yaw(writer, index)
    tight = 2 * shape.grasp_half_width
    clearance = FORMS[place].clearance if place in FORMS else FINGER_CLEARANCE
    wide = tight + 2 * clearance
    low = z - shape.height / 2 + shape.grasp_height
    down = Waypoint((x, y, low), yaw, wide)
    ways = writer.approach(x, y, low, yaw, wide, target=index)
    closed = len(ways)
    ways.append(Waypoint(down.tip, yaw, tight, share=0.26))
    turn = -math.pi / 2 if kind in _TURNABLE else heading - yaw
    offset = shape.height / 2 - shape.grasp_height
    if success:
        hold = Waypoint(writer.hold_tip(index), nearest_half_turn(writer.home_yaw, yaw), tight)
        radius = max(shape.half_width, 0.040)
        ways += writer.way(ways[-1], hold, below=shape.grasp_height, radius=radius, without=index)
        inside = place in INSIDE
        added = writer.write(
            'take out' if inside else 'pick up', ways, index, target=place if inside else None
        )
        pose = object_pose(
            Phase(0.0, 'held', 'gripper', writer.pose(index), offset=offset, turn=turn),
            kind, added[closed], 0.0,
        )  # fmt: skip
        writer.begin(
            index,
            Phase(added[closed].time_s, 'held', 'gripper', pose, offset=offset, turn=turn),
        )
        return
    before = writer.last(index)
    lifted = Waypoint((x, y, low + _SLIP_HEIGHT), yaw, tight, share=0.55)
    slipped = Waypoint((x, y, low + _SLIP_HEIGHT + 0.012), yaw, tight - 0.006, share=0.25)
    ways += [lifted, slipped, *writer.retreat(slipped, rise=0.020)]
    added = writer.write('pick up', ways, index, success=False)
    grasp, slip = added[closed], added[closed + 1]
    held = Phase(grasp.time_s, 'held', 'gripper', before.pose, offset=offset, turn=turn)
    pose = object_pose(held, kind, slip, slip.time_s)
    end = (x, y, z, pose[3], 0.0)
    landed_s = slip.time_s + 0.22
    writer.begin(index, held)
    writer.begin(
        index,
        Phase(slip.time_s, 'fall', place, pose, before.support, end_s=landed_s, end=end),
    )
    writer.begin(index, Phase(landed_s, 'rest', place, end, before.support))
