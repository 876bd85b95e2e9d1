# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A memory stays within its bounds: the oldest rows go, and the disk is really free again."""

from __future__ import annotations

import os
import time

import pytest
from memory_rows import MODEL, START_NS, meaning, row, seconds, stamps

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.memory import bounds
from vljepa_ros.memory.bounds import Bounds
from vljepa_ros.memory.lance.database import folder_bytes
from vljepa_ros.memory.memory import Memory
from vljepa_ros.memory.search import Search
from vljepa_ros.stream.stamps import SECOND_NS

SMALLEST = Bounds(max_bytes=bounds.LEAST_BYTES)
THUMBNAIL = 40_000
PART = 25


def fill(memory: Memory, first: int, last: int) -> None:
    """Write rows with large thumbnails, into tables a part at a time."""
    for second in range(first, last):
        memory.write(row(second, meaning(second), thumbnail=os.urandom(THUMBNAIL)))
        if second % PART == PART - 1:
            memory.flush()


@pytest.mark.slow
def test_the_oldest_rows_go_first_and_free_the_disk(tmp_path):
    with Memory(str(tmp_path), bounds=SMALLEST) as memory:
        for part in range(4):
            fill(memory, part * 500, (part + 1) * 500)
            assert folder_bytes(tmp_path) <= SMALLEST.max_bytes
            assert memory.used_bytes <= SMALLEST.max_bytes
        kept = sorted(seconds(stamp) for stamp in stamps(memory))
        assert kept == list(range(int(kept[0]), 2000)), 'the newest rows, without a gap'
        # At least five eighths: a table, an eighth, goes at once, and the journal needs its place.
        assert len(kept) * THUMBNAIL > SMALLEST.max_bytes * 5 / 8
        (hit,) = memory.search(Search(meaning(1999), MODEL, limit=1))
        assert hit.end_ns == START_NS + 1999 * SECOND_NS


def test_what_is_set_aside_counts_and_goes_first(tmp_path):
    damaged = tmp_path / 'damaged' / 'table-1'
    damaged.mkdir(parents=True)
    (damaged / 'data').write_bytes(bytes(SMALLEST.max_bytes))
    with Memory(str(tmp_path), bounds=SMALLEST) as memory:
        fill(memory, 0, PART)
        assert not damaged.exists()
        assert stamps(memory).total() == PART


def test_what_is_too_old_goes(tmp_path, monkeypatch):
    with Memory(str(tmp_path), bounds=Bounds(max_age_days=1.0)) as memory:
        fill(memory, 0, PART)
        later_ns = time.time_ns() + bounds.DAY_NS // 2
        monkeypatch.setattr('vljepa_ros.memory.bounds.time.time_ns', lambda: later_ns)
        fill(memory, PART, 2 * PART)
        fill(memory, 2 * PART, 3 * PART)
        assert stamps(memory).total() == 3 * PART
        assert len(memory._catalog.all) == 2, 'a table is filled for an eighth of the age only'
        later_ns += bounds.DAY_NS * 3 // 4
        memory._upkeep._bounds_due_s = 0.0
        memory.flush()
        assert sorted(seconds(one) for one in stamps(memory)) == list(range(PART, 3 * PART))


def test_a_process_that_ends_while_a_table_goes_leaves_nothing(tmp_path):
    grave = tmp_path / 'embedding-x.dropped'
    grave.mkdir()
    (grave / 'data').write_bytes(b'data')
    Memory(str(tmp_path)).close()
    assert not grave.exists()


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'max_age_days': 0.0}, 'max_age_days is 0.0; allowed is more than 0'),
        ({'max_age_days': float('inf')}, 'max_age_days is inf'),
        ({'max_bytes': 1}, 'max_bytes is 1; allowed is at least 32000000'),
    ],
)
def test_bounds_that_make_no_sense_are_refused(changes, words):
    with pytest.raises(ConfigurationError, match=words):
        Bounds(**changes)
