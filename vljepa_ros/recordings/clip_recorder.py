# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Keeps the seconds around events: a ring in memory, and clips on disk."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from vljepa_ros.recordings.clip_config import ClipConfig, ClipCounts
from vljepa_ros.recordings.clip_folder import ClipFolder
from vljepa_ros.recordings.clip_writer import ClipWriter
from vljepa_ros.recordings.ring import Record, Ring
from vljepa_ros.stream.stamps import SECOND_NS

# An event is known only some time after its change; the ring reaches back so much further.
DETECTION_S = 10.0
# Time that runs back by more than this is another time: a recording that starts again.
JUMP_NS = SECOND_NS


class ClipRecorder:
    """Takes messages and events from any thread; a thread of its own writes.

    What has been written is no longer in the ring, so no message is written twice: an event
    within an open clip only makes it longer.

    Attributes:
        counts: so far.
    """

    def __init__(
        self,
        folder: ClipFolder,
        config: ClipConfig,
        *,
        on_clip: Callable[[Path], None] = lambda path: None,
        on_problem: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        """Start the thread.

        Args:
            folder: an open one; it is the caller's to close.
            config: what is kept.
            on_clip: is told of each clip that is complete, by the thread.
            on_problem: is told what went wrong, by the thread; the recorder goes on.
        """
        self.counts = ClipCounts()
        self._folder, self._config = folder, config
        self._on_clip, self._on_problem = on_clip, on_problem
        self._ring = Ring(seconds=config.before_s + DETECTION_S, max_bytes=config.buffer_bytes)
        self._until: dict[str, int] = {}  # by segment; what comes until then is kept
        self._newest_ns = 0
        # What the thread has to do: write a message, or complete the clip (None).
        self._waiting: deque[Record | None] = deque()
        self._waiting_bytes = 0
        self._changed = threading.Condition()
        self._closed = False
        self._clip: ClipWriter | None = None
        self._failed = False
        self._thread = threading.Thread(target=self._run, name='vljepa_clips', daemon=True)
        self._thread.start()

    @property
    def is_open(self) -> bool:
        """Whether messages that come now are kept."""
        return bool(self._until)

    @property
    def ring_cut_short(self) -> bool:
        """Whether the seconds before an event do not fit the buffer."""
        return self._ring.cut_short

    def add(self, record: Record) -> None:
        """Take a message."""
        with self._changed:
            self._pass_to(record.logged_ns)
            if self._until:
                self._send(record)
            else:
                self._ring.add(record)

    def started(self, segment: str, record: Record, *, age_s: float) -> None:
        """Take the event that a segment has started, and begin or prolong a clip.

        Args:
            segment: its name.
            record: the event's message.
            age_s: how long ago the change was, in seconds.
        """
        with self._changed:
            self._pass_to(record.logged_ns)
            self._begin(record.logged_ns, age_s)
            self._until[segment] = record.logged_ns + round(self._config.after_s * SECOND_NS)
            self._send(record)

    def ended(self, segment: str, record: Record, *, age_s: float) -> None:
        """Take the event that a segment has ended, with what came before it.

        Args:
            segment: its name.
            record: the event's message.
            age_s: how long ago its end was, in seconds.
        """
        with self._changed:
            self._pass_to(record.logged_ns)
            self._begin(record.logged_ns, age_s)
            self._until[segment] = record.logged_ns
            self._send(record)

    def tick(self, now_ns: int) -> None:
        """Complete a clip whose time is over, though no message comes any more."""
        with self._changed:
            self._pass_to(now_ns)

    def close(self) -> None:
        """Complete the open clip and stop the thread."""
        with self._changed:
            self._complete()
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def flush(self) -> None:
        """Wait until everything that was sent is written."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting)

    def _begin(self, now_ns: int, age_s: float) -> None:
        """Send what came before an event, as far as it has not been sent."""
        reach_s = self._config.before_s + max(0.0, age_s)
        for record in self._ring.take(now_ns - round(reach_s * SECOND_NS)):
            self._send(record)

    def _pass_to(self, now_ns: int) -> None:
        """Note the time; complete what is over."""
        jumped = now_ns < self._newest_ns - JUMP_NS
        self._newest_ns = now_ns if jumped else max(now_ns, self._newest_ns)
        if jumped:
            self._ring.clear()
        if self._until and (jumped or now_ns > max(self._until.values())):
            self._complete()

    def _complete(self) -> None:
        if self._until:
            self._until.clear()
            self._waiting.append(None)
            self._changed.notify_all()

    def _send(self, record: Record) -> None:
        """Have the thread write a message, unless it is far behind."""
        if self._waiting_bytes + len(record.data) > self._config.buffer_bytes:
            self.counts.lost += 1
            return
        self._waiting.append(record)
        self._waiting_bytes += len(record.data)
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                item = self._waiting[0]
            try:
                self._do(item)
            except Exception as error:  # a full disk, or what a library makes of it
                self._give_up(error)
            if item is None:
                self._failed = False
            with self._changed:  # only now: `flush` waits for what is done
                self._waiting.popleft()
                self._waiting_bytes -= 0 if item is None else len(item.data)
                self._changed.notify_all()

    def _do(self, item: Record | None) -> None:
        if item is None:
            self._finish()
        elif not self._failed:
            self._write(item)

    def _write(self, record: Record) -> None:
        clip = self._clip
        if clip is not None and self._is_full(clip, record):
            self._finish()
        if self._clip is None:
            self._clip = self._folder.begin(record.logged_ns)
        self._folder.make_room(self._clip.written_bytes + len(record.data))
        self._clip.write(record)
        self.counts.messages += 1

    def _is_full(self, clip: ClipWriter, record: Record) -> bool:
        # Half the quota: so the newest complete clip always stays.
        grown = clip.written_bytes + len(record.data) > self._folder.quota_bytes // 2
        too_long = record.logged_ns - clip.first_ns > self._config.max_clip_s * SECOND_NS
        return grown or too_long

    def _finish(self) -> None:
        if self._clip is None:
            return
        path = self._folder.finish(self._clip)
        self.counts.clips += 1
        self.counts.written_bytes += self._clip.written_bytes
        self._clip = None
        self._on_clip(path)

    def _give_up(self, error: Exception) -> None:
        """Leave the clip, say why, and go on with the next event."""
        clip, self._clip = self._clip, None
        if clip is not None:
            clip.abort()
        self._failed = True
        self._on_problem(
            f'A clip could not be written to {str(self._folder.path)!r}: {error}. It is left out; '
            'the next event is tried again. Free space on the disk, or give another folder'
        )
