# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The streams on which selective decoding is measured, and what the model says all along them.

They are frozen by these numbers: other code, seeds or lengths are other streams.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from training.evaluation.stored import load_episode
from training.evaluation.streams import Stream, watch
from training.evaluation.suite import view_of
from training.evaluation.test_set import Drawer, Job, world_folder
from training.world.symbols import Segment
from vljepa_ros.inference import Engine

SECONDS = 300.0
TEST_SPLITS = ('iid', 'scene', 'composition', 'paraphrase')
PER_SPLIT = 25
VAL_STREAMS = 24
FIRST_SEED = 40_000  # no other measurement uses these episodes


@dataclass(frozen=True)
class StreamName:
    """One stream: an episode of SECONDS, with as many actions as fit unless it is said."""

    split: str
    seed: int
    actions: int | None = None


def test_streams(per_split: int = PER_SPLIT) -> list[StreamName]:
    """Return the held-out streams."""
    seeds = range(FIRST_SEED, FIRST_SEED + per_split)
    return [StreamName(split, seed) for split in TEST_SPLITS for seed in seeds]


def val_streams(count: int = VAL_STREAMS) -> list[StreamName]:
    """Return the streams on which settings are chosen."""
    return [StreamName('val', FIRST_SEED + number) for number in range(count)]


def annotated(segments: Sequence[Segment]) -> list[Segment]:
    """Return what is annotated: everything but idle time."""
    return [segment for segment in segments if segment.action != 'idle']


def annotation_rate(segments: Sequence[Segment]) -> float:
    """Return the annotations in each second that is not idle."""
    named = annotated(segments)
    return len(named) / max(sum(segment.end_s - segment.start_s for segment in named), 1e-9)


def idle_share(segments: Sequence[Segment]) -> float:
    """Return the share of the time in which nothing is done, in [0, 1]."""
    whole = segments[-1].end_s - segments[0].start_s
    named = sum(segment.end_s - segment.start_s for segment in annotated(segments))
    return 1.0 - named / whole


def watched(
    engine: Engine, names: Sequence[StreamName], *, cache: Path, workers: int, title: str
) -> list[Stream]:
    """Draw the streams and run the model along them; both are kept on disk.

    Args:
        engine: the model.
        names: the streams.
        cache: folder of what is kept.
        workers: processes that draw.
        title: of the progress bars.
    """
    folder, view = world_folder(cache), view_of(engine)
    jobs = [
        Job(folder, name.split, name.seed, view, seconds=SECONDS, actions=name.actions)
        for name in names
    ]
    with Drawer(workers) as drawer:
        drawer.draw_missing(jobs, title=f'draw {title}')
    answers = folder / 'streams' / _file_name(engine)
    bar = tqdm(jobs, desc=f'watch {title}', unit='stream')
    return [_watch(engine, job, answers) for job in bar]


def _watch(engine: Engine, job: Job, answers: Path) -> Stream:
    path = answers / job.split / job.path.name
    episode = load_episode(job.path)
    assert episode is not None  # only wanted actions can be impossible
    if path.is_file():
        with np.load(path) as kept:
            return Stream(job.seed, episode.segments, kept['centres_s'], kept['embeddings'])
    stream = watch(engine, episode)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix('.partial.npz')
    np.savez(partial, centres_s=stream.centres_s, embeddings=stream.embeddings)
    partial.rename(path)
    return stream


def _file_name(engine: Engine) -> str:
    text = f'{engine.model_id} {engine.info.backend} {engine.info.precision}'
    return hashlib.sha256(text.encode()).hexdigest()[:12]
