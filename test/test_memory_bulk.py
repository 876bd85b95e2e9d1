# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A memory is filled from recordings: each once, whatever interrupts it, beside a live memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from full_disk import files_of_at_most
from memory_rows import MODEL, START_NS, meaning, row, seconds, stamps

from vljepa_ros.errors import StoreError, StoreFullError
from vljepa_ros.memory import bulk
from vljepa_ros.memory.bulk import BulkWriter
from vljepa_ros.memory.memory import Memory
from vljepa_ros.memory.search import Search
from vljepa_ros.stream.stamps import SECOND_NS


def fill(writer: BulkWriter, recording: str, first: int, last: int, *, version: str = '') -> None:
    """Write a recording with a row a second."""
    writer.begin(recording)
    for second in range(first, last):
        writer.write(row(second, meaning(second), recording=recording))
    writer.finish(recording, version)


def kept(folder: Path) -> list[int]:
    """Return the seconds of all rows."""
    with Memory(str(folder)) as memory:
        return sorted(int(seconds(stamp)) for stamp in stamps(memory).elements())


def tables(folder: Path) -> int:
    return len(list(folder.glob('embedding-*.lance')))


def test_recordings_are_found_by_name_and_version(tmp_path):
    with BulkWriter(str(tmp_path)) as writer:
        assert not writer.has('a', '1')
        fill(writer, 'a', 0, 10, version='1')
        fill(writer, "b's", 20, 30, version='1')
        assert not writer.has('a', '1'), 'it is not on the disk yet'
    with BulkWriter(str(tmp_path)) as writer:
        assert writer.has('a', '1')
        assert writer.has("b's", '1')
        assert not writer.has("b's", '2')
        fill(writer, "b's", 20, 25, version='2')
    assert kept(tmp_path) == [*range(10), *range(20, 25)], 'the new version replaces the old one'
    assert tables(tmp_path) == 1, 'a search goes through all tables, so there are few'
    with Memory(str(tmp_path)) as memory:
        (hit,) = memory.search(Search(meaning(3), MODEL, limit=1))
        assert (hit.recording, hit.end_ns) == ('a', START_NS + 3 * SECOND_NS)


def test_what_an_interrupted_run_has_left_is_not_there_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(bulk, 'ROWS_A_COMMIT', 5)
    with pytest.raises(KeyError), BulkWriter(str(tmp_path)) as writer:
        fill(writer, 'a', 0, 3)
        writer.begin('b')
        for second in range(100, 108):
            writer.write(row(second, recording='b'))
        raise KeyError('interrupted')
    assert len(kept(tmp_path)) == 11
    with BulkWriter(str(tmp_path)) as writer:
        assert writer.has('a')
        assert not writer.has('b')
        fill(writer, 'b', 100, 110)
        writer.begin('c')
        writer.write(row(200, recording='c'))
        writer.abandon('c')
    assert kept(tmp_path) == [*range(3), *range(100, 110)]
    with BulkWriter(str(tmp_path)) as writer:
        assert not writer.has('c')


def test_what_a_full_disk_did_not_take_is_not_finished(tmp_path):
    with BulkWriter(str(tmp_path)) as writer:
        fill(writer, 'a', 0, 10)
    with (
        files_of_at_most(4_000),
        pytest.raises(StoreFullError, match='Make room'),
        BulkWriter(str(tmp_path)) as writer,
    ):
        fill(writer, 'b', 100, 400)
    with BulkWriter(str(tmp_path)) as writer:
        assert writer.has('a')
        assert not writer.has('b')
        fill(writer, 'b', 100, 110)
    assert kept(tmp_path) == [*range(10), *range(100, 110)]


def test_a_damaged_list_of_recordings_is_made_anew(tmp_path):
    with BulkWriter(str(tmp_path)) as writer:
        fill(writer, 'a', 0, 10)
    for path in (tmp_path / 'recordings.lance' / '_versions').glob('*.manifest'):
        path.write_bytes(b'garbage' * 100)
    said: list[StoreError] = []
    for _ in range(2):
        with BulkWriter(str(tmp_path), on_problem=said.append) as writer:
            if not writer.has('a'):
                fill(writer, 'a', 0, 10)
    (error,) = said
    assert 'was set aside' in str(error)
    assert kept(tmp_path) == list(range(10))


def test_a_live_memory_goes_on_beside_and_sees_what_was_filled(tmp_path):
    with Memory(str(tmp_path)) as memory:
        memory.write(row(500, meaning(500)))
        memory.flush()
        for first in (0, 10):
            with BulkWriter(str(tmp_path)) as writer:
                fill(writer, f'recording {first}', first, first + 10)
            memory.write(row(501 + first, meaning(500)))
            memory._upkeep._bounds_due_s = 0.0
            memory.flush()
            (hit,) = memory.search(Search(meaning(first + 2), MODEL, limit=1))
            assert hit.recording == f'recording {first}'
        assert stamps(memory).total() == 23
        assert tables(tmp_path) == 2, 'one of the memory, one of the recordings'


def test_a_large_fill_is_indexed_at_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr('vljepa_ros.memory.lance.index_builder.LEAST_UNINDEXED', 256)
    with BulkWriter(str(tmp_path)) as writer:
        fill(writer, 'a', 0, 300)
    with Memory(str(tmp_path)) as memory:
        (table,) = memory._catalog.all
        assert (table.rows, table.unindexed) == (300, 0)


def test_wrong_use_is_said(tmp_path):
    with BulkWriter(str(tmp_path)) as writer:
        with pytest.raises(StoreError, match="'a' came, which has not begun"):
            writer.write(row(0, recording='a'))
        with pytest.raises(StoreError, match='Another process fills the memory'):
            BulkWriter(str(tmp_path))
