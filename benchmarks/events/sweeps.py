# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The curves: every policy over its settings, on all streams."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence

from tqdm import tqdm

from benchmarks.events.decodes import Policy, causal, offline, oracle, uniform
from benchmarks.events.model_words import ModelWords
from benchmarks.events.scoring import Point, Scorer
from benchmarks.events.streams import SECONDS
from training.evaluation.streams import Stream
from vljepa_ros.stream.changes.choice import DETECTORS
from vljepa_ros.stream.changes.detector import CommonConfig, SegmentDetector

# 2 Hz to 0.01 Hz, the paper's range, and 1 Hz among them.
RATES_HZ = (2.0, 1.4, 1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.125, 0.06, 0.025, 0.01)
SENSITIVITIES = (4.0, 2.8, 2.0, 1.4, 1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.12)
Make = Callable[[CommonConfig], SegmentDetector]


class Sweeps:
    """Measures curves and keeps what the policies made of each stream."""

    def __init__(self, streams: Sequence[Stream], scorer: Scorer, words: ModelWords) -> None:
        """Prepare; nothing is measured yet."""
        self.streams, self.scorer, self.words = streams, scorer, words

    def uniform(self, *, pooled: bool, rates: Sequence[float] = RATES_HZ) -> list[Point]:
        """Decode at equal distances."""
        return [
            self._point(functools.partial(uniform, rate_hz=rate, pooled=pooled), setting=rate)
            for rate in self._bar(rates, 'uniform', pooled=pooled)
        ]

    def offline(
        self, *, pooled: bool, quiet: bool, rates: Sequence[float] = RATES_HZ
    ) -> list[Point]:
        """Divide whole streams by Ward's method in as many segments as a rate makes."""
        rule = self.words.quiet if quiet else None
        points = []
        for rate in self._bar(rates, 'offline', pooled=pooled):
            count = max(1, round(rate * SECONDS))
            policy = functools.partial(offline, count=count, pooled=pooled, quiet=rule)
            points.append(self._point(policy, setting=rate))
        return points

    def oracle(self, *, pooled: bool) -> Point:
        """Decode each annotated segment once."""
        return self._point(functools.partial(oracle, pooled=pooled), setting=0.0)

    def causal(
        self,
        make: Make,
        *,
        pooled: bool,
        quiet: bool,
        both: bool = False,
        common: CommonConfig | None = None,
        sensitivities: Sequence[float] = SENSITIVITIES,
        name: str = 'causal',
    ) -> list[Point]:
        """Decode each segment that a detector finds, over its sensitivity."""
        decide = functools.partial(self._causal, make=make, pooled=pooled, quiet=quiet, both=both)
        return [
            self._point(functools.partial(decide, common=one), setting=one.sensitivity)
            for one in (
                dataclasses.replace(common or CommonConfig(), sensitivity=sensitivity)
                for sensitivity in self._bar(sensitivities, name, pooled=pooled)
            )
        ]

    def policies(
        self, make: Make, *, pooled: bool, quiet: bool, common: CommonConfig | None = None
    ) -> list[Policy]:
        """Return what one detector makes of each stream."""
        settings = common or CommonConfig()
        return [
            self._causal(stream, make=make, pooled=pooled, quiet=quiet, common=settings)
            for stream in self.streams
        ]

    def _causal(
        self,
        stream: Stream,
        *,
        make: Make,
        pooled: bool,
        quiet: bool,
        common: CommonConfig,
        both: bool = False,
    ) -> Policy:
        rule = self.words.quiet if quiet else None
        return causal(stream, make(common), pooled=pooled, quiet=rule, both=both)

    def _point(self, policy: Callable[[Stream], Policy], *, setting: float) -> Point:
        return self.scorer.score([policy(stream) for stream in self.streams], setting=setting)

    def _bar(self, settings: Sequence[float], name: str, *, pooled: bool) -> tqdm[float]:
        return tqdm(settings, desc=f'{name} {"pooled" if pooled else "exact"}', leave=False)


def detectors() -> dict[str, Make]:
    """Return the detectors by name."""
    return dict(DETECTORS)
