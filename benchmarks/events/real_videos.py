# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Borders that the node's default detector finds in real videos, beside those read by eye.

`real_videos.json` says where the videos are from, and when what happens in them changes: where
something is taken, put down or carried off, its begin and its end. The model has never seen a real
camera's picture.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.events.scoring import WITHIN_S, border_scores
from training.evaluation.intervals import exact
from training.evaluation.results import Results
from vljepa_ros.errors import ConfigurationError
from vljepa_ros.inference import Engine
from vljepa_ros.recordings.opening import open_recording
from vljepa_ros.recordings.watching import EventFinder, Watcher

KNOWN = Path(__file__).with_name('real_videos.json')


@dataclass(frozen=True)
class RealVideo:
    """A video with borders read by eye.

    Attributes:
        name: what the results call it.
        sha256: of its file.
        until_s: what comes later was not read.
        borders_s: when what happens changes, ascending.
    """

    name: str
    sha256: str
    until_s: float
    borders_s: tuple[float, ...]


def known_videos() -> tuple[list[RealVideo], float]:
    """Return the videos that were read, and how far a reading may be off, in seconds."""
    told = json.loads(KNOWN.read_text(encoding='utf-8'))
    videos = [
        RealVideo(row['name'], row['sha256'], row['until_s'], tuple(row['borders_s']))
        for row in told['videos']
    ]
    return videos, float(told['reading_error_s'])


def find_videos(folder: Path) -> dict[str, Path]:
    """Return the file of each known video in a folder, whatever it is called there.

    Raises:
        ConfigurationError: one is missing.
    """
    files = {
        hashlib.sha256(path.read_bytes()).hexdigest(): path
        for path in sorted(folder.glob('*'))
        if path.is_file()
    }
    videos, _ = known_videos()
    missing = [video.name for video in videos if video.sha256 not in files]
    if missing:
        raise ConfigurationError(
            f'{folder} lacks the real videos {missing}: download them, unchanged, from where '
            f'{KNOWN.name} says'
        )
    return {video.name: files[video.sha256] for video in videos}


def borders_of(engine: Engine, path: Path) -> Iterator[float]:
    """Yield the moments, in seconds, at which the events of a video start; not the first."""
    watcher, finder = Watcher(engine), EventFinder(engine)
    with contextlib.closing(open_recording(path)) as recording:
        started = (
            event.start_ns / 1e9
            for image in recording.images()
            for embedding in watcher.take(image)
            for event in finder.take(embedding)
            if event.phase == 'STARTED'
        )
        next(started, None)
        yield from started


def evenly(count: int, until_s: float) -> list[float]:
    """Return evenly spaced moments: what one would score without looking."""
    return [until_s * (number + 0.5) / count for number in range(count)]


def add_real_borders(results: Results, engine: Engine, files: Mapping[str, Path]) -> None:
    """Add the scores of the borders in all videos together, `events.real.<score>`.

    Args:
        results: to add to.
        engine: the model.
        files: what `find_videos` found.
    """
    videos, error_s = known_videos()
    found = {
        video.name: [
            time_s for time_s in borders_of(engine, files[video.name]) if time_s <= video.until_s
        ]
        for video in videos
    }
    truth = [video.borders_s for video in videos]
    within_s = WITHIN_S + error_s
    scores = border_scores(list(found.values()), truth, within_s=within_s)
    even = [evenly(len(video.borders_s), video.until_s) for video in videos]
    *_, blind = border_scores(even, truth, within_s=within_s)
    results.add('events.real.boundary_f1:blind', exact(blind))
    counts = (sum(map(len, found.values())), sum(map(len, truth)), 0)
    for name, score, count in zip(('precision', 'recall', 'f1'), scores, counts, strict=True):
        results.add(f'events.real.boundary_{name}', exact(score, count))
    results.raw['events.real'] = found
