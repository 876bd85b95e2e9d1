# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sizes and names of the things in the world, shared by the plan and the pictures.

Lengths are metres. The table top is z = 0, x points right and y away from the camera when its
azimuth offset is zero.
"""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ('cube', 'ball', 'can', 'bottle')
COLOURS = ('red', 'green', 'blue', 'yellow')
ACTIONS = ('idle', 'pick up', 'put in', 'push', 'open')
PLACES = ('table', 'bowl', 'gripper')
MAX_OBJECTS = 3


@dataclass(frozen=True)
class Shape:
    """Outer size of an object kind and where the gripper takes it.

    Attributes:
        half_width: Half of the width seen from the side.
        height: Height when it stands on the table.
        grasp_height: Height of the fingertips above the object's bottom in a grasp.
        grasp_half_width: Half of the finger gap in a grasp.
    """

    half_width: float
    height: float
    grasp_height: float
    grasp_half_width: float


SHAPES = {
    'cube': Shape(0.035, 0.070, 0.030, 0.035),
    'ball': Shape(0.037, 0.074, 0.032, 0.037),
    'can': Shape(0.035, 0.092, 0.058, 0.035),
    # Taken by the neck, so that the body hangs below the fingers in full view.
    'bottle': Shape(0.035, 0.145, 0.108, 0.015),
}

# Arm: a yaw joint on a column, two links of equal length, a wrist that keeps the gripper upright.
BASE_Y = 0.44
SHOULDER_Z = 0.18
LINK = 0.37
GRIPPER_LENGTH = 0.16  # fingertips to wrist joint
FINGER_LENGTH = 0.072
FINGER_HALF_THICKNESS = 0.006
PALM_HALF_LENGTH = 0.052

# The bowl is a ring of leaning walls around a disc.
BOWL_RADIUS = 0.083
BOWL_HEIGHT = 0.042
BOWL_FLOOR = 0.006

# The origin of the cabinet is the middle of its front at table height; it extends to +y.
CABINET_WIDTH = 0.140
CABINET_DEPTH = 0.130
CABINET_HEIGHT = 0.100
DRAWER_TRAVEL = 0.105
HANDLE_OUT = 0.036
HANDLE_Z = 0.056

TABLE_HALF = 0.75
