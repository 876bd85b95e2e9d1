# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the memory and recordings need; perception, events and the world model do not."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from vljepa_ros.doctor.findings import Finding
from vljepa_ros.doctor.libraries import library

LIBRARIES = 'Libraries of memory and recordings'


def libraries() -> Iterator[Finding]:
    """Look at LanceDB, rosbags and mcap."""
    pip = f'{sys.executable} -m pip install'
    yield from library(
        'lancedb.index',
        'IvfSq',  # older releases have none
        f'{pip} "lancedb>=0.40"',
        why='the memory and `vljepa index` need it',
    )
    why = 'bags and clips are written and read by it'
    yield from library('rosbags.rosbag2', 'Writer', f'{pip} rosbags', why=why)
    why = 'bags that were cut off are read by it'
    yield from library('mcap.stream_reader', 'StreamReader', f'{pip} mcap', why=why)
