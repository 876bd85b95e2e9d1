# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Closed-form inverse kinematics of the arm."""

from __future__ import annotations

import math

from training.world.geometry import BASE_Y, GRIPPER_LENGTH, LINK, SHOULDER_Z


def joint_angles(
    x: float, y: float, z: float, yaw: float
) -> tuple[float, float, float, float, float]:
    """Solve the arm for a fingertip position with the gripper pointing down.

    Args:
        x: Fingertip position, metres.
        y: Fingertip position, metres.
        z: Fingertip height, metres.
        yaw: Direction of the axis along which the fingers open, radians.

    Returns:
        Angles in radians: base yaw, shoulder pitch, elbow pitch, wrist pitch, wrist roll. The
        elbow points up (the upper of the two solutions). A target out of reach is answered with
        the arm stretched towards it.
    """
    dx, dy = x, y - BASE_Y
    base = math.atan2(dy, dx)
    reach = math.hypot(dx, dy)
    rise = z + GRIPPER_LENGTH - SHOULDER_Z
    distance = min(math.hypot(reach, rise), 2 * LINK - 1e-6)
    # The links are equal, so the triangle shoulder-elbow-wrist is isosceles.
    inner = math.acos(distance / (2 * LINK))
    shoulder = math.atan2(rise, reach) + inner
    elbow = -2 * inner
    return base, shoulder, elbow, -(shoulder + elbow), yaw - base


def reachable(x: float, y: float, z: float) -> bool:
    """Tell whether the fingertips reach a point (metres) with the gripper pointing down."""
    return math.dist((x, y - BASE_Y, z + GRIPPER_LENGTH - SHOULDER_Z), (0, 0, 0)) < 2 * LINK
