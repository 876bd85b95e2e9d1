# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What reads images and videos."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from vljepa_ros.doctor.child import in_child
from vljepa_ros.doctor.findings import Finding, Level, note, ok, sentence
from vljepa_ros.doctor.libraries import is_there, library, skipped
from vljepa_ros.errors import VljepaError

ENCODINGS = 'Unusual encodings'


def opencv() -> Iterator[Finding]:
    """Look at OpenCV."""
    yield from library(
        'cv2',
        'resize',
        'pip install opencv-python-headless (on a ROS installation: sudo apt install '
        'python3-opencv)',
        distribution='opencv-python-headless',
        missing=Level.FAIL,
        why='it shrinks the images',
    )


def encodings() -> Iterator[Finding]:
    """Look whether images that are neither RGB nor grey in 8 bits can be read."""
    if not is_there('rclpy'):
        yield skipped(ENCODINGS, 'it needs ROS 2')
        return
    yield from in_child(ENCODINGS, try_converters)


def try_converters() -> Iterator[Finding]:
    """Convert a pixel; runs in a child process."""
    try:
        from vljepa_ros.nodes import images
    except VljepaError as error:  # no messages and services
        yield skipped(ENCODINGS, sentence(error))
        return
    plain = ', '.join(images.PLAIN_ENCODINGS)
    try:
        yield ok(ENCODINGS, f'{images.converter_name()} converts what is not {plain}')
    except VljepaError:
        yield note(
            ENCODINGS,
            f'Only {plain} can be read: neither cv_bridge nor rosbags-image works here',
            'sudo apt install ros-$ROS_DISTRO-cv-bridge, or '
            f'{sys.executable} -m pip install rosbags-image',
        )
