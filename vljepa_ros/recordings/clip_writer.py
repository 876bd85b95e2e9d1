# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One clip: a rosbag2 folder with an MCAP file, which is there only when it is whole."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any

from vljepa_ros.recordings.messages import typestore
from vljepa_ros.recordings.ring import Record, Topic
from vljepa_ros.recordings.rosbags_library import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
    StoragePlugin,
    Writer,
)

# The newest form of metadata.yaml that Humble's `ros2 bag` reads, and all later ones do.
METADATA_VERSION = 8
RECORD_BYTES = 48  # a message's place in the file and in its index
NEVER = QosTime(0, 0)  # as rosbag2 writes a duration that is not set


class ClipWriter:
    """Writes a clip into a folder beside the finished ones.

    Attributes:
        path: of the unfinished clip.
        first_ns: when its first message came.
        written_bytes: of the messages so far; the file is a little larger.
    """

    def __init__(self, path: Path, first_ns: int) -> None:
        """Begin a clip.

        Args:
            path: a folder that does not exist; its name is that of the clip.
            first_ns: when its first message came.

        Raises:
            OSError: it cannot be written.
        """
        self.path = path
        self.first_ns = first_ns
        self.written_bytes = 0
        self._writer = Writer(path, version=METADATA_VERSION, storage_plugin=StoragePlugin.MCAP)
        self._writer.open()
        self._connections: dict[Topic, Any] = {}

    def write(self, record: Record) -> None:
        """Add a message.

        Raises:
            OSError: it cannot be written.
        """
        connection = self._connections.get(record.topic)
        if connection is None:
            connection = self._connections[record.topic] = self._writer.add_connection(
                record.topic.name,
                record.topic.kind,
                typestore=typestore(),
                offered_qos_profiles=[_qos(record.topic)],
            )
        self._writer.write(connection, record.logged_ns, record.data)
        self.written_bytes += len(record.data) + RECORD_BYTES

    def finish(self, folder: Path) -> Path:
        """Complete the clip and move it into a folder, in one step.

        Returns:
            Where it is now.

        Raises:
            OSError: it cannot be written.
        """
        self._writer.close()
        for part in (*self.path.iterdir(), self.path):
            _to_disk(part)
        goal = folder / self.path.name
        self.path.rename(goal)
        _to_disk(folder)
        return goal

    def abort(self) -> None:
        """Leave nothing behind."""
        with contextlib.suppress(Exception):  # what it still holds cannot be written
            self._writer.abort()
        shutil.rmtree(self.path, ignore_errors=True)


def _qos(topic: Topic) -> Qos:
    """Return what `ros2 bag play` publishes a topic with."""
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=50 if topic.latched else 10,
        reliability=QosReliability.RELIABLE,
        durability=QosDurability.TRANSIENT_LOCAL if topic.latched else QosDurability.VOLATILE,
        deadline=NEVER,
        lifespan=NEVER,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=NEVER,
        avoid_ros_namespace_conventions=False,
    )


def _to_disk(path: Path) -> None:
    """Have a file or a folder survive a power cut."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
