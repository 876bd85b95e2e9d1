# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Selective decoding over whole episodes: the texts of the segments that the detector finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from training.evaluation.items import Request
from training.evaluation.observe import answer
from training.event_scores import SegmentScore, TimedText, score_segments
from training.world import Episode, Segment, render_episode
from vljepa_ros.inference import Engine
from vljepa_ros.stream.change_detector import DriftConfig, DriftDetector
from vljepa_ros.stream.segment_tracker import Phase, SegmentTracker
from vljepa_ros.stream.stamps import SECOND_NS


@dataclass(frozen=True)
class Stream:
    """An episode as the model saw it.

    Attributes:
        segments: the truth.
        centres_s: float [N], the time in the middle of each clip.
        embeddings: float32 [N, D], caption embeddings of the clips.
    """

    segments: tuple[Segment, ...]
    centres_s: np.ndarray
    embeddings: np.ndarray


def watch(engine: Engine, episode: Episode) -> Stream:
    """Run all clips of an episode through the model."""
    length = engine.config.clip_frames
    parts = [slice(end - length, end) for end in range(length, len(episode.frames) + 1)]
    asked = (Request(episode.frames[part], ('caption',), ()) for part in parts)
    return Stream(
        episode.segments,
        np.array([episode.times_s[part].mean() for part in parts]),
        np.stack([embeddings[0] for _, embeddings in answer(engine, asked)]),
    )


def streams(engine: Engine, *, split: str, first_seed: int, episodes: int) -> Iterator[Stream]:
    """Render episodes one by one and yield what the model saw, with a progress bar."""
    for seed in tqdm(range(first_seed, first_seed + episodes), desc=f'watch {split}'):
        episode = render_episode(
            seed=seed,
            split=split,
            fps=engine.config.clip_fps,
            width=engine.config.image_size,
            height=engine.config.image_size,
        )
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
    engine: Engine, seen: list[Stream], config: DriftConfig
) -> tuple[list[SegmentScore], int, int]:
    """Return the scores of all true segments, the number of events and of true segments."""
    scores: list[SegmentScore] = []
    count = 0
    for stream in seen:
        found = events(engine, stream, config)
        count += len(found)
        scores += score_segments(stream.segments, found)
    return scores, count, len(scores)
