# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is asked about an episode: clips, the queries about them, and the true answers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from training.evaluation.clips import clip_until, segment_clip, transition_frames
from training.evaluation.stored import StoredEpisode
from training.world.language.questions import Question, questions
from training.world.splits import SPLIT_CODE
from training.world.symbols import Scene, Segment

# A clip for anticipation ends this long before the action, and at its very beginning.
EARLY_S = 0.4
# Pouring changes nothing that the picture after it would show.
TRACELESS = ('idle', 'pour')


@dataclass(frozen=True)
class SegmentItem:
    """A clip of a segment, asked for its caption."""

    episode: int
    segment: Segment


@dataclass(frozen=True)
class QuestionItem:
    """A question about the last moment of a clip."""

    episode: int
    question: Question


@dataclass(frozen=True)
class NextItem:
    """A clip that ends `before_s` before a segment, asked for what comes."""

    episode: int
    segment: Segment
    before_s: float


@dataclass(frozen=True)
class TransitionItem:
    """The pictures before and after an action, asked for the action; `scene` is before it."""

    episode: int
    segment: Segment
    scene: Scene


Item = SegmentItem | QuestionItem | NextItem | TransitionItem


@dataclass(frozen=True)
class Request:
    """A clip, uint8 [T, H, W, 3], and its queries; the answer to each is for one item."""

    clip: np.ndarray
    queries: tuple[str, ...]
    items: tuple[Item, ...]


def requests_of(
    episode: StoredEpisode, *, clip_frames: int, queries: Collection[str]
) -> Iterator[Request]:
    """Yield every clip of an episode with all its queries, so that each is encoded once.

    Args:
        episode: at the model's frame rate and size.
        clip_frames: T.
        queries: names of the queries that the model knows; others are not asked.
    """
    times_s = episode.times_s
    for segment in episode.segments:
        frames = segment_clip(times_s, segment, clip_frames)
        if frames is not None:
            asked = _questions(episode, int(frames[-1]))
            yield Request(
                episode.frames[frames],
                ('caption', *(question.text for question in asked)),
                (
                    SegmentItem(episode.seed, segment),
                    *(QuestionItem(episode.seed, question) for question in asked),
                ),
            )
        if segment.action == 'idle':
            continue
        for before_s in (0.0, EARLY_S) if 'next' in queries else ():
            frames = clip_until(times_s, segment.start_s - before_s, clip_frames)
            if frames is not None:
                item = NextItem(episode.seed, segment, before_s)
                yield Request(episode.frames[frames], ('next',), (item,))
        transition = transition_request(episode, segment, clip_frames)
        if transition is not None and 'action' in queries:
            yield transition


def transition_request(
    episode: StoredEpisode, segment: Segment, clip_frames: int
) -> Request | None:
    """Return the pictures before and after a segment; None if they cannot tell what it was."""
    if segment.action in TRACELESS or not segment.success:
        return None
    frames = transition_frames(episode.times_s, segment, clip_frames)
    if frames is None:
        return None
    item = TransitionItem(episode.seed, segment, episode.scenes[int(frames[0])])
    return Request(episode.frames[frames], ('action',), (item,))


def _questions(episode: StoredEpisode, frame: int) -> list[Question]:
    rng = np.random.default_rng([SPLIT_CODE[episode.split], episode.seed, frame])
    return list(questions(episode.scenes[frame], rng, unseen=episode.split == 'paraphrase'))
