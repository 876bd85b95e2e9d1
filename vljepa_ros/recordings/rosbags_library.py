# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is used of rosbags: its one importer, so that its lack is one clear error."""

from vljepa_ros.errors import MissingDependencyError

try:
    from rosbags.highlevel import AnyReader
    from rosbags.interfaces import (
        Qos,
        QosDurability,
        QosHistory,
        QosLiveliness,
        QosReliability,
        QosTime,
    )
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore
except ImportError as error:
    raise MissingDependencyError(
        f'Recordings need the library rosbags, which cannot be imported ({error}). '
        'Install it with: pip install rosbags mcap'
    ) from error

__all__ = [
    'AnyReader',
    'Qos',
    'QosDurability',
    'QosHistory',
    'QosLiveliness',
    'QosReliability',
    'QosTime',
    'StoragePlugin',
    'Stores',
    'Writer',
    'get_types_from_msg',
    'get_typestore',
]
