# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How well the decodes of a policy tell what happens in the streams.

The protocol is that of arXiv 2512.10942 (§4.6): each annotation is matched to the decode nearest
in time and scored by CIDEr; every call of the decoder counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.events.decodes import Policy
from benchmarks.events.streams import annotated
from training.evaluation.fixed_cider import FixedCider
from training.evaluation.streams import Stream
from training.world.language import phrasings
from training.world.symbols import Segment

WITHIN_S = 0.5  # how far a border may be off
Decoder = Callable[[np.ndarray], list[str]]


@dataclass(frozen=True)
class Point:
    """One policy with one setting over all streams.

    Attributes:
        setting: what was varied: the rate in Hz, or a sensitivity.
        rate_hz: decodes a second of stream.
        cider: mean over all annotations.
        scores: CIDEr of each annotation, float64 [M].
        streams: number of the stream that each is in, int [M].
    """

    setting: float
    rate_hz: float
    cider: float
    scores: np.ndarray
    streams: np.ndarray


class Scorer:
    """Holds the annotations of the streams, and what has been scored already."""

    def __init__(
        self, streams: Sequence[Stream], decode: Decoder, *, unseen: Sequence[bool]
    ) -> None:
        """Prepare the references.

        Args:
            streams: all of them.
            decode: turns embeddings [N, D] into N texts.
            unseen: for each stream whether its references use words kept from the training.
        """
        self.streams = streams
        self._decode = decode
        self._named = [annotated(stream.segments) for stream in streams]
        self._seconds = sum(s.segments[-1].end_s - s.segments[0].start_s for s in streams)
        self._cider = FixedCider(
            [
                phrasings(segment, unseen=new)
                for named, new in zip(self._named, unseen, strict=True)
                for segment in named
            ]
        )

    def score(self, policies: Sequence[Policy], *, setting: float) -> Point:
        """Score what one policy makes of each stream.

        Every decode counts, but only those that an annotation is matched to are put into words.
        """
        matched_to = [
            _nearest_in_time(named, policy)
            for named, policy in zip(self._named, policies, strict=True)
        ]
        spoken = [
            decode.embedding
            for numbers, policy in zip(matched_to, policies, strict=True)
            for decode in (policy.decodes[number] for number in numbers)
        ]
        said = iter(self._decode(np.stack(spoken)) if spoken else [])
        texts = [
            next(said) if len(numbers) else ''
            for named, numbers in zip(self._named, matched_to, strict=True)
            for _ in named
        ]
        scores = self._cider.scores(texts)
        calls = sum(len(policy.decodes) for policy in policies)
        return Point(
            setting,
            calls / self._seconds,
            float(scores.mean()),
            scores,
            np.repeat(np.arange(len(self._named)), [len(named) for named in self._named]),
        )


def _nearest_in_time(named: Sequence[Segment], policy: Policy) -> list[int]:
    """Return for each annotation the number of the decode nearest to its middle, if any."""
    times_s = np.array([decode.time_s for decode in policy.decodes])
    if not len(times_s):
        return []
    middles_s = [(segment.start_s + segment.end_s) / 2 for segment in named]
    return [int(np.abs(times_s - middle_s).argmin()) for middle_s in middles_s]


def border_scores(
    found_s: Sequence[Sequence[float]], true_s: Sequence[Sequence[float]], *, within_s: float
) -> tuple[float, float, float]:
    """Return precision, recall and F1 of borders; each true one is found at most once.

    Args:
        found_s: moments of each stream, ascending.
        true_s: the truth, likewise.
        within_s: how far a border may be off.
    """
    hits = sum(
        len(matched(found, true, within_s=within_s))
        for found, true in zip(found_s, true_s, strict=True)
    )
    precision = hits / max(sum(map(len, found_s)), 1)
    recall = hits / max(sum(map(len, true_s)), 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-12)


def matched(
    found_s: Sequence[float], true_s: Sequence[float], *, within_s: float
) -> list[tuple[int, int]]:
    """Return the pairs (found, true) of one stream, as many as possible; both ascending."""
    pairs, first = [], 0
    for number, true in enumerate(true_s):
        while first < len(found_s) and found_s[first] < true - within_s:
            first += 1
        if first < len(found_s) and found_s[first] <= true + within_s:
            pairs.append((first, number))
            first += 1
    return pairs


def true_borders(stream: Stream) -> list[float]:
    """Return the moments at which what happens changes."""
    return [segment.start_s for segment in stream.segments[1:]]
