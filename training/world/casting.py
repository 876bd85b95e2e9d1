# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which objects and furniture an episode has, and how they are at the start."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.world.footprint import Pose, cover, top
from training.world.geometry import SHAPES
from training.world.layout import draw_furniture, draw_stage
from training.world.motions import PlanWriter, Start
from training.world.room import Room
from training.world.script import lying_tilt, toppled
from training.world.slots import slot_pose
from training.world.splits import UNSEEN_OBJECTS, is_unseen_action, seen_objects
from training.world.symbols import (
    FITS_DRAWER,
    FLAT_TOPS,
    KINDS,
    MAX_OBJECTS,
    ONTO,
    POSSIBLE_KINDS,
    TALL,
    ObjectInfo,
)

# Nothing else can be stacked on; a cup can be poured from and into.
_USEFUL = (*FLAT_TOPS, 'cup')
_STAGE_TRIES, _PLACE_TRIES = 12, 30


@dataclass(frozen=True)
class Role:
    """An object of an episode and how it is at the start.

    Attributes:
        item: The object.
        place: One of `symbols.PLACES`.
        support: Index of the object below it, or -1.
        lying: Whether it lies.
        active: Whether the robot may touch it.
    """

    item: ObjectInfo
    place: str = 'table'
    support: int = -1
    lying: bool = False
    active: bool = True


@dataclass(frozen=True)
class Cast:
    """Objects and furniture of an episode in words.

    Attributes:
        roles: The objects.
        furniture: The left and the right piece.
        drawer_open: Whether the drawer is open at the start.
    """

    roles: tuple[Role, ...]
    furniture: tuple[str, str]
    drawer_open: bool


def draw_objects(
    rng: np.random.Generator, *, unseen: bool, count: int, first: tuple[ObjectInfo, ...] = ()
) -> list[ObjectInfo]:
    """Draw different objects; some share their kind or colour.

    Args:
        rng: Source of randomness.
        unseen: Whether pairs that training never shows may occur; then they often do.
        count: How many, those of `first` included.
        first: Objects that must be there.
    """
    seen = seen_objects()
    held_out = sorted(UNSEEN_OBJECTS, key=str)
    objects = list(first)
    while len(objects) < count:
        # Every kind is about equally often asked for; the pairs with its colours are not.
        pool = held_out if unseen and rng.random() < 0.45 else seen
        like = rng.random()
        if objects and like < 0.16:
            pool = [item for item in pool if item.kind == objects[0].kind] or pool
        elif objects and like < 0.30:
            pool = [item for item in pool if item.colour == objects[0].colour] or pool
        elif rng.random() < 0.14 and not any(item.kind in _USEFUL for item in objects):
            pool = [item for item in pool if item.kind in _USEFUL] or pool
        kinds = sorted({item.kind for item in pool}, key=KINDS.index)
        kind = kinds[int(rng.integers(len(kinds)))]
        choices = [item for item in pool if item.kind == kind]
        item = choices[int(rng.integers(len(choices)))]
        if item not in objects:
            objects.append(item)
    return objects


def _draw_place(
    item: ObjectInfo, furniture: tuple[str, str], taken: list[str], rng: np.random.Generator
) -> str:
    if rng.random() < 0.58:
        return 'table'
    name = furniture[int(rng.integers(2))]
    if name in ONTO and rng.random() < 0.35:
        name = furniture[int(rng.integers(2))]
    room = 2 if name in ('tray', 'shelf') else 1
    if taken.count(name) >= room or (name == 'drawer' and item.kind not in FITS_DRAWER):
        return 'table'
    return name


def _bowl_for(
    objects: list[ObjectInfo], rng: np.random.Generator, *, unseen: bool
) -> tuple[str, ...]:
    """Have a bowl more often where something can be poured into it."""
    pours = any(
        item.kind in POSSIBLE_KINDS['pour'] and (unseen or not is_unseen_action('pour', item.kind))
        for item in objects
    )
    return ('bowl',) if pours and rng.random() < 0.3 else ()


