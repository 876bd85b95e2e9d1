# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Putting the held object somewhere, and letting it fall beside."""

from __future__ import annotations

import math
from dataclasses import dataclass

from training.world.footprint import FORMS, Pose, is_lying
from training.world.geometry import DRAWER_TRAVEL, SHAPES
from training.world.motions.writer import FINGER_CLEARANCE, PlanWriter, Waypoint
from training.world.script import Phase, nearest_half_turn, object_pose


@dataclass(frozen=True)
class Goal:
    """Where the held object goes.

    Attributes:
        action: 'put in', 'put on', 'put left of', 'put right of' or 'stack'.
        x: Middle of the object in the end, metres.
        y: See x.
        floor: Height of what it stands on in the end.
        yaw: Yaw of the hand in the end, any multiple of pi away.
        target: See `symbols.Segment`.
        reference: Index of the other object.
        exact: Whether half a turn of the hand makes a difference.
    """

    action: str
    x: float
    y: float
    floor: float
    yaw: float
    target: str | None = None
    reference: int | None = None
    exact: bool = False

    @property
    def place(self) -> str:
        """Where the object is afterwards, one of `symbols.PLACES`."""
        if self.action == 'stack':
            return 'object'
        return self.target or 'table'


def _carry(
    writer: PlanWriter, index: int, x: float, y: float, floor: float, yaw: float, *, onto: bool
) -> list[Waypoint]:
    """Return the way with the held object to a place above (x, y), and down to a floor."""
    shape, now = SHAPES[writer.kind(index)], writer.now()
    low = floor + shape.grasp_height
    above = Waypoint((x, y, low + (0.030 if onto else 0.015)), yaw, now.gap)
    ways = writer.way(
        now, above, below=shape.grasp_height, radius=max(shape.half_width, 0.040), without=index
    )
    return [*ways, Waypoint((x, y, low), yaw, now.gap)]


def _open_fingers(writer: PlanWriter, index: int, place: str) -> float:
    clearance = FORMS[place].clearance if place in FORMS else FINGER_CLEARANCE
    return 2 * (SHAPES[writer.kind(index)].grasp_half_width + clearance)


def _yaw(writer: PlanWriter, goal: Goal) -> float:
    now = writer.hand.yaw
    if goal.exact:
        return goal.yaw + 2 * math.pi * round((now - goal.yaw) / (2 * math.pi))
    return nearest_half_turn(goal.yaw, now)


def place(writer: PlanWriter, goal: Goal) -> None:
    """Lower the held object to a place, let go, and go home."""
    index = writer.held
    assert index is not None
    kind, held = writer.kind(index), writer.last(index)
    shape, where = SHAPES[kind], goal.place
    wide = _open_fingers(writer, index, where)
    ways = _carry(writer, index, goal.x, goal.y, goal.floor, _yaw(writer, goal), onto=True)
    down = len(ways) - 1
    opened = Waypoint(ways[-1].tip, ways[-1].yaw, wide, share=0.26)
    # The fingers leave upwards past the object before the hand may turn or travel.
    rise = shape.height - shape.grasp_height + 0.014
    ways += [opened, *writer.retreat(opened, rise=max(rise, 0.030))]
    added = writer.write(goal.action, ways, index, target=goal.target, reference=goal.reference)
    pose = object_pose(held, kind, added[down], added[down].time_s)
    if where == 'drawer':
        x, y, *rest = pose
        pose = (x, y + DRAWER_TRAVEL, rest[0], rest[1], rest[2])
    support = -1 if where != 'object' or goal.reference is None else goal.reference
    mode = 'drawer' if where == 'drawer' else 'rest'
    writer.begin(index, Phase(added[down].time_s, mode, where, pose, support))


def drop_beside(writer: PlanWriter, goal: Goal, end: Pose) -> None:
    """Let the held object go too early, so that it falls beside its target on the table.

    Args:
        writer: The plan.
        goal: Where it is let go; `floor` is the height of its bottom there.
        end: The pose in which it ends.
    """
    index = writer.held
    assert index is not None
    kind, held = writer.kind(index), writer.last(index)
    wide = _open_fingers(writer, index, 'table')
    ways = _carry(writer, index, goal.x, goal.y, goal.floor, _yaw(writer, goal), onto=False)
    down = len(ways) - 1
    opened = Waypoint(ways[-1].tip, ways[-1].yaw, wide, share=0.30)
    ways += [opened, *writer.retreat(opened, rise=0.030)]
    added = writer.write(
        goal.action, ways, index, target=goal.target, reference=goal.reference, success=False
    )
    let_go = added[down].time_s + 0.06  # the fingers have opened a little
    start = object_pose(held, kind, added[down], let_go)
    # What lies has the heading in which it was let go; what stands need not turn either.
    end = (*end[:3], start[3], end[4])
    landed_s = let_go + 0.40
    writer.begin(
        index,
        Phase(let_go, 'fall', 'table', start, lying=is_lying(end), end_s=landed_s, end=end,
              hop=0.018),
    )  # fmt: skip
    writer.begin(index, Phase(landed_s, 'rest', 'table', end, lying=is_lying(end)))
