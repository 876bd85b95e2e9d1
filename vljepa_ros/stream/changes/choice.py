# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The detectors by name."""

from __future__ import annotations

from collections.abc import Callable

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.stream.changes.cusum import CusumDetector
from vljepa_ros.stream.changes.detector import CommonConfig, SegmentDetector
from vljepa_ros.stream.changes.drift import DriftDetector
from vljepa_ros.stream.changes.surprise import SurpriseDetector
from vljepa_ros.stream.changes.variance import VarianceDetector
from vljepa_ros.stream.changes.ward import WardDetector

DETECTORS: dict[str, Callable[[CommonConfig], SegmentDetector]] = {
    'ward': lambda common: WardDetector(common=common),
    'drift': lambda common: DriftDetector(common=common),
    'cusum': lambda common: CusumDetector(common=common),
    'variance': lambda common: VarianceDetector(common=common),
    'surprise': lambda common: SurpriseDetector(common=common),
}

DEFAULT = 'drift'


def detector(name: str, common: CommonConfig | None = None) -> SegmentDetector:
    """Return a new detector with its own defaults.

    Raises:
        ConfigurationError: there is none of this name.
    """
    if name not in DETECTORS:
        raise ConfigurationError(f'detector is {name!r}; use one of {", ".join(DETECTORS)}')
    return DETECTORS[name](common or CommonConfig())
