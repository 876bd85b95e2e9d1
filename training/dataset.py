# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rendered episodes on disk: shards of JPEG frames with exact labels, resumable.

python -m training.dataset --split train --episodes 3000 --out build/data
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from training.episodes import FACTS, MAX_FURNITURE, Episodes, encode_index, segment_facts
from training.manifest import write_manifest
from training.world import Episode, render_episode
from training.world.splits import SPLIT_CODE
from training.world.symbols import (
    COLOURS,
    FURNITURE,
    KINDS,
    MAX_OBJECTS,
    PLACES,
    WORLD_VERSION,
)
from vljepa_ros.errors import ConfigurationError, ResourceNotFoundError

FPS = 5.0
EPISODES_PER_SHARD = 25
JPEG_QUALITY = 95
Rows = dict[str, list[np.ndarray]]


def shard_path(folder: Path, split: str, index: int) -> Path:
    """Return the file of one shard."""
    return folder / split / f'shard-{index:05d}.npz'


def _padded(values: np.ndarray, width: int, fill: float) -> np.ndarray:
    """Fill the second dimension of [F, n, ...] up to `width`."""
    missing = width - values.shape[1]
    widths = [(0, 0), (0, missing)] + [(0, 0)] * (values.ndim - 2)
    return np.pad(values, widths, constant_values=fill)


def _encode(episode: Episode) -> list[np.ndarray]:
    """Return the frames as JPEG."""
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    return [
        cv2.imencode('.jpg', cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), options)[1].ravel()
        for frame in episode.frames
    ]


def _add(rows: Rows, episode: Episode) -> None:
    """Append an episode to the columns of a shard."""
    encoded = _encode(episode)
    states = episode.states
    scenes = [episode.scene(index) for index in range(len(states))]
    furniture = scenes[0].furniture
    none = float('nan')
    columns = {
        'jpeg_end': [len(blob) for blob in encoded],
        'frame_end': [len(states)],
        'segment_end': [len(episode.segments)],
        'times_s': episode.times_s.astype(np.float32),
        'pixels': _padded(episode.pixels, MAX_OBJECTS, none),
        'furniture_pixels': _padded(episode.furniture_pixels, MAX_FURNITURE, none),
        'gripper': episode.gripper_pixel,
        'drawer': np.array([state.drawer for state in states], np.float32),
        'places': _padded(
            np.array([[PLACES.index(p) for p in scene.places] for scene in scenes], np.int8),
            MAX_OBJECTS,
            -1,
        ),
        'supports': _padded(
            np.array([scene.supports for scene in scenes], np.int8), MAX_OBJECTS, -1
        ),
        'lying': _padded(np.array([scene.lying for scene in scenes], bool), MAX_OBJECTS, False),
        'across': _padded(
            np.array([scene.across for scene in scenes], np.float32), MAX_OBJECTS, none
        ),
        'kind': encode_index([item.kind for item in episode.objects], KINDS, MAX_OBJECTS)[None],
        'colour': encode_index([item.colour for item in episode.objects], COLOURS, MAX_OBJECTS)[
            None
        ],
        'furniture': encode_index(furniture, FURNITURE, MAX_FURNITURE)[None],
        'segment_start_s': np.array([s.start_s for s in episode.segments], np.float32),
        'segment_end_s': np.array([s.end_s for s in episode.segments], np.float32),
        'segment_facts': np.stack([segment_facts(segment) for segment in episode.segments]),
    }
    rows['jpeg'] += encoded
    for name, values in columns.items():
        rows[name].append(np.asarray(values))


def write_shard(folder: Path, split: str, index: int, size: int) -> None:
    """Render one shard; its episodes' seeds follow from its index."""
    rows: Rows = {name: [] for name in Episodes.columns()}
    for seed in range(index * EPISODES_PER_SHARD, index * EPISODES_PER_SHARD + EPISODES_PER_SHARD):
        # Another phase each time, so that segment borders fall anywhere between two frames.
        offset_s = float(np.random.default_rng([7, seed]).uniform(0.0, 1.0 / FPS))
        episode = render_episode(
            seed=seed, split=split, fps=FPS, width=size, height=size, start_offset_s=offset_s
        )
        _add(rows, episode)
    arrays = {name: np.concatenate(parts) for name, parts in rows.items()}
    for name in ('jpeg_end', 'frame_end', 'segment_end'):
        arrays[name] = arrays[name].astype(np.int64).cumsum()
    assert arrays['segment_facts'].shape[1] == len(FACTS)
    path = shard_path(folder, split, index)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix('.partial.npz')
    np.savez(partial, world_version=np.array(WORLD_VERSION), **arrays)  # type: ignore[arg-type]
    partial.rename(path)  # a shard is there as a whole or not at all


