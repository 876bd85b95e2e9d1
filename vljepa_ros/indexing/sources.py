# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which recordings a path names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vljepa_ros.errors import ResourceNotFoundError
from vljepa_ros.recordings.opening import ALLOWED, BAG_SUFFIXES
from vljepa_ros.stream.video_source import IMAGE_SUFFIXES

VIDEO_SUFFIXES = ('.avi', '.m4v', '.mkv', '.mov', '.mp4', '.webm')


@dataclass(frozen=True)
class Source:
    """A recording that is to be read.

    Attributes:
        path: absolute; it is the recording's name in the memory.
        version: changes with its files.
    """

    path: Path
    version: str

    @property
    def name(self) -> str:
        """What rows have as `recording`."""
        return str(self.path)


def sources_in(paths: Iterable[Path]) -> list[Source]:
    """Return all recordings that paths name or hold, each once, in the order of their names.

    Args:
        paths: recordings, or folders of recordings of any depth. Each clip of a folder of clips
            is a recording: more of them may come.

    Raises:
        ResourceNotFoundError: a path does not exist, or holds no recording.
    """
    found: dict[Path, Source] = {}
    for given in paths:
        path = Path(os.path.abspath(given.expanduser()))
        if not path.exists():
            raise ResourceNotFoundError(f'There is no recording {str(given)!r}; give {ALLOWED}')
        recordings = [path] if path.is_file() else list(_within(path))
        if not recordings:
            raise ResourceNotFoundError(
                f'{str(given)!r} holds no recording; give {ALLOWED}, or a folder of those'
            )
        for recording in recordings:
            found[recording] = Source(recording, _version(recording))
    return [found[path] for path in sorted(found)]


def _within(folder: Path) -> Iterator[Path]:
    """Yield the recordings that a folder is or holds; hidden folders are left alone."""
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith('.'))
    files = [entry for entry in entries if entry.is_file()]
    # The files of a bag are one recording, and so are the images of a folder.
    if any(file.name == 'metadata.yaml' for file in files):
        yield folder
        return
    yield from (file for file in files if file.suffix.lower() in (*BAG_SUFFIXES, *VIDEO_SUFFIXES))
    if any(file.suffix.lower() in IMAGE_SUFFIXES for file in files):
        yield folder
    for entry in entries:
        if entry.is_dir():
            yield from _within(entry)


def _version(path: Path) -> str:
    """Return the size and the newest time of a recording's files."""
    files = [path] if path.is_file() else [file for file in path.iterdir() if file.is_file()]
    states = [file.stat() for file in files]
    return f'{sum(state.st_size for state in states)}-{max(state.st_mtime_ns for state in states)}'
