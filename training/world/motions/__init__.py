# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The hand's waypoints for each action, one module for each family of actions."""

from training.world.motions.drawer import close_drawer, open_drawer
from training.world.motions.grasping import pick_up
from training.world.motions.placing import Goal, drop_beside, place
from training.world.motions.pushing import knock_over, push
from training.world.motions.record import Start
from training.world.motions.turning import pour, set_upright
from training.world.motions.writer import PlanWriter

__all__ = [
    'Goal', 'PlanWriter', 'Start', 'close_drawer', 'drop_beside', 'knock_over', 'open_drawer',
    'pick_up', 'place', 'pour', 'push', 'set_upright',
]  # fmt: skip
