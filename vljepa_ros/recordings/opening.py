# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Opens whatever can be a recording."""

from __future__ import annotations

from pathlib import Path

from vljepa_ros.errors import RecordingError, ResourceNotFoundError
from vljepa_ros.recordings.recording import Recording

BAG_SUFFIXES = ('.mcap', '.db3')
ALLOWED = (
    'a folder of `ros2 bag record`, an MCAP or db3 file, a folder of clips, a video file or a '
    'folder of images'
)


def open_recording(path: str | Path) -> Recording:
    """Open a recording.

    Args:
        path: ALLOWED. Damaged bags are read as far as possible; `problems` says what is missing.

    Raises:
        ResourceNotFoundError: there is no such file or folder.
        RecordingError: it is a bag of which nothing can be read.
        ImageError: it is no bag, and holds no picture that can be decoded.
        MissingDependencyError: it is a bag, and rosbags is not installed.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise ResourceNotFoundError(f'There is no recording {str(path)!r}; give {ALLOWED}')
    if path.suffix == '.bag':
        raise RecordingError(
            f'{str(path)!r} is a bag of ROS 1. Convert it with: rosbags-convert --src {path} '
            f'--dst {path.with_suffix("")}'
        )
    bags = _bags(path)
    if bags:
        from vljepa_ros.recordings.bag_recording import BagRecording  # needs rosbags

        return BagRecording(path, bags)
    from vljepa_ros.recordings.video_recording import VideoRecording

    return VideoRecording(path)


def _bags(path: Path) -> list[Path]:
    """Return the bags that a path names: itself, or those in it."""
    if _is_bag(path):
        return [path]
    if path.is_dir():
        return sorted(part for part in path.iterdir() if part.is_dir() and _is_bag(part))
    return []


def _is_bag(path: Path) -> bool:
    if path.is_file():
        return path.suffix in BAG_SUFFIXES
    names = {part.name for part in path.iterdir()}
    return 'metadata.yaml' in names or any(name.endswith(BAG_SUFFIXES) for name in names)