def draw_cast(rng: np.random.Generator, *, unseen: bool) -> Cast:
    """Draw the cast of an episode; see `draw_objects` for its arguments."""
    count = int(rng.choice([2, 3, 4], p=[0.22, 0.46, 0.32]))
    objects = draw_objects(rng, unseen=unseen, count=count)
    furniture = draw_furniture(rng, wanted=_bowl_for(objects, rng, unseen=unseen))
    passive = int(rng.integers(0, max(count - 1, 1)))  # 2 objects: none, 4: up to 2
    roles: list[Role] = []
    held = rng.random() < 0.22
    for index, item in enumerate(objects):
        place = _draw_place(item, furniture, [role.place for role in roles], rng)
        support, lying, active = -1, False, index < count - passive
        rights = unseen or not is_unseen_action('set upright', item.kind)
        if held and index == 0:
            place = 'gripper'
        elif place == 'table' and item.kind in TALL and rights and rng.random() < 0.16:
            lying = True
        elif place == 'table' and item.kind in POSSIBLE_KINDS['stack'] and rng.random() < 0.25:
            bases = [
                i for i, role in enumerate(roles)
                if role.item.kind in FLAT_TOPS and role.place == 'table' and active
                and all(other.support != i for other in roles)
            ]  # fmt: skip
            if bases:
                place, support = 'object', bases[0]
        roles.append(Role(item, place, support, lying, active))
    return Cast(tuple(roles), furniture, bool(rng.random() < 0.4))


def set_stage(
    cast: Cast, rng: np.random.Generator, *, unseen_camera: bool,
    suits: Callable[[PlanWriter, Room], bool] | None = None,
) -> tuple[PlanWriter, Room] | None:  # fmt: skip
    """Find places for a cast where everything has room and is seen.

    Args:
        cast: Objects and furniture.
        rng: Source of randomness.
        unseen_camera: Whether the camera stands where training never puts it.
        suits: Judges the finished stage.

    Returns:
        The begun plan and its room; None if no places were found.
    """
    assert len(cast.roles) <= MAX_OBJECTS
    kinds = [role.item.kind for role in cast.roles]
    objects = tuple(role.item for role in cast.roles)
    for _ in range(_STAGE_TRIES):
        layout = draw_stage(cast.furniture, rng, unseen=unseen_camera)
        # In a third of the scenes objects may partly hide each other.
        room = Room(layout, kinds, covered=0.40 if rng.random() < 0.35 else 0.18)
        if not room.furniture_seen():
            continue
        for _ in range(_PLACE_TRIES):
            writer = PlanWriter(objects, layout, drawer_open=cast.drawer_open, rng=rng)
            if _place_all(cast, writer, room, rng) and (suits is None or suits(writer, room)):
                return writer, room
    return None


def _place_all(cast: Cast, writer: PlanWriter, room: Room, rng: np.random.Generator) -> bool:
    for index, role in enumerate(cast.roles):
        if role.place == 'table':
            pose = _table_pose(writer, room, index, role.lying, rng)
        elif role.place == 'gripper':
            pose = (0.0, 0.0, 0.0, 0.0, 0.0)
        elif role.place == 'object':
            pose = _stacked_pose(writer, index, role.support)
        else:
            pose = slot_pose(writer, index, role.place)
        if pose is None:
            return False
        writer.start(index, Start(pose, role.place, role.support, role.lying))
    return room.seen(writer.table_poses())


def _stacked_pose(writer: PlanWriter, index: int, support: int) -> Pose:
    kind, base = writer.kind(index), writer.pose(support)
    z = top(writer.kind(support), base) + SHAPES[kind].height / 2
    return base[0], base[1], z, base[3], 0.0


def _table_pose(
    writer: PlanWriter, room: Room, index: int, lying: bool, rng: np.random.Generator
) -> Pose | None:
    kind = writer.kind(index)
    half = SHAPES[kind].height / 2
    for _ in range(8):
        x, y = float(rng.uniform(-0.2, 0.2)), float(rng.uniform(-0.175, 0.012))
        heading = writer.home_yaw - math.pi / 2 + float(rng.uniform(-0.9, 0.9))
        if rng.random() < 0.5:
            heading += math.pi
        pose = (x, y, half, heading, 0.0)
        if lying:
            heading = float(rng.uniform(-math.pi, math.pi))
            z, tilt = toppled(kind, (x, y, half, heading, 0.0), lying_tilt(kind))[2::2]
            pose = (x, y, z, heading, tilt)
        if room.stands_free(cover(kind, pose), writer.table_covers(index)):
            return pose
    return None
