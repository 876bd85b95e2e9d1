# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A memory whose process is killed at any moment loses the last second at most."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from memory_rows import START_NS, stamps

from vljepa_ros.memory.memory import Memory
from vljepa_ros.stream.stamps import SECOND_NS

TEST = Path(__file__).resolve().parent
KILLS = 5
LOST_S = 1.0


def write_and_kill(folder: Path, *, first: int, after_s: float) -> tuple[list[int], list[int]]:
    """Run the writer for a while; return the rows older than LOST_S at its end, and the others."""
    child = subprocess.Popen(
        [sys.executable, str(TEST / 'memory_writer.py'), str(folder), str(first)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join([str(TEST.parent), *sys.path])},
    )
    assert child.stdout is not None
    heard: list[tuple[int, float]] = []
    begun = threading.Event()

    def listen() -> None:
        assert child.stdout is not None
        for line in child.stdout:
            heard.append((int(line), time.monotonic()))
            begun.set()

    thread = threading.Thread(target=listen)
    thread.start()
    assert begun.wait(60.0)
    time.sleep(after_s)
    killed_s = time.monotonic()
    child.kill()
    child.wait()
    thread.join()
    child.stdout.close()
    safe = [number for number, heard_s in heard if heard_s < killed_s - LOST_S]
    return safe, [number for number, _ in heard[len(safe) :]]


@pytest.mark.slow
def test_killed_at_any_moment_it_loses_the_last_second_at_most(tmp_path):
    moments = random.Random(time.time_ns())
    safe: list[int] = []
    first = in_tables = 0
    for _ in range(KILLS):
        kept, unsure = write_and_kill(tmp_path, first=first, after_s=moments.uniform(1.2, 2.5))
        assert kept, 'nothing was written'
        safe += kept
        first = max([*kept, *unsure]) + 1
        with Memory(
            str(tmp_path), on_problem=lambda what, error: pytest.fail(str(error))
        ) as memory:
            found = stamps(memory)
            in_tables = found.total() - memory.rows_waiting
        lost = [number for number in safe if not found[START_NS + number * SECOND_NS]]
        assert not lost, f'{len(lost)} rows are lost, such as {lost[:5]}'
        assert set(found.values()) == {1}, 'rows are there twice'
    assert in_tables, 'no row has gone into a table: the test tests nothing'
