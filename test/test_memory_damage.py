# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is damaged is set aside and said once, a full disk is waited for; the rest goes on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from full_disk import files_of_at_most
from memory_rows import START_NS, event, meaning, row, stamps

from vljepa_ros.errors import StoreDamagedError, StoreError, StoreFullError
from vljepa_ros.memory.journal import Journal
from vljepa_ros.memory.memory import Memory
from vljepa_ros.memory.search import Search
from vljepa_ros.stream.stamps import SECOND_NS

ROWS = 30
MODEL = row(0).model_id


class Problems:
    """Collects what a memory says."""

    def __init__(self) -> None:
        self.said: list[tuple[str, StoreError]] = []
        self.recovered: list[str] = []

    def open(self, folder: Path) -> Memory:
        return Memory(
            str(folder),
            on_problem=lambda what, error: self.said.append((what, error)),
            on_recovery=self.recovered.append,
        )

    def one(self) -> StoreError:
        """Return the only one."""
        ((what, error),) = self.said
        assert what == 'damage'
        assert isinstance(error, StoreDamagedError)
        return error


@pytest.fixture
def problems() -> Problems:
    return Problems()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A memory with rows in a table of embeddings, in one of events, and in the journal."""
    with Memory(str(tmp_path)) as memory:
        for second in range(ROWS):
            memory.write(row(second, meaning(second)))
        memory.write(event(0, ROWS - 0.5, 'an event'))
        memory.flush()
        memory.write(row(ROWS, meaning(ROWS)))
    return tmp_path


def table_of(folder: Path, kind: str) -> Path:
    (found,) = folder.glob(f'{kind}-*.lance')
    return found


def zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def each(folder: Path, pattern: str, harm: Callable[[Path], object]) -> None:
    found = list(folder.glob(pattern))
    assert found
    for path in found:
        harm(path)


HARMS = {
    'manifest zeroed': lambda table: each(table, '_versions/*.manifest', zeroed),
    'manifest cut': lambda table: each(table, '_versions/*.manifest', cut),
    'manifest of other bytes': lambda table: each(
        table, '_versions/*.manifest', lambda path: path.write_bytes(b'garbage' * 200)
    ),
    'data zeroed': lambda table: each(table, 'data/*', zeroed),
    'data cut': lambda table: each(table, 'data/*', cut),
    'data gone': lambda table: each(table, 'data/*', Path.unlink),
}


@pytest.mark.parametrize('harm', HARMS)
def test_a_damaged_table_is_set_aside_and_the_rest_goes_on(folder, problems, harm):
    table = table_of(folder, 'embedding')
    HARMS[harm](table)
    with problems.open(folder) as memory:
        for _ in range(2):
            hits = memory.search(Search(meaning(0), MODEL, limit=100))
            assert [hit.text for hit in hits if hit.text] == ['an event']
        assert str(folder / 'damaged') in str(problems.one())
        assert not table.exists()
        for second in range(100, 100 + ROWS):
            memory.write(row(second, meaning(second)))
        memory.flush()
        assert stamps(memory)[START_NS + 101 * SECOND_NS] == 1
        # The row that was in the journal when the table was damaged is still there.
        assert stamps(memory)[START_NS + ROWS * SECOND_NS] == 1
    assert len(list((folder / 'damaged').iterdir())) == 1
    with problems.open(folder):
        problems.one()  # nothing new


@pytest.mark.parametrize('harm', [zeroed, cut, lambda path: path.write_bytes(b'no journal' * 999)])
def test_a_damaged_journal_is_set_aside_and_the_tables_stay(folder, problems, harm):
    harm(folder / 'journal.sqlite3')
    with problems.open(folder) as memory:
        assert 'journal.sqlite3.damaged-' in str(problems.one())
        assert stamps(memory).total() == ROWS + 1
        memory.write(row(100))
    with problems.open(folder) as memory:
        assert stamps(memory).total() == ROWS + 2


def test_a_journal_that_is_damaged_while_it_is_open_loses_nothing(folder, problems):
    with problems.open(folder) as memory:
        memory.write(row(100, thumbnail=bytes(50_000)))
        memory.save()
        # All but the lock in shared memory.
        for name in ('journal.sqlite3', 'journal.sqlite3-wal'):
            zeroed(folder / name)
        memory._journal._connection.execute('PRAGMA shrink_memory')  # it forgets what it has read
        for second in range(101, 110):
            memory.write(row(second))
        memory.save()
        problems.one()
    with problems.open(folder) as memory:
        found = stamps(memory)
    assert found.total() == ROWS + 1 + 1 + 10
    assert set(found.values()) == {1}


def test_a_full_disk_is_waited_for(tmp_path, problems):
    with problems.open(tmp_path) as memory:
        memory.write(row(0))
        memory.flush()
        with files_of_at_most(20_000):
            for second in range(1, 50):
                memory.write(row(second, thumbnail=os.urandom(5_000)))
            with pytest.raises(StoreError):
                memory.save()
            wait_for(lambda: problems.said)
            with pytest.raises(StoreFullError, match='disk is full'):
                memory.flush()
            # It is searched meanwhile.
            (hit,) = memory.search(Search(meaning(0), MODEL, limit=1))
            assert hit.end_ns == START_NS + 49 * SECOND_NS
        assert {what for what, _ in problems.said} == {'commit'}
        wait_for(lambda: 'commit' in problems.recovered)
        memory.flush()
        assert memory.rows_waiting == 0
    with problems.open(tmp_path) as memory:
        found = stamps(memory)
    assert found.total() == 50
    assert set(found.values()) == {1}


def wait_for(condition: Callable[[], object]) -> None:
    end_s = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < end_s, 'what the test waits for has not come'
        time.sleep(0.02)


def test_when_too_many_rows_wait_no_more_are_taken(tmp_path, monkeypatch):
    monkeypatch.setattr('vljepa_ros.memory.waiting.MOST_ROWS', 10)
    with Memory(str(tmp_path)) as memory:
        for second in range(10):
            memory.write(row(second))
        with pytest.raises(StoreFullError, match='10 rows wait'):
            memory.write(row(10))
        memory.flush()
        memory.write(row(10))
        assert stamps(memory).total() == 11


@pytest.mark.parametrize(
    'place', ['/proc/no/memory', 's3://none/memory?endpoint=http://127.0.0.1:9']
)
def test_a_place_that_cannot_be_written_is_an_error(place, monkeypatch, tmp_path):
    monkeypatch.setenv('XDG_STATE_HOME', str(tmp_path))
    for name in ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_REGION'):
        monkeypatch.setenv(name, 'nothing')
    if place.startswith('s3'):
        place += '&allow_http=true&client_max_retries=0'
    with pytest.raises(StoreError, match='memory'):
        Memory(place)


def test_a_journal_of_another_version_is_left_alone(tmp_path):
    path = tmp_path / 'journal.sqlite3'
    journal = Journal(path)
    journal._connection.execute('PRAGMA user_version=99')
    journal.close()
    with pytest.raises(StoreError, match='another version') as caught:
        Memory(str(tmp_path))
    assert not isinstance(caught.value, StoreDamagedError)
    assert path.exists()
