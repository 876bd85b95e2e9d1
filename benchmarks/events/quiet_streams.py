# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Streams in which nothing happens: from a camera that stands, and from one that sways."""

from __future__ import annotations

import enum
import itertools
from pathlib import Path

from benchmarks.events.streams import FIRST_SEED, SECONDS, StreamName, watched
from training.evaluation.streams import Stream
from training.world import plan_episode
from vljepa_ros.inference import Engine

HOUR_S = 3600.0


class QuietKind(enum.Enum):
    """What the camera does."""

    STILL = 'still'
    MOVING = 'moving'


def quiet_names(kind: QuietKind, count: int) -> list[StreamName]:
    """Return the first streams without an action whose camera does so."""
    seeds = (
        seed
        for seed in itertools.count(FIRST_SEED)
        if plan_episode(seed=seed, split='iid', actions=0, seconds=SECONDS).layout.camera.moves
        == (kind is QuietKind.MOVING)
    )
    return [StreamName('iid', seed, actions=0) for seed in itertools.islice(seeds, count)]


def quiet_streams(
    engine: Engine, kind: QuietKind, *, count: int, cache: Path, workers: int
) -> list[Stream]:
    """Draw such streams and run the model along them; both are kept on disk."""
    names = quiet_names(kind, count)
    return watched(engine, names, cache=cache, workers=workers, title=kind.value)
