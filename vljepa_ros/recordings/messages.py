# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The message types of recordings: their definitions, and messages as bytes."""

from __future__ import annotations

import functools
from typing import Any

from vljepa_ros.recordings.rosbags_library import Stores, get_types_from_msg, get_typestore
from vljepa_ros.resources import find_resource

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'
EMBEDDING = 'vljepa_ros/msg/Embedding'
EVENT = 'vljepa_ros/msg/SemanticEvent'
ALERT = 'vljepa_ros/msg/Alert'


@functools.cache
def typestore() -> Any:
    """Return rosbags' types of messages, this package's own among them.

    The messages of the standard packages that are used here are the same in every distribution.

    Raises:
        ResourceNotFoundError: the definitions of this package's messages are not installed.
    """
    store = get_typestore(Stores.ROS2_HUMBLE)
    for kind in (EMBEDDING, EVENT, ALERT):
        package, _, name = kind.split('/')
        text = find_resource(f'msg/{name}.msg').read_text(encoding='utf-8')
        store.register(get_types_from_msg(text, f'{package}/msg/{name}'))
    return store


def message(kind: str, **fields: Any) -> Any:
    """Return a message; lists of numbers are NumPy arrays of the field's type."""
    return typestore().types[kind](**fields)


def serialize(kind: str, value: Any) -> bytes:
    """Return a message as CDR, as it is on the wire."""
    return bytes(typestore().serialize_cdr(value, kind))


def header(stamp_ns: int, frame_id: str = '') -> Any:
    """Return a std_msgs/Header."""
    return message('std_msgs/msg/Header', stamp=time(stamp_ns), frame_id=frame_id)


def time(stamp_ns: int) -> Any:
    """Return a builtin_interfaces/Time."""
    seconds, nanoseconds = divmod(stamp_ns, 1_000_000_000)
    return message('builtin_interfaces/msg/Time', sec=seconds, nanosec=nanoseconds)


def to_ns(stamp: Any) -> int:
    """Return a builtin_interfaces/Time in nanoseconds."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
