# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A tabletop world with a robot arm: episodes of pictures, actions and labels.

Importing needs no graphics; the first drawn episode does.
"""

from training.world.episode import Episode, plan_episode, render_episode
from training.world.planner import Wanted
from training.world.script import Plan, WorldState
from training.world.splits import SPLIT_CODE, TEST_SPLITS
from training.world.symbols import (
    ACTIONS,
    COLOURS,
    DIRECTIONS,
    FURNITURE,
    KINDS,
    PLACES,
    WORLD_VERSION,
    ObjectInfo,
    Scene,
    Segment,
)

__all__ = [
    'ACTIONS', 'COLOURS', 'DIRECTIONS', 'FURNITURE', 'KINDS', 'PLACES', 'SPLIT_CODE',
    'TEST_SPLITS', 'WORLD_VERSION', 'Episode', 'ObjectInfo', 'Plan', 'Scene', 'Segment', 'Wanted',
    'WorldState', 'plan_episode', 'render_episode',
]  # fmt: skip
