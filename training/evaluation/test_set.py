# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rendered episodes for the evaluation: drawn once, kept on disk, in the same order every time.

World 0 is the reported test set. Another `--world-seed` shifts the seeds of all episodes, so it
gives other episodes of the same splits. The folder's name holds a hash of the simulator's code:
a changed simulator draws anew.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.pool import Pool
from pathlib import Path

from tqdm import tqdm

from training.evaluation.clips import segment_clip
from training.evaluation.stored import StoredEpisode, load_episode, save_episode, save_failure
from training.world import Episode, Wanted, plan_episode, render_episode
from vljepa_ros.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_CACHE = ROOT / 'build' / 'eval'
EPISODES_PER_WORLD = 100_000
# Episodes that show one wanted action are counted from here within a world.
WANTED_FROM = 50_000


@dataclass(frozen=True)
class View:
    """What a model wants to see: frames a second, side in pixels, frames of a clip."""

    fps: float
    size: int
    clip_frames: int


@dataclass(frozen=True)
class Job:
    """One episode to draw.

    With `wanted` only the clip of that action is kept. `seconds` is its length and `actions` their
    number; None leaves them to chance.
    """

    folder: Path
    split: str
    seed: int
    view: View
    wanted: Wanted | None = None
    seconds: float | None = None
    actions: int | None = None

    @property
    def path(self) -> Path:
        """Its file, which another seed, view or wanted action does not share."""
        view = f'{self.view.size}px-{self.view.fps:g}hz'
        name = f'{self.seed:08d}'
        if self.seconds is not None:
            name += f'-{self.seconds:g}s'
        if self.actions is not None:
            name += f'-{self.actions}actions'
        if self.wanted is not None:
            text = f'{self.wanted!r} {self.view.clip_frames}'
            name += '-' + hashlib.sha256(text.encode()).hexdigest()[:12]
        return self.folder / view / self.split / f'{name}.npz'


def world_folder(cache: Path) -> Path:
    """Return where episodes are kept that were drawn by the code as it is now."""
    digest = hashlib.sha256()
    world = ROOT / 'training' / 'world'
    for path in sorted(world.rglob('*.py')):
        if 'language' not in path.relative_to(world).parts:  # words move no pixel
            digest.update(path.read_bytes())
    for name in ('clips.py', 'stored.py', 'test_set.py'):
        digest.update(Path(__file__).with_name(name).read_bytes())
    return cache / f'world-{digest.hexdigest()[:10]}'


def seeds_of(world_seed: int, count: int, *, wanted: bool = False) -> range:
    """Return the seeds of a world's episodes, or of its episodes with a wanted action.

    Raises:
        ValueError: a negative world, or more episodes than a world holds.
    """
    limit = EPISODES_PER_WORLD - WANTED_FROM if wanted else WANTED_FROM
    if world_seed < 0 or not 0 <= count <= limit:
        raise ValueError(
            f'world_seed is {world_seed}, count {count}; use 0 or more, and at most {limit}'
        )
    first = world_seed * EPISODES_PER_WORLD + (WANTED_FROM if wanted else 0)
    return range(first, first + count)


class Drawer:
    """Draws missing episodes in processes that stay for the next ones."""

    def __init__(self, workers: int) -> None:
        """Start nothing yet; with 1 worker everything is drawn in this process."""
        self._workers = workers
        self._pool: Pool | None = None

    def __enter__(self) -> Drawer:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.terminate()
            self._pool.join()

    def draw_missing(self, jobs: Sequence[Job], *, title: str) -> None:
        """Draw the episodes that are not on disk yet, with a progress bar called `title`."""
        missing = [job for job in jobs if not job.path.is_file()]
        if not missing:
            return
        # llvmpipe draws with threads of its own unless told not to; one process a core is faster.
        os.environ.setdefault('LP_NUM_THREADS', '0')
        if self._pool is None and self._workers > 1:
            self._pool = multiprocessing.get_context('spawn').Pool(self._workers)
        drawn = (
            map(draw, missing) if self._pool is None else self._pool.imap_unordered(draw, missing)
        )
        for _ in tqdm(drawn, total=len(missing), desc=title, unit='episode'):
            pass


def draw(job: Job) -> None:
    """Draw one episode and write its file; a wanted action that cannot be is noted there."""
    job.path.parent.mkdir(parents=True, exist_ok=True)
    if job.wanted is None:
        save_episode(job.path, _render(job))
        return
    try:
        plan = plan_episode(seed=job.seed, split=job.split, wanted=job.wanted)
    except ConfigurationError as error:
        save_failure(job.path, str(error))
        return
    shown = next(segment for segment in plan.segments if segment.action == job.wanted.action)
    # What lies before the clip need not be drawn.
    view = job.view
    clip_s = (shown.start_s + shown.end_s) / 2 - (view.clip_frames + 1) / (2 * view.fps)
    episode = _render(job, start_offset_s=max(0.0, clip_s))
    frames = segment_clip(episode.times_s, shown, view.clip_frames)
    if frames is None:
        save_failure(job.path, f'no clip shows {job.wanted}')
    else:
        save_episode(job.path, episode, frames)


def _render(job: Job, *, start_offset_s: float = 0.0) -> Episode:
    return render_episode(
        seed=job.seed,
        split=job.split,
        fps=job.view.fps,
        width=job.view.size,
        height=job.view.size,
        wanted=job.wanted,
        seconds=job.seconds,
        actions=job.actions,
        start_offset_s=start_offset_s,
    )


def load_all(jobs: Sequence[Job]) -> Iterator[StoredEpisode | None]:
    """Yield drawn episodes in order; None for a wanted action that cannot be shown."""
    for job in jobs:
        yield load_episode(job.path)
