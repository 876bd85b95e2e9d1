# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes small videos and data sets for the tests of the training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

WIDTH, HEIGHT, FPS = 80, 64, 10
CAMERA = 'observation.images.front'
RED, BLUE, GREEN = (200, 30, 30), (30, 30, 200), (30, 160, 30)


@dataclass(frozen=True)
class Episode:
    """An episode to write: its tasks by frame, its colour, and the video file that holds it."""

    tasks: tuple[str, ...]  # one, or one for each half
    colour: tuple[int, int, int] = RED
    file: int = 0
    frames: int = 24


@dataclass
class _Rows:
    data: list[dict[str, object]] = field(default_factory=list)
    episodes: list[dict[str, object]] = field(default_factory=list)


def moving_square(colour: tuple[int, int, int], frames: int) -> np.ndarray:
    """Draw a square that moves to the right over a grey ground, uint8 [T, H, W, 3]."""
    images = np.full((frames, HEIGHT, WIDTH, 3), 128, np.uint8)
    for number, image in enumerate(images):
        left = 12 + round(36 * number / max(frames - 1, 1))
        image[20:44, left : left + 24] = colour
    return images


def write_video(path: Path, images: np.ndarray, *, fps: int = FPS) -> Path:
    """Write uint8 [T, H, W, 3] as H.264."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=fps)
        stream.height, stream.width = images.shape[1:3]
        stream.pix_fmt = 'yuv420p'
        stream.options = {'crf': '12', 'g': '8'}
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format='rgb24')))
        container.mux(stream.encode(None))
    return path


def write_lerobot(folder: Path, episodes: Sequence[Episode], *, version: str = 'v3.0') -> Path:
    """Write a LeRobot v3 data set with one camera; the episodes of a file lie in it in a row."""
    import pyarrow as pa
    from pyarrow import parquet

    texts = list(dict.fromkeys(text for episode in episodes for text in episode.tasks))
    rows = _Rows()
    images: dict[int, list[np.ndarray]] = {}
    first = 0
    for number, episode in enumerate(episodes):
        before = sum(len(part) for part in images.get(episode.file, []))
        images.setdefault(episode.file, []).append(moving_square(episode.colour, episode.frames))
        for frame in range(episode.frames):
            task = episode.tasks[frame * len(episode.tasks) // episode.frames]
            rows.data.append(
                {
                    'timestamp': np.float32(frame / FPS),
                    'frame_index': frame,
                    'episode_index': number,
                    'index': first + frame,
                    'task_index': texts.index(task),
                }
            )
        rows.episodes.append(
            {
                'episode_index': number,
                'tasks': list(dict.fromkeys(episode.tasks)),
                'length': episode.frames,
                'data/chunk_index': 0,
                'data/file_index': 0,
                'dataset_from_index': first,
                'dataset_to_index': first + episode.frames,
                f'videos/{CAMERA}/chunk_index': 0,
                f'videos/{CAMERA}/file_index': episode.file,
                f'videos/{CAMERA}/from_timestamp': before / FPS,
                f'videos/{CAMERA}/to_timestamp': (before + episode.frames) / FPS,
                'stats/timestamp/mean': [0.5],
            }
        )
        first += episode.frames
    for file, parts in images.items():
        write_video(
            folder / f'videos/{CAMERA}/chunk-000/file-{file:03d}.mp4', np.concatenate(parts)
        )
    tables = {
        'data/chunk-000/file-000.parquet': pa.Table.from_pylist(rows.data),
        'meta/episodes/chunk-000/file-000.parquet': pa.Table.from_pylist(rows.episodes),
        # As pandas writes it: the texts are an index without a name.
        'meta/tasks.parquet': pa.table(
            {'task_index': range(len(texts)), '__index_level_0__': texts}
        ),
    }
    for name, table in tables.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(table, path)
    info = {
        'codebase_version': version,
        'robot_type': 'test',
        'total_episodes': len(episodes),
        'total_frames': first,
        'total_tasks': len(texts),
        'chunks_size': 1000,
        'fps': FPS,
        'splits': {'train': f'0:{len(episodes)}'},
        'data_path': 'data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet',
        'video_path': 'videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4',
        'features': {
            CAMERA: {'dtype': 'video', 'shape': [HEIGHT, WIDTH, 3]},
            'observation.images.depth': {
                'dtype': 'video',
                'shape': [HEIGHT, WIDTH, 1],
                'info': {'is_depth_map': True},
            },
            'observation.state': {'dtype': 'float32', 'shape': [6]},
        },
    }
    (folder / 'meta/info.json').write_text(json.dumps(info), encoding='utf-8')
    return folder


def write_lines(path: Path, rows: Sequence[object]) -> Path:
    """Write a manifest; a text is written as it is."""
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text('\n'.join(lines) + '\n', encoding='utf-8')
    return path
