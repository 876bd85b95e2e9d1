# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One drawn episode in a file: JPEG frames, as the training data has them, and exact labels."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from training.world.symbols import ObjectInfo, Scene, Segment

if TYPE_CHECKING:
    from training.world import Episode

JPEG_QUALITY = 95


@dataclass(frozen=True)
class StoredEpisode:
    """What the evaluation needs of an episode.

    Attributes:
        seed: number of the episode in its split.
        split: name of the split.
        frames: uint8 [T, H, W, 3], RGB.
        times_s: float64 [T].
        segments: what happens.
        scenes: what is true at each frame.
    """

    seed: int
    split: str
    frames: np.ndarray
    times_s: np.ndarray
    segments: tuple[Segment, ...]
    scenes: tuple[Scene, ...]


def save_episode(path: Path, episode: Episode, frames: np.ndarray | None = None) -> None:
    """Write an episode, or only some of its frames (numbers int [N])."""
    chosen = np.arange(len(episode.frames)) if frames is None else frames
    encoded = [_encode(episode.frames[index]) for index in chosen]
    labels = {
        'seed': episode.seed,
        'split': episode.split,
        'segments': [asdict(segment) for segment in episode.segments],
        'scenes': [asdict(episode.scene(int(index))) for index in chosen],
    }
    _write(
        path,
        jpeg=np.concatenate(encoded),
        jpeg_end=np.cumsum([len(blob) for blob in encoded]),
        times_s=np.asarray(episode.times_s, np.float64)[chosen],
        # NumPy's own strings take four bytes a letter.
        labels=np.frombuffer(json.dumps(labels).encode(), np.uint8),
    )


def save_failure(path: Path, reason: str) -> None:
    """Write that there is no such episode, so that it is not tried again."""
    _write(path, failure=np.array(reason))


def load_episode(path: Path) -> StoredEpisode | None:
    """Read an episode; None if the file says that there is none."""
    with np.load(path) as stored:
        if 'failure' in stored.files:
            return None
        jpeg, ends, times_s = stored['jpeg'], stored['jpeg_end'], stored['times_s']
        labels = json.loads(stored['labels'].tobytes())
    parts = np.split(jpeg, ends[:-1])
    return StoredEpisode(
        seed=labels['seed'],
        split=labels['split'],
        frames=np.stack([_decode(part) for part in parts]),
        times_s=times_s,
        segments=tuple(_segment(row) for row in labels['segments']),
        scenes=tuple(_scene(row) for row in labels['scenes']),
    )


def _segment(row: dict[str, Any]) -> Segment:
    reference = row.pop('reference')
    return Segment(**row, reference=ObjectInfo(**reference) if reference else None)


def _scene(row: dict[str, Any]) -> Scene:
    objects = tuple(ObjectInfo(**item) for item in row.pop('objects'))
    lists = {key: tuple(value) for key, value in row.items() if isinstance(value, list)}
    return Scene(**(row | lists), objects=objects)


def _write(path: Path, **arrays: np.ndarray) -> None:
    partial = path.with_suffix(f'.{os.getpid()}.partial')
    with partial.open('wb') as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    partial.rename(path)  # a file is there as a whole or not at all


def _encode(frame: np.ndarray) -> np.ndarray:
    image = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    return cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].ravel()


def _decode(data: np.ndarray) -> np.ndarray:
    image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