def _write(task: tuple[Path, str, int, int]) -> int:
    write_shard(*task)
    return task[2]


def build(
    folder: Path,
    *,
    split: str,
    episodes: int,
    size: int = 128,
    workers: int | None = None,
    written: Callable[[int], None] | None = None,
) -> None:
    """Render all missing shards with one process a core, with a progress bar.

    Args:
        folder: where the shards go, `<folder>/<split>/shard-*.npz`.
        split: one of `splits.SPLIT_CODE`.
        episodes: number of episodes, rounded up to whole shards.
        size: side of the frames in pixels.
        workers: processes; None takes the number of cores.
        written: called with the number of each shard that is new.

    Raises:
        ConfigurationError: a shard there is of another version of the world.
    """
    # llvmpipe draws with threads of its own unless told not to; one process a core is faster.
    os.environ.setdefault('LP_NUM_THREADS', '0')
    count = -(-episodes // EPISODES_PER_SHARD)
    there = [index for index in range(count) if shard_path(folder, split, index).is_file()]
    for index in there[:1]:
        _check_version(shard_path(folder, split, index))
    tasks = [(folder, split, index, size) for index in range(count) if index not in set(there)]
    processes = workers or os.cpu_count() or 1
    with multiprocessing.get_context('spawn').Pool(processes) as pool:
        bar = tqdm(total=count, initial=count - len(tasks), unit='shard', desc=f'render {split}')
        for index in pool.imap_unordered(_write, tasks):
            bar.update()
            if written is not None:
                written(index)
        bar.close()
    write_manifest(folder / split, split=split, data=load(folder, split=split, episodes=episodes))


def _check_version(path: Path) -> None:
    with np.load(path) as shard:
        version = int(shard['world_version']) if 'world_version' in shard.files else 1
    if version != WORLD_VERSION:
        raise ConfigurationError(
            f'{path} is of version {version} of the world, this is version {WORLD_VERSION}. '
            'Name another folder, or remove this one to render anew'
        )


def load(folder: Path, *, split: str, episodes: int | None = None) -> Episodes:
    """Load the first shards into memory (about 0.6 MB an episode).

    Args:
        folder: as in `build`.
        split: as in `build`.
        episodes: how many, rounded up to whole shards; None takes all.

    Raises:
        ResourceNotFoundError: there are fewer, or none.
        ConfigurationError: they are of another version of the world.
    """
    paths = sorted((folder / split).glob('shard-?????.npz'))
    wanted = len(paths) if episodes is None else -(-episodes // EPISODES_PER_SHARD)
    if not paths or wanted > len(paths):
        raise ResourceNotFoundError(
            f'{folder / split} holds {len(paths)} shards, {max(wanted, 1)} are needed. Render '
            f'them with: python -m training.dataset --split {split} --out {folder} --episodes N'
        )
    _check_version(paths[0])
    shards = []
    for path in paths[:wanted]:
        with np.load(path) as shard:
            shards.append({name: shard[name] for name in Episodes.columns()})
    merged: dict[str, np.ndarray] = {}
    for name in Episodes.columns():
        parts = [shard[name] for shard in shards]
        if name in ('jpeg_end', 'frame_end', 'segment_end'):
            starts = np.cumsum([0] + [int(part[-1]) for part in parts[:-1]])
            parts = [part + start for part, start in zip(parts, starts, strict=True)]
        merged[name] = np.concatenate(parts)
    return Episodes(**merged)


def main() -> None:
    """Render a split from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--split', choices=tuple(SPLIT_CODE), required=True)
    parser.add_argument('--episodes', type=int, required=True, help='number of episodes')
    parser.add_argument('--out', type=Path, required=True, help='folder of the data set')
    parser.add_argument('--workers', type=int, help='processes (default: one a core)')
    arguments = parser.parse_args()
    build(
        arguments.out,
        split=arguments.split,
        episodes=arguments.episodes,
        workers=arguments.workers,
    )


if __name__ == '__main__':
    main()
