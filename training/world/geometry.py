# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sizes and names of the things in the world, shared by the plan and the pictures.

Lengths are metres. The table top is z = 0, x points right and y away from the camera when its
azimuth offset is zero.
"""

from __future__ import annotations

from dataclasses import dataclass


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
    'can': Shape(0.034, 0.092, 0.058, 0.034),
    # Taken by the neck, so that the body hangs below the fingers in full view.
    'bottle': Shape(0.034, 0.145, 0.108, 0.015),
    'cup': Shape(0.036, 0.075, 0.045, 0.036),  # the handle is behind its heading
    'box': Shape(0.036, 0.115, 0.080, 0.030),  # see BOX_HALF
    'cone': Shape(0.042, 0.100, 0.060, 0.018),
    'ring': Shape(0.047, 0.028, 0.012, 0.047),
    'pear': Shape(0.035, 0.095, 0.060, 0.022),
    'banana': Shape(0.055, 0.036, 0.016, 0.018),  # lies along its heading
    'mushroom': Shape(0.041, 0.078, 0.052, 0.041),
    'star': Shape(0.048, 0.030, 0.014, 0.030),
}
BOX_HALF = (0.036, 0.030)  # along its heading and across

# Arm: a yaw joint on a column, two links of equal length, a wrist that keeps the gripper upright.
BASE_Y = 0.44
SHOULDER_Z = 0.18
LINK = 0.37
GRIPPER_LENGTH = 0.16  # fingertips to wrist joint
FINGER_LENGTH = 0.072
FINGER_HALF_THICKNESS = 0.006
PALM_HALF_LENGTH = 0.060

# Furniture stands on the table; its origin is its middle (of the drawer: of its front) at z = 0.
# The bowl is a ring of leaning walls around a disc.
BOWL_RADIUS = 0.083
BOWL_HEIGHT = 0.042
BOWL_FLOOR = 0.006
PLATE_RADIUS = 0.085
PLATE_FLOOR = 0.006  # the rim is higher
PLATE_HEIGHT = 0.014
TRAY_HALF = (0.088, 0.066)
TRAY_FLOOR = 0.006
TRAY_HEIGHT = 0.020
# The basket's walls are slats with gaps, so that what is inside is seen.
BASKET_HALF = (0.072, 0.064)
BASKET_FLOOR = 0.006
BASKET_HEIGHT = 0.052
# A board on two side panels, open in front; the height is that of the board's top.
SHELF_HALF = (0.085, 0.055)
SHELF_HEIGHT = 0.085

# The cabinet with the drawer extends to +y from its front.
CABINET_WIDTH = 0.150
CABINET_DEPTH = 0.130
CABINET_HEIGHT = 0.115
DRAWER_TRAVEL = 0.110
DRAWER_FLOOR = 0.012
HANDLE_OUT = 0.036
HANDLE_Z = 0.062

TABLE_HALF = 0.75
