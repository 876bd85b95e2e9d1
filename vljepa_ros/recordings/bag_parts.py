# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The files of a bag: through rosbags, and what is damaged as far as it can be read."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from vljepa_ros.errors import RecordingError
from vljepa_ros.recordings.mcap_scan import scan
from vljepa_ros.recordings.messages import typestore
from vljepa_ros.recordings.recording import RecordedTopic
from vljepa_ros.recordings.rosbags_library import (
    AnyReader,
    Stores,
    get_types_from_msg,
    get_typestore,
)

BAG_SUFFIXES = ('.mcap', '.db3')


@dataclass(frozen=True)
class Stored:
    """A message as it is stored: topic, type, when it was recorded in nanoseconds, CDR."""

    topic: str
    kind: str
    logged_ns: int
    data: bytes


class BagPart(Protocol):
    """A file, or a folder with metadata.yaml.

    Attributes:
        topics: all of them.
        first_ns: when the first message was recorded.
    """

    topics: tuple[RecordedTopic, ...]
    first_ns: int

    def stored(self, topics: Collection[str]) -> Iterator[Stored]:
        """Yield the messages of topics; what stops it is added to the recording's problems."""

    def read(self, stored: Stored) -> Any:
        """Return a message as an object with its fields; raises whatever a wrong one leads to."""

    def close(self) -> None:
        """Close it."""


