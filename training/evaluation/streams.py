# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whole episodes as the model sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from training.evaluation.items import Request
from training.evaluation.observe import answer
from training.evaluation.stored import StoredEpisode
from training.evaluation.test_set import Job, load_all
from training.world.symbols import Segment
from vljepa_ros.inference import Engine


@dataclass(frozen=True)
class Stream:
    """An episode as the model saw it.

    Attributes:
        episode: its number.
        segments: the truth.
        centres_s: float [N], the time in the middle of each clip.
        embeddings: float32 [N, D], caption embeddings of the clips.
    """

    episode: int
    segments: tuple[Segment, ...]
    centres_s: np.ndarray
    embeddings: np.ndarray


def watch(engine: Engine, episode: StoredEpisode) -> Stream:
    """Run all clips of an episode through the model."""
    length = engine.config.clip_frames
    parts = [slice(end - length, end) for end in range(length, len(episode.frames) + 1)]
    asked = (Request(episode.frames[part], ('caption',), ()) for part in parts)
    return Stream(
        episode.seed,
        episode.segments,
        np.array([episode.times_s[part].mean() for part in parts]),
        np.stack([embeddings[0] for _, embeddings in answer(engine, asked)]),
    )


def streams(engine: Engine, jobs: Sequence[Job]) -> Iterator[Stream]:
    """Yield what the model sees in drawn episodes, with a progress bar."""
    for episode in tqdm(load_all(jobs), total=len(jobs), desc='watch'):
        if episode is not None:
            yield watch(engine, episode)
