# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A LeRobot v3 data set, as recordings: each episode's videos with its task text.

The format (github.com/huggingface/lerobot, docs/source/lerobot-dataset-v3.mdx): `meta/info.json`
names the features and the path templates, `meta/tasks.parquet` the texts, and
`meta/episodes/*/*.parquet` where each episode lies in the files of `data/` and `videos/`, which
many episodes share. An episode with several tasks is cut where the task of its frames changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from training.recordings import Recording, Skipped
from vljepa_ros.errors import ConfigurationError, MissingDependencyError, ResourceNotFoundError

VIDEO_PATH = 'videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4'
DATA_PATH = 'data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet'


def read_lerobot(
    folder: Path, skipped: Skipped, *, cameras: tuple[str, ...] = ()
) -> list[Recording]:
    """Read the episodes of a data set; those that cannot be used are counted.

    Args:
        folder: that holds `meta`, `data` and `videos`.
        skipped: takes the bad episodes.
        cameras: keys of the videos; none takes all colour cameras.

    Raises:
        ResourceNotFoundError: there is no such data set.
        ConfigurationError: it is of another version, damaged, or has no such camera.
        MissingDependencyError: pyarrow is not installed.
    """
    info = _info(folder)
    keys = _cameras(info, cameras)
    tasks = _tasks(folder)
    found: list[Recording] = []
    for episode in _episodes(folder):
        name = f'episode {episode.get("episode_index")}'
        try:
            for text, start_s, end_s in _parts(folder, info, episode, tasks):
                found += [
                    _recording(folder, info, episode, key, text, start_s, end_s) for key in keys
                ]
        except (KeyError, TypeError, ValueError, OSError) as error:
            reason = f'{error} is missing' if isinstance(error, KeyError) else error
            skipped.add(name, reason)
    return found


def _info(folder: Path) -> dict[str, Any]:
    path = folder / 'meta' / 'info.json'
    if not path.is_file():
        raise ResourceNotFoundError(
            f'{str(folder)!r} is no LeRobot data set: it has no meta/info.json. A data set on the '
            'Hugging Face Hub is copied with: hf download --repo-type dataset NAME --local-dir DIR'
        )
    try:
        info = json.loads(path.read_text(encoding='utf-8'))
        version = str(info['codebase_version'])
        float(info['fps'])
        dict(info['features'])
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f'{path} is damaged: {error!r}') from error
    if not version.startswith('v3.'):
        raise ConfigurationError(
            f'{str(folder)!r} is of version {version} of the LeRobot format; v3 is read. Convert '
            'it with: python -m lerobot.scripts.convert_dataset_v21_to_v30 --repo-id=NAME'
        )
    return info


def _cameras(info: dict[str, Any], wanted: tuple[str, ...]) -> list[str]:
    videos = [
        key
        for key, feature in info['features'].items()
        if feature.get('dtype') == 'video' and not _is_depth(feature)
    ]
    unknown = sorted(set(wanted) - set(videos))
    if unknown or not videos:
        raise ConfigurationError(
            f'The data set has the colour videos {videos}'
            + (f', but not {unknown}' if unknown else '; pictures in parquet files are not read')
        )
    return list(wanted) or videos


def _is_depth(feature: dict[str, Any]) -> bool:
    about = {**(feature.get('video_info') or {}), **(feature.get('info') or {})}
    return bool(about.get('is_depth_map') or about.get('video.is_depth_map'))


def _table(path: Path, columns: list[str] | None = None) -> list[dict[str, Any]]:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import read_schema, read_table
    except ImportError as error:
        raise MissingDependencyError(
            "LeRobot data sets need the library 'pyarrow'. Install it with: pip install pyarrow"
        ) from error
    try:
        # The columns of statistics are many, and not needed.
        kept = columns or [name for name in read_schema(path).names if not _is_statistic(name)]
        return read_table(path, columns=kept).to_pylist()
    except (ArrowException, OSError) as error:
        raise ConfigurationError(f'{path} cannot be read: {error}') from error


def _is_statistic(name: str) -> bool:
    return name.startswith('stats/')


def _tasks(folder: Path) -> dict[int, str]:
    path = folder / 'meta' / 'tasks.parquet'
    if not path.is_file():
        raise ConfigurationError(f'{path} is missing; it holds the task texts')
    tasks = {}
    for row in _table(path):
        # pandas writes its index, the text, as a column `task` or without a name of its own.
        texts = [value for key, value in row.items() if key != 'task_index']
        text = next((value for value in texts if isinstance(value, str)), '')
        tasks[int(row['task_index'])] = text.strip()
    return tasks


def _episodes(folder: Path) -> Iterator[dict[str, Any]]:
    paths = sorted((folder / 'meta' / 'episodes').glob('*/*.parquet'))
    if not paths:
        raise ConfigurationError(f'{folder / "meta/episodes"} holds no parquet file')
    rows = [row for path in paths for row in _table(path)]
    yield from sorted(rows, key=lambda row: int(row['episode_index']))


def _parts(
    folder: Path, info: dict[str, Any], episode: dict[str, Any], tasks: dict[int, str]
) -> list[tuple[str, float, float]]:
    """Return (text, start, end) in seconds from the episode's start, for each of its tasks."""
    length_s = int(episode['length']) / float(info['fps'])
    texts = [str(text).strip() for text in episode.get('tasks') or []]
    if len(texts) == 1:
        return [(texts[0], 0.0, length_s)]
    template = info.get('data_path') or DATA_PATH
    path = folder / template.format(
        chunk_index=int(episode['data/chunk_index']), file_index=int(episode['data/file_index'])
    )
    number = int(episode['episode_index'])
    rows = [
        row
        for row in _table(path, ['episode_index', 'task_index', 'timestamp'])
        if int(row['episode_index']) == number
    ]
    if not rows:
        raise ValueError(f'{path.name} holds no frame of it')
    index = np.array([int(row['task_index']) for row in rows])
    times = np.array([float(row['timestamp']) for row in rows])
    begins = np.concatenate(([0], np.flatnonzero(np.diff(index)) + 1))
    ends = [*times[begins[1:]].tolist(), length_s]
    return [
        (tasks[int(index[begin])], float(times[begin]), end)
        for begin, end in zip(begins, ends, strict=True)
    ]


def _recording(
    folder: Path,
    info: dict[str, Any],
    episode: dict[str, Any],
    key: str,
    text: str,
    start_s: float,
    end_s: float,
) -> Recording:
    number = int(episode['episode_index'])
    template = info.get('video_path') or VIDEO_PATH
    video = folder / template.format(
        video_key=key,
        chunk_index=int(episode[f'videos/{key}/chunk_index']),
        file_index=int(episode[f'videos/{key}/file_index']),
    )
    begin_s = float(episode[f'videos/{key}/from_timestamp'])
    return Recording(
        name=f'episode {number} of {key}',
        group=f'episode {number}',
        video=video,
        start_s=begin_s + start_s,
        end_s=begin_s + end_s,
        captions=(text,) if text else (),
        action=text,
        initial_s=begin_s + start_s,
        goal_s=begin_s + end_s,
    )
