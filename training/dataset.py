# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rendered episodes on disk: shards of JPEG frames with exact labels, resumable.

python -m training.dataset --split train --episodes 3000 --out build/data
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from training.world import COLOURS, KINDS, render_episode
from training.world.language import all_captions, caption
from vljepa_ros.errors import ResourceNotFoundError

FPS = 5.0
EPISODES_PER_SHARD = 25
MAX_OBJECTS = 3
JPEG_QUALITY = 95


@dataclass(frozen=True)
class Episodes:
    """Many episodes as flat arrays; F frames, E episodes, S segments in all.

    Attributes:
        jpeg: uint8, all encoded frames one after another.
        jpeg_end: int64 [F], where each ends.
        frame_end: int64 [E], index after each episode's last frame.
        segment_end: int64 [E], index after each episode's last segment.
        times_s: float32 [F], time within the episode.
        pixels: float32 [F, 3, 3], u, v and radius of each object in pixels, NaN where none.
        gripper: float32 [F, 2], u and v of the fingertips in pixels.
        held: int8 [F], index of the held object, -1 if none.
        drawer: float32 [F], 0 closed .. 1 open.
        places: int8 [F, 3], index into `world.PLACES`, -1 where there is no object.
        kind: int8 [E, 3], index into `world.KINDS`, -1 where there is no object.
        colour: int8 [E, 3], index into `world.COLOURS`, -1 where there is no object.
        segment_start_s: float32 [S].
        segment_end_s: float32 [S].
        segment_caption: int16 [S], index into `language.all_captions()`.
    """

    jpeg: np.ndarray
    jpeg_end: np.ndarray
    frame_end: np.ndarray
    segment_end: np.ndarray
    times_s: np.ndarray
    pixels: np.ndarray
    gripper: np.ndarray
    held: np.ndarray
    drawer: np.ndarray
    places: np.ndarray
    kind: np.ndarray
    colour: np.ndarray
    segment_start_s: np.ndarray
    segment_end_s: np.ndarray
    segment_caption: np.ndarray

    def __len__(self) -> int:
        """Return the number of episodes."""
        return len(self.frame_end)

    def frame(self, index: int) -> np.ndarray:
        """Decode one frame, RGB uint8 [H, W, 3]."""
        start = int(self.jpeg_end[index - 1]) if index else 0
        image = cv2.imdecode(self.jpeg[start : int(self.jpeg_end[index])], cv2.IMREAD_COLOR)
        assert image is not None
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def shard_path(folder: Path, split: str, index: int) -> Path:
    """Return the file of one shard."""
    return folder / split / f'shard-{index:05d}.npz'


def write_shard(folder: Path, split: str, index: int, size: int) -> None:
    """Render one shard; its episodes' seeds follow from its index."""
    captions = {text: number for number, text in enumerate(all_captions())}
    rows: dict[str, list[np.ndarray]] = {field.name: [] for field in fields(Episodes)}
    for seed in range(index * EPISODES_PER_SHARD, index * EPISODES_PER_SHARD + EPISODES_PER_SHARD):
        # Another phase each time, so that segment borders fall anywhere between two frames.
        offset_s = float(np.random.default_rng([7, seed]).uniform(0.0, 1.0 / FPS))
        episode = render_episode(
            seed=seed, split=split, fps=FPS, width=size, height=size, start_offset_s=offset_s
        )
        encoded = [
            cv2.imencode(
                '.jpg',
                cv2.cvtColor(frame, cv2.COLOR_RGB2BGR),
                [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY],
            )[1].ravel()
            for frame in episode.frames
        ]
        total, count = len(episode.times_s), len(episode.objects)
        pixels = np.full((total, MAX_OBJECTS, 3), np.nan, np.float32)
        pixels[:, :count] = episode.pixels
        places = np.full((total, MAX_OBJECTS), -1, np.int8)
        places[:, :count] = episode.places
        padding = [-1] * (MAX_OBJECTS - count)
        kind = [KINDS.index(item.kind) for item in episode.objects] + padding
        colour = [list(COLOURS).index(item.colour) for item in episode.objects] + padding
        rows['jpeg'] += encoded
        rows['jpeg_end'] += [np.array([len(blob)]) for blob in encoded]
        rows['frame_end'].append(np.array([total]))
        rows['segment_end'].append(np.array([len(episode.segments)]))
        rows['times_s'].append(episode.times_s.astype(np.float32))
        rows['pixels'].append(pixels)
        rows['gripper'].append(episode.gripper_pixel)
        rows['held'].append(episode.held.astype(np.int8))
        rows['drawer'].append(episode.drawer)
        rows['places'].append(places)
        rows['kind'].append(np.array([kind], np.int8))
        rows['colour'].append(np.array([colour], np.int8))
        segments = episode.segments
        rows['segment_start_s'].append(np.array([s.start_s for s in segments], np.float32))
        rows['segment_end_s'].append(np.array([s.end_s for s in segments], np.float32))
        rows['segment_caption'].append(np.array([captions[caption(s)] for s in segments]))
    arrays = {name: np.concatenate(parts) for name, parts in rows.items()}
    for name in ('jpeg_end', 'frame_end', 'segment_end'):
        arrays[name] = arrays[name].cumsum()
    path = shard_path(folder, split, index)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix('.partial.npz')
    np.savez(partial, **arrays)  # type: ignore[arg-type]
    partial.rename(path)  # a shard is there as a whole or not at all


