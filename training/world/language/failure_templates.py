# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sentences about actions that fail; slots as in `templates`."""

from __future__ import annotations

SEEN_FAILURES: dict[str, tuple[str, ...]] = {
    'failed pick up': (
        'The robot tries to pick up the {o}, but it slips.',
        'The robot fails to pick up the {o}.',
        'The robot does not succeed in picking up the {o}.',
        'The robot arm tries to lift the {o}, but drops it.',
        'The {o} slips out of the gripper.',
        'The {o} is lifted, but slips out of the fingers.',
        'The gripper closes on the {o}, but the {o} slips away.',
        '{ao} slips from the gripper while the arm lifts it.',
        'The arm tries to take the {o} without success.',
        'fail to pick up {o}',
        'try to pick up the {o} and fail',
        'failing to pick up {ao}',
    ),
    'failed put in': (
        'The robot tries to put the {o} into the {t}, but it falls beside it.',
        'The robot fails to put the {o} into the {t}.',
        'The robot does not succeed in putting the {o} into the {t}.',
        'The robot arm tries to place the {o} in the {t}, but misses.',
        'The {o} misses the {t} and falls on the table.',
        'The {o} falls down beside the {t}.',
        'The gripper lets go of the {o}, but it lands next to the {t}.',
        '{ao} is dropped next to the {t} instead of into it.',
        'The arm tries to put the {o} in the {t} without success.',
        'fail to put {o} in {t}',
        'try to put the {o} into the {t} and fail',
        'failing to put {ao} into {at}',
    ),
    'failed stack': (
        'The robot tries to stack the {o} on the {r}, but it falls beside it.',
        'The robot fails to stack the {o} on the {r}.',
        'The robot does not succeed in stacking the {o} on the {r}.',
        'The robot arm tries to put the {o} on top of the {r}, but misses.',
        'The {o} misses the {r} and falls on the table.',
        'The {o} falls off the {r}.',
        'The gripper lets go of the {o}, but it lands next to the {r}.',
        '{ao} is dropped next to the {r} instead of on top of it.',
        'The arm tries to stack the {o} on the {r} without success.',
        'fail to stack {o} on {r}',
        'try to stack the {o} on the {r} and fail',
        'failing to stack {ao} on {ar}',
    ),
    'failed open': (
        'The robot tries to open the {t}, but its fingers slip off the handle.',
        'The robot fails to open the {t}.',
        'The robot does not succeed in opening the {t}.',
        'The robot arm tries to pull the {t} open, but the handle slips away.',
        'The {t} stays closed although the gripper pulls at its handle.',
        'The fingers slip off the handle of the {t}.',
        'The gripper loses the handle and the {t} stays shut.',
        'The {t} is pulled, but it does not open.',
        'The arm tries to open the {t} without success.',
        'fail to open {t}',
        'try to open the {t} and fail',
        'failing to open {at}',
    ),
}  # fmt: skip

UNSEEN_FAILURES: dict[str, tuple[str, ...]] = {
    'failed pick up': (
        'The machine unsuccessfully attempts to grab the {o}.',
        'The manipulator fumbles and drops the {o}.',
        'The {o} escapes from the claw.',
        'The droid does not manage to grab the {o}.',
        '{ao} tumbles out of the grip of the machine.',
        'attempt to grab {o} and fail',
    ),
    'failed put in': (
        'The machine unsuccessfully attempts to deposit the {o} in the {t}.',
        'The {o} tumbles down beside the {t}.',
        'The droid does not manage to deposit the {o} in the {t}.',
        'The manipulator fumbles and leaves the {o} beside the {t}.',
        'The claw fumbles and the {o} falls next to the {t}.',
        'attempt to deposit {o} in {t} and fail',
    ),
    'failed stack': (
        'The machine unsuccessfully attempts to pile the {o} upon the {r}.',
        'The {o} tumbles down beside the {r}.',
        'The droid does not manage to balance the {o} atop the {r}.',
        'The manipulator fumbles and the {o} falls off the {r}.',
        'The machine cannot balance the {o} upon the {r}.',
        'attempt to pile {o} upon {r} and fail',
    ),
    'failed open': (
        'The machine unsuccessfully attempts to tug the {t} open.',
        'The claw tugs at the handle, but the {t} stays closed.',
        'The droid does not manage to open the {t}.',
        'The manipulator cannot open the {t}.',
        'The handle escapes from the claw and the {t} stays shut.',
        'attempt to tug {t} open and fail',
    ),
}  # fmt: skip