class WholePart:
    """A part that rosbags opens."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        """Open it; raises whatever rosbags does on a damaged file."""
        self._path, self._problems = path, problems
        is_mcap = path.suffix == '.mcap' or bool(list(path.glob('*.mcap')))
        self._storage = 'mcap' if is_mcap else 'sqlite3'
        self._reader = AnyReader([path], default_typestore=typestore())
        self._reader.open()
        counts: Counter[tuple[str, str]] = Counter()
        for connection in self._reader.connections:
            counts[connection.topic, connection.msgtype] += connection.msgcount
        self.topics = tuple(RecordedTopic(*key, count) for key, count in counts.items())
        self.first_ns = self._reader.start_time

    def stored(self, topics: Collection[str]) -> Iterator[Stored]:
        """Yield the messages of topics."""
        wanted = [item for item in self._reader.connections if item.topic in topics]
        if not wanted:
            return
        last_ns, count = self.first_ns - 1, 0
        messages = self._reader.messages(connections=wanted)
        while True:
            try:
                connection, logged_ns, data = next(messages)
            except StopIteration:
                break
            except Exception as error:  # rosbags and what it uses raise of many kinds
                if self._storage != 'mcap':
                    note_damage(self._problems, self._path, error, read_ns=last_ns - self.first_ns)
                    return
                for stored in self._rest(topics, last_ns):
                    count += 1
                    yield stored
                break
            last_ns, count = logged_ns, count + 1
            yield Stored(connection.topic, connection.msgtype, logged_ns, bytes(data))
        self._check_count(wanted, count)

    def _rest(self, topics: Collection[str], last_ns: int) -> Iterator[Stored]:
        """Yield what comes after a moment and is not damaged."""
        files = [self._path] if self._path.is_file() else sorted(self._path.glob('*.mcap'))
        for found in (found for file in files for found in scan(file)):
            if found.topic in topics and found.logged_ns > last_ns:
                yield Stored(found.topic, found.kind, found.logged_ns, found.data)

    def read(self, stored: Stored) -> Any:
        """Return a message."""
        return self._reader.deserialize(stored.data, stored.kind)

    def _check_count(self, connections: Collection[Any], count: int) -> None:
        """Note messages that the index names and that are not there: few files have checksums."""
        expected = sum(connection.msgcount for connection in connections)
        if count < expected:
            note(
                self._problems,
                f'{str(self._path)!r} is damaged: {expected - count} of {expected} messages of '
                f'{", ".join(sorted({item.topic for item in connections}))} are missing',
            )

    def close(self) -> None:
        """Close it."""
        self._reader.close()


class CutPart:
    """An MCAP file whose end is missing or damaged, as a crash leaves it."""

    def __init__(self, path: Path, problems: list[str], *, reason: Exception) -> None:
        """Read it once, to know what is in it.

        Args:
            path: the file.
            problems: of the recording.
            reason: why rosbags does not read it.

        Raises:
            RecordingError: nothing of it can be read.
        """
        self._path = path
        self._types = get_typestore(Stores.EMPTY)
        counts: Counter[tuple[str, str]] = Counter()
        why: list[str] = []
        first_ns = last_ns = 0
        for found in scan(path, why):
            if not counts:
                first_ns = last_ns = found.logged_ns
            first_ns, last_ns = min(first_ns, found.logged_ns), max(last_ns, found.logged_ns)
            if found.kind not in self._types.fielddefs:
                self._types.register(get_types_from_msg(found.definition, found.kind))
            counts[found.topic, found.kind] += 1
        if not counts:
            raise RecordingError(
                f'{str(path)!r} cannot be read as a recording ({_plain(reason)}). Nothing of it '
                'could be rescued'
            ) from reason
        self.topics = tuple(RecordedTopic(*key, count) for key, count in counts.items())
        self.first_ns = first_ns
        note_damage(problems, path, why[0] if why else reason, read_ns=last_ns - first_ns)

    def stored(self, topics: Collection[str]) -> Iterator[Stored]:
        """Yield the messages of topics."""
        for found in scan(self._path):
            if found.topic in topics:
                yield Stored(found.topic, found.kind, found.logged_ns, found.data)

    def read(self, stored: Stored) -> Any:
        """Return a message."""
        return self._types.deserialize_cdr(stored.data, stored.kind)

    def close(self) -> None:
        """Do nothing: the file is open while it is read only."""


def open_parts(path: Path, problems: list[str]) -> list[BagPart]:
    """Open a file, or a folder with metadata.yaml or with files of a bag.

    Args:
        path: of it.
        problems: takes what cannot be read.

    Raises:
        RecordingError: nothing of it can be read.
    """
    if path.is_file():
        return [_open_file(path, problems)]
    reason: Exception | None = None
    if (path / 'metadata.yaml').is_file():
        try:
            return [WholePart(path, problems)]
        except Exception as error:  # one damaged file of several, for one
            reason = error
    parts: list[BagPart] = []
    unreadable: list[str] = []
    for file in sorted(file for file in path.iterdir() if file.suffix in BAG_SUFFIXES):
        try:
            parts.append(_open_file(file, problems))
        except RecordingError as error:
            unreadable.append(str(error))
            reason = error
    if not parts:
        why = (
            ' '.join(unreadable)
            or f'{str(path)!r} cannot be read as a recording: {_plain(reason)}'
        )
        raise RecordingError(why) from reason
    for sentence in unreadable:
        note(problems, sentence)
    return parts


def note_damage(problems: list[str], path: Path, reason: object, *, read_ns: int) -> None:
    """Note that a file is damaged, and how much of it can be read."""
    note(
        problems,
        f'{str(path)!r} is cut off or damaged ({_plain(reason)}); its first '
        f'{read_ns / 1e9:.1f} s can be read',
    )


def note(problems: list[str], sentence: str) -> None:
    """Note a problem once, however often the recording is read."""
    if sentence not in problems:
        problems.append(sentence)


def _plain(reason: object) -> str:
    """Return a library's sentence for the middle of ours."""
    return ' '.join(str(reason).split()).rstrip('.')


def _open_file(path: Path, problems: list[str]) -> BagPart:
    try:
        return WholePart(path, problems)
    except Exception as error:  # rosbags and what it uses raise of many kinds
        if path.suffix == '.mcap':
            return CutPart(path, problems, reason=error)
        raise RecordingError(
            f'{str(path)!r} cannot be read as a recording ({_plain(error)}). Try to rescue it '
            f'with: sqlite3 {path} ".recover" | sqlite3 rescued.db3'
        ) from error


def close_all(parts: Collection[BagPart]) -> None:
    """Close parts."""
    for part in parts:
        with contextlib.suppress(Exception):
            part.close()