def _write(task: tuple[Path, str, int, int]) -> int:
    write_shard(*task)
    return task[2]


def build(
    folder: Path, *, split: str, episodes: int, size: int = 128, workers: int | None = None
) -> None:
    """Render all missing shards with one process a core, with a progress bar.

    Args:
        folder: where the shards go, `<folder>/<split>/shard-*.npz`.
        split: 'train', 'val' or 'test'.
        episodes: number of episodes, rounded up to whole shards.
        size: side of the frames in pixels.
        workers: processes; None takes the number of cores.
    """
    # llvmpipe draws with threads of its own unless told not to; one process a core is faster.
    os.environ.setdefault('LP_NUM_THREADS', '0')
    count = -(-episodes // EPISODES_PER_SHARD)
    tasks = [
        (folder, split, index, size)
        for index in range(count)
        if not shard_path(folder, split, index).is_file()
    ]
    processes = workers or os.cpu_count() or 1
    with multiprocessing.get_context('spawn').Pool(processes) as pool:
        bar = tqdm(total=count, initial=count - len(tasks), unit='shard', desc=f'render {split}')
        for _ in pool.imap_unordered(_write, tasks):
            bar.update()
        bar.close()


def load(folder: Path, *, split: str, episodes: int | None = None) -> Episodes:
    """Load the first shards into memory (about 0.35 MB an episode).

    Args:
        folder: as in `build`.
        split: as in `build`.
        episodes: how many, rounded up to whole shards; None takes all.

    Raises:
        ResourceNotFoundError: there are fewer, or none.
    """
    paths = sorted((folder / split).glob('shard-?????.npz'))
    wanted = len(paths) if episodes is None else -(-episodes // EPISODES_PER_SHARD)
    if not paths or wanted > len(paths):
        raise ResourceNotFoundError(
            f'{folder / split} holds {len(paths)} shards, {max(wanted, 1)} are needed. Render '
            f'them with: python -m training.dataset --split {split} --out {folder} --episodes N'
        )
    shards = []
    for path in paths[:wanted]:
        with np.load(path) as shard:
            shards.append({name: shard[name] for name in shard.files})
    merged: dict[str, np.ndarray] = {}
    for field in fields(Episodes):
        parts = [shard[field.name] for shard in shards]
        if field.name in ('jpeg_end', 'frame_end', 'segment_end'):
            starts = np.cumsum([0] + [int(part[-1]) for part in parts[:-1]])
            parts = [part + start for part, start in zip(parts, starts, strict=True)]
        merged[field.name] = np.concatenate(parts)
    return Episodes(**merged)


def main() -> None:
    """Render a split from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--split', choices=('train', 'val', 'test'), required=True)
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
