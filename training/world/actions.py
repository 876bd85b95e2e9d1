# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Draws what the robot does: which actions, on which objects, in which order."""

from __future__ import annotations

import math

import numpy as np

from training.world.geometry import COLOURS, KINDS
from training.world.layout import Room, draw_layout
from training.world.motions import ACTION_S, TRAVEL_Z, PlanWriter
from training.world.script import ObjectInfo, Plan

_IDLE_S = (1.0, 2.0)
_PUSH_M = (0.080, 0.120)


def _plan_push(
    writer: PlanWriter, room: Room, index: int, rng: np.random.Generator
) -> tuple[tuple[float, float], float] | None:
    """Draw a direction and a length for a push, or None if no room was found."""
    point = writer.point(index)
    if point is None:
        return None
    others = writer.others(index)
    right = writer.layout.camera.right
    for _ in range(24):
        side = 1.0 if rng.random() < 0.5 else -1.0
        lean = float(rng.uniform(-0.2, 0.2))
        ux = side * (right[0] * math.cos(lean) - right[1] * math.sin(lean))
        uy = side * (right[0] * math.sin(lean) + right[1] * math.cos(lean))
        length = float(rng.uniform(*_PUSH_M))
        end = (point[0] + length * ux, point[1] + length * uy)
        places = [end if i == index else writer.point(i) for i in range(len(writer.objects))]
        behind = (point[0] - 0.075 * ux, point[1] - 0.075 * uy)
        if (
            room.hand_seen((*behind, TRAVEL_Z))
            and room.stands_free(end, others, room=0.12)
            and room.path_free(point, end, others)
            and room.seen(places)
        ):
            return (ux, uy), length
    return None


def _act(writer: PlanWriter, room: Room, rng: np.random.Generator, *, last: bool) -> bool:
    """Draw and write one action; False if none was possible."""
    if writer.held is not None:
        writer.put_in()
        return True
    free = [i for i in range(len(writer.objects)) if i != writer.in_bowl]
    choices, weights = [], []
    # What is picked up can only be put into an empty bowl, or stay held at the end.
    if free and (last or writer.in_bowl is None):
        choices.append('pick up')
        weights.append(0.22)
    if free:
        choices.append('push')
        weights.append(0.70)
    if not writer.drawer_open:
        choices.append('open')
        weights.append(0.08)
    while choices:
        share = np.array(weights) / sum(weights)
        at = int(rng.choice(len(choices), p=share))
        action = choices.pop(at)
        weights.pop(at)
        if action == 'open':
            writer.open_drawer()
            return True
        for index in rng.permutation(free).tolist():
            if action == 'pick up':
                writer.pick_up(index)
                return True
            push = _plan_push(writer, room, index, rng)
            if push is not None:
                writer.push(index, *push)
                return True
    return False


def _draw_objects(rng: np.random.Generator) -> tuple[ObjectInfo, ...]:
    pairs = [ObjectInfo(kind, colour) for kind in KINDS for colour in COLOURS]
    chosen = rng.choice(len(pairs), size=int(rng.integers(2, 4)), replace=False)
    return tuple(pairs[i] for i in chosen)


def draw_plan(rng: np.random.Generator, *, actions: int, seconds: float | None = None) -> Plan:
    """Draw an episode.

    Args:
        rng: Source of randomness.
        actions: Number of actions, 0 for a still scene.
        seconds: Wanted length. The last idle time is drawn out to reach it, and actions that
            do not fit are left out. None leaves the length to chance.
    """
    objects = _draw_objects(rng)
    layout = draw_layout([item.kind for item in objects], rng)
    writer = PlanWriter(objects, layout, rng)
    room = Room(layout, [item.kind for item in objects])
    first = float(rng.uniform(*_IDLE_S))
    writer.idle(first if seconds is None else min(first, seconds))
    longest = max(high for _, high in ACTION_S.values()) + _IDLE_S[1]
    for count in range(actions):
        if seconds is not None and writer.time_s + longest > seconds:
            break
        if not _act(writer, room, rng, last=count == actions - 1):
            break
        writer.idle(float(rng.uniform(*_IDLE_S)))
    if seconds is not None and writer.time_s < seconds:
        writer.idle(seconds - writer.time_s)
    return writer.plan()
