# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The folder of the clips: names, a quota, and what a crash left behind."""

from __future__ import annotations

import contextlib
import fcntl
import re
import shutil
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from vljepa_ros.errors import RecordingError
from vljepa_ros.recordings.clip_writer import ClipWriter
from vljepa_ros.recordings.mcap_scan import scan
from vljepa_ros.recordings.ring import Record, Topic
from vljepa_ros.stream.stamps import SECOND_NS

UNFINISHED = '.unfinished'
RECOVERED = '.recovered'
LOCK = '.lock'
CLIP_NAME = re.compile(r'clip_\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d_\d{3}(_\d+)?')


class ClipFolder:
    """Holds clips of at most `quota_bytes`; the oldest go first.

    Only folders that are named and filled as clips are counted or removed: a clip that is renamed
    stays for ever.
    """

    def __init__(
        self, path: Path, *, quota_bytes: int, say: Callable[[str], None] = lambda sentence: None
    ) -> None:
        """Open the folder, creating it; complete or remove what a crash has left in it.

        Args:
            path: the folder.
            quota_bytes: how much the clips may take.
            say: is told in a sentence what became of what was left.

        Raises:
            RecordingError: it cannot be written, or another process writes clips into it.
        """
        self.path = path
        self.quota_bytes = quota_bytes
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = (path / LOCK).open('w')
        except OSError as error:
            raise RecordingError(
                f'The folder for clips {str(path)!r} cannot be written: {error}. Give another one'
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise RecordingError(
                f'Another process writes clips into {str(path)!r}. Give each a folder of its own'
            ) from error
        try:
            self._recover(say)
            self._sizes = {clip: _size(clip) for clip in self._clips_by_age()}
        except OSError as error:
            self._lock.close()
            raise RecordingError(
                f'The folder for clips {str(path)!r} cannot be used: {error}'
            ) from error

    @property
    def used_bytes(self) -> int:
        """How much the finished clips take."""
        return sum(list(self._sizes.values()))  # the list at once: others may ask meanwhile

    @property
    def clips(self) -> list[Path]:
        """The finished clips, the oldest first."""
        return list(self._sizes)

    def close(self) -> None:
        """Let others write here."""
        self._lock.close()

    def begin(self, first_ns: int) -> ClipWriter:
        """Begin a clip, named after its first moment (UTC).

        Raises:
            OSError: it cannot be written.
        """
        moment = datetime.fromtimestamp(first_ns // SECOND_NS, timezone.utc)
        milliseconds = first_ns // 1_000_000 % 1000
        name = f'clip_{moment:%Y_%m_%d-%H_%M_%S}_{milliseconds:03d}'
        number, free = 1, name
        while (self.path / free).exists():  # simulated time may begin anew
            number += 1
            free = f'{name}_{number}'
        return ClipWriter(self.path / UNFINISHED / free, first_ns)

    def finish(self, clip: ClipWriter) -> Path:
        """Take in a clip that is complete, and keep to the quota.

        Raises:
            OSError: it cannot be written.
        """
        path = clip.finish(self.path)
        self._sizes[path] = _size(path)
        self.make_room(0, keep=path)
        return path

    def make_room(self, size: int, *, keep: Path | None = None) -> None:
        """Remove the oldest clips until so many bytes more fit the quota.

        Args:
            size: in bytes.
            keep: a clip that stays.
        """
        for clip in self.clips:
            if self.used_bytes + size <= self.quota_bytes:
                return
            if clip != keep:
                _remove(clip)
                del self._sizes[clip]

    def _clips_by_age(self) -> list[Path]:
        # By the clock of the machine: names tell the time of the messages, which may be simulated.
        clips = [clip for clip in self.path.iterdir() if _is_clip(clip)]
        return sorted(clips, key=lambda clip: (clip.stat().st_mtime_ns, clip.name))

    def _recover(self, say: Callable[[str], None]) -> None:
        unfinished = self.path / UNFINISHED
        shutil.rmtree(unfinished / RECOVERED, ignore_errors=True)
        unfinished.mkdir(exist_ok=True)
        for left in sorted(unfinished.iterdir()):
            count = self._complete(left)
            if count:
                say(f'A clip that was not complete was recovered: {left.name}, {count} messages')
            else:
                say(f'A clip that was not complete held nothing and was removed: {left.name}')
            shutil.rmtree(left, ignore_errors=True)
        shutil.rmtree(unfinished / RECOVERED, ignore_errors=True)

    def _complete(self, left: Path) -> int:
        """Write what can be read of an unfinished clip as a clip; return its messages."""
        writer: ClipWriter | None = None
        count = 0
        for found in scan(left / f'{left.name}.mcap'):
            topic = Topic(found.topic, found.kind, latched=found.latched)
            if writer is None:
                writer = ClipWriter(left.parent / RECOVERED / left.name, found.logged_ns)
            writer.write(Record(topic, found.logged_ns, found.data))
            count += 1
        if writer is not None:
            shutil.rmtree(self.path / left.name, ignore_errors=True)
            writer.finish(self.path)
        return count


def _is_clip(path: Path) -> bool:
    if CLIP_NAME.fullmatch(path.name) is None or not path.is_dir():
        return False
    return {part.name for part in path.iterdir()} == {f'{path.name}.mcap', 'metadata.yaml'}


def _size(clip: Path) -> int:
    return sum(part.stat().st_size for part in clip.iterdir())


def _remove(clip: Path) -> None:
    with contextlib.suppress(FileNotFoundError):  # the user may have been faster
        for part in clip.iterdir():
            part.unlink()
        clip.rmdir()
