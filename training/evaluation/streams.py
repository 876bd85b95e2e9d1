# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Selective decoding over whole episodes: the texts of the segments that the detector finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from training.evaluation.event_scores import SegmentScore, TimedText, score_segments
from training.evaluation.items import Request
from training.evaluation.observe import answer
from training.evaluation.stored import StoredEpisode
from training.evaluation.test_set import Job, load_all
from training.world.symbols import Segment
from vljepa_ros.inference import Engine
from vljepa_ros.stream.change_detector import DriftConfig, DriftDetector
from vljepa_ros.stream.segment_tracker import Phase, SegmentTracker
from vljepa_ros.stream.stamps import SECOND_NS


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


def events(engine: Engine, stream: Stream, config: DriftConfig) -> list[TimedText]:
    """Decode selectively: the text of every segment, from its pooled embedding."""
    tracker = SegmentTracker(DriftDetector(config))
    updates = []
    for time_s, embedding in zip(stream.centres_s, stream.embeddings, strict=True):
        updates += tracker.update(round(time_s * SECOND_NS), embedding)
    updates += tracker.flush()
    ended = [update for update in updates if update.phase is Phase.ENDED]
    if not ended:
        return []
    texts = engine.decode(np.stack([update.embedding for update in ended]))
    return [
        TimedText(update.start_ns / SECOND_NS, update.end_ns / SECOND_NS, decoded.text)
        for update, decoded in zip(ended, texts, strict=True)
    ]


def event_scores(
    engine: Engine, seen: Sequence[Stream], config: DriftConfig
) -> tuple[list[SegmentScore], int]:
    """Return the scores of all true segments, and the number of events."""
    scores: list[SegmentScore] = []
    count = 0
    for stream in seen:
        found = events(engine, stream, config)
        count += len(found)
        scores += score_segments(stream.segments, found, episode=stream.episode)
    return scores, count
