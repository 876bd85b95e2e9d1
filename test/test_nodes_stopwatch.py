# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The stopwatch counts the running time, also while it runs."""

from __future__ import annotations

import time

import pytest

from vljepa_ros.nodes.stopwatch import Stopwatch


def test_it_counts_blocks_and_can_be_read_inside(monkeypatch):
    now = 100.0
    monkeypatch.setattr(time, 'perf_counter', lambda: now)
    watch = Stopwatch()
    assert watch.read() == (100.0, 0.0)
    with watch.running():
        now = 103.0
        assert watch.read() == (103.0, 3.0)
        now = 104.0
    now = 110.0
    assert watch.read() == (110.0, 4.0)
    with pytest.raises(RuntimeError), watch.running():
        now = 111.0
        raise RuntimeError
    assert watch.read() == (111.0, 5.0)
