# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What goes into a clip: messages as bytes, and the last seconds of them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from vljepa_ros.stream.stamps import SECOND_NS


@dataclass(frozen=True)
class Topic:
    """A topic of a clip.

    Attributes:
        name: in full, as /camera/image_raw.
        kind: its type, as sensor_msgs/msg/Image.
        latched: whether who subscribes late gets the last messages (transient local).
    """

    name: str
    kind: str
    latched: bool = False


@dataclass(frozen=True)
class Record:
    """A message: its topic, when it came in nanoseconds of the node's clock, and its CDR."""

    topic: Topic
    logged_ns: int
    data: bytes


class Ring:
    """The last seconds of messages, bounded in time and in bytes.

    Attributes:
        held_bytes: of all messages in it.
        cut_short: whether messages had to go for the bytes that were not too old.
    """

    def __init__(self, *, seconds: float, max_bytes: int) -> None:
        """Create an empty ring.

        Args:
            seconds: how far back it reaches.
            max_bytes: how much it may hold.
        """
        self.held_bytes = 0
        self.cut_short = False
        self._span_ns = round(seconds * SECOND_NS)
        self._max_bytes = max_bytes
        self._records: deque[Record] = deque()

    def add(self, record: Record) -> None:
        """Add the newest message; the oldest ones go."""
        self._records.append(record)
        self.held_bytes += len(record.data)
        oldest_ns = record.logged_ns - self._span_ns
        while self._records and self._records[0].logged_ns < oldest_ns:
            self._drop()
            self.cut_short = False
        while self.held_bytes > self._max_bytes:
            self._drop()
            self.cut_short = True

    def take(self, since_ns: int) -> list[Record]:
        """Return the messages from a moment on, the oldest first, and hold them no more."""
        records = list(self._records)
        taken = [record for record in records if record.logged_ns >= since_ns]
        self._records = deque(record for record in records if record.logged_ns < since_ns)
        self.held_bytes -= sum(len(record.data) for record in taken)
        return taken

    def clear(self) -> None:
        """Hold none any more."""
        self._records.clear()
        self.held_bytes = 0

    def _drop(self) -> None:
        self.held_bytes -= len(self._records.popleft().data)
