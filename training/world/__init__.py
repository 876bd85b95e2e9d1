# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A tabletop world with a robot arm: episodes of pictures, actions and labels.

Importing needs no graphics; the first drawn episode does.
"""

from training.world.episode import SPLIT_CODE, Episode, plan_episode, render_episode
from training.world.geometry import ACTIONS, COLOURS, KINDS, PLACES
from training.world.language import (
    all_captions,
    all_segments,
    caption,
    paraphrases,
    parse_caption,
    state_caption,
)
from training.world.script import ObjectInfo, Plan, Segment, WorldState

__all__ = [
    'ACTIONS', 'COLOURS', 'KINDS', 'PLACES', 'SPLIT_CODE', 'Episode', 'ObjectInfo', 'Plan',
    'Segment', 'WorldState', 'all_captions', 'all_segments', 'caption', 'paraphrases',
    'parse_caption', 'plan_episode', 'render_episode', 'state_caption',
]  # fmt: skip
