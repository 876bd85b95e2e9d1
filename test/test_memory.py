# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is written into a memory is found: in tables or not yet, merged into moments."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from memory_rows import MODEL, START_NS, WIDTH, event, meaning, row, seconds, stamps

from vljepa_ros.errors import ConfigurationError, StoreError, StreamError
from vljepa_ros.memory.lance.table import COMPARED_ROWS
from vljepa_ros.memory.memory import Memory
from vljepa_ros.memory.row import Kind
from vljepa_ros.memory.search import Search
from vljepa_ros.stream.stamps import SECOND_NS

ROOT = Path(__file__).resolve().parents[1]
# Seconds of the clips' ends: two visits of two meanings, in front of two cameras.
VISITS = ((0, 'front', 100), (1, 'front', 200), (0, 'rear', 300), (1, 'rear', 400))
LASTS_S = 20


@pytest.fixture
def memory(tmp_path):
    with Memory(str(tmp_path / 'memory'), on_problem=_fail) as opened:
        yield opened


def _fail(what: str, error: Exception) -> None:
    pytest.fail(f'{what}: {error}')


def visit(memory: Memory) -> None:
    """Write VISITS, a row a second, and an event for each."""
    for index, camera, first in VISITS:
        for second in range(first, first + LASTS_S):
            vector = meaning(index, noise=0.2, seed=second)
            memory.write(row(second, vector, camera=camera, thumbnail=b'jpeg %d' % second))
        last = first + LASTS_S
        text = f'meaning {index}'
        vector = meaning(index, noise=0.1)
        memory.write(event(first - 1, last, text, camera=camera, vector=vector))


def summary(memory: Memory, **changes: object) -> list[tuple[str, float, float]]:
    """Return camera, start and end of what a search for meaning 0 finds."""
    values = {'vector': meaning(0), 'model_id': MODEL, 'kinds': (Kind.EMBEDDING,), **changes}
    hits = memory.search(Search(**values))  # type: ignore[arg-type]
    return [(hit.camera, seconds(hit.start_ns), seconds(hit.end_ns)) for hit in hits]


@pytest.mark.parametrize('where', ['waiting', 'table', 'both', 'reopened'])
def test_a_search_finds_moments_wherever_the_rows_are(tmp_path, where):
    with Memory(str(tmp_path), on_problem=_fail) as memory:
        visit(memory)
        if where == 'table':
            memory.flush()
            assert memory.rows_waiting == 0
        if where == 'both':
            memory.flush()
            memory.write(row(320, meaning(0), camera='rear', thumbnail=b'late'))
        if where != 'reopened':
            check_moments(memory, late=where == 'both')
    if where == 'reopened':
        with Memory(str(tmp_path), on_problem=_fail) as memory:
            assert memory.rows_waiting == len(VISITS) * (LASTS_S + 1)
            check_moments(memory, late=False)


def check_moments(memory: Memory, *, late: bool) -> None:
    hits = memory.search(Search(meaning(0), MODEL, kinds=(Kind.EMBEDDING,), limit=2))
    by_camera = {hit.camera: hit for hit in hits}
    assert set(by_camera) == {'front', 'rear'}, 'ten rows of one second are one moment'
    front, rear = by_camera['front'], by_camera['rear']
    assert (seconds(front.start_ns), seconds(front.end_ns)) == (99, 119)
    assert (seconds(rear.start_ns), seconds(rear.end_ns)) == (299, 320 if late else 319)
    for hit in (front, rear):
        assert hit.score > 0.95
        assert hit.kind is Kind.EMBEDDING
        assert hit.text == 'meaning 0', 'what the event at that time said'
        assert (hit.text_score, hit.source) == (0.75, 'DECODER')
        assert hit.start_ns <= hit.stamp_ns <= hit.end_ns
    assert front.thumbnail == b'jpeg %d' % seconds(front.stamp_ns)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


@pytest.mark.parametrize('flushed', [False, True])
@pytest.mark.parametrize(
    ('changes', 'expected'),
    [
        ({'limit': 1, 'camera': 'rear'}, [('rear', 299, 319)]),
        ({'limit': 1, 'camera': "o'clock"}, []),
        ({'limit': 1, 'query': 'action'}, []),
        ({'limit': 1, 'since_ns': START_NS + 250 * SECOND_NS}, [('rear', 299, 319)]),
        ({'limit': 1, 'until_ns': START_NS + 250 * SECOND_NS}, [('front', 99, 119)]),
        # A row that lasts from 114 to 115 s is partly in a time that begins in between.
        (
            {
                'since_ns': START_NS + 114 * SECOND_NS + 1,
                'until_ns': START_NS + 114 * SECOND_NS + 2,
                'limit': 1,
            },
            [('front', 114, 115)],
        ),
        ({'limit': 1, 'since_ns': START_NS + 10**6 * SECOND_NS}, []),
        ({'limit': 1, 'model_id': 'other@0123456789ab'}, []),
        ({'limit': 1, 'vector': np.ones(WIDTH + 1)}, []),
    ],
)
def test_only_what_was_asked_for_is_found(memory, changes, expected, flushed):
    visit(memory)
    if flushed:
        memory.flush()
    assert summary(memory, **changes) == expected


def test_a_search_goes_on_until_it_has_enough_moments(memory):
    """A camera that dwelt for long has more of the nearest rows than any first look takes."""
    for second in range(3000):
        memory.write(row(second, meaning(0)))
    for visit_no in range(4):
        memory.write(row(10_000 + 100 * visit_no, meaning(0, noise=0.3, seed=1 + visit_no)))
    memory.flush()
    found = summary(memory, limit=5)
    assert len(found) == 5
    assert found[0] == ('front', -1, 2999)


def test_the_newest_is_found_behind_a_long_stay_that_fits_better(memory):
    for second in range(1500):
        memory.write(row(second, meaning(0)))
    memory.write(row(5000, meaning(0, noise=0.2, seed=1)))
    memory.write(row(9000, meaning(1)))
    memory.flush()
    assert summary(memory, limit=1, newest_first=True) == [('front', 4999, 5000)]
    assert summary(memory, newest_first=True) == [('front', 4999, 5000), ('front', -1, 1499)]
    assert summary(memory, newest_first=True, min_score=0.999) == [('front', -1, 1499)]
    assert [end for _, _, end in summary(memory, newest_first=True, min_score=-1.0)] == [
        *(9000, 5000, 1499)
    ]


def test_models_are_kept_apart(memory):
    memory.write(row(1, meaning(0)))
    memory.write(row(2, meaning(0), model_id='tiny@ba9876543210'))
    memory.write(row(3, np.ones(WIDTH * 2)))
    memory.flush()
    assert [second for _, _, second in summary(memory)] == [1]
    assert [second for _, _, second in summary(memory, model_id='tiny@ba9876543210')] == [2]


def test_events_are_found_each_once(memory):
    visit(memory)
    started = event(500, 501, 'begins', vector=meaning(2), event_id='twice', phase='STARTED')
    memory.write(started)
    memory.flush()
    memory.write(event(500, 520, 'ends', vector=meaning(2), event_id='twice'))
    hits = memory.search(Search(meaning(2), MODEL, kinds=(Kind.EVENT,), limit=1))
    assert [(hit.text, hit.event_id) for hit in hits] == [('ends', 'twice')]
    everything = memory.search(Search(meaning(2), MODEL, kinds=(Kind.EVENT,), limit=100))
    assert len(everything) == len(VISITS) + 1


def test_a_row_can_be_lengthened_until_it_is_in_a_table(memory):
    number = memory.write(row(1))
    longer = row(1, end_ns=START_NS + 30 * SECOND_NS)
    assert memory.rewrite(number, longer)
    assert summary(memory) == [('front', 0, 30)]
    memory.flush()
    assert not memory.rewrite(number, longer)
    assert stamps(memory).total() == 1


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'vector': np.full(WIDTH, np.nan)}, 'NaN'),
        ({'vector': np.zeros(WIDTH)}, 'it is 0'),
        ({'vector': np.ones((2, 2))}, r'\[D\]'),
        ({'start_ns': START_NS + 9 * SECOND_NS}, 'backwards'),
        ({'start_ns': -1}, '0 or more'),
    ],
)
def test_rows_that_cannot_be_remembered_are_refused(changes, words):
    with pytest.raises(StreamError, match=words):
        row(1, **changes)


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'limit': 0}, 'limit is 0; allowed is 1 to 100'),
        ({'limit': 101}, 'limit is 101'),
        ({'min_score': 1.5}, 'min_score is 1.5; it is a cosine'),
        ({'since_ns': 2, 'until_ns': 1}, 'after until'),
    ],
)
def test_searches_that_make_no_sense_are_refused(changes, words):
    with pytest.raises(ConfigurationError, match=words):
        Search(meaning(0), MODEL, **changes)


def test_two_processes_do_not_write_into_one_memory(tmp_path):
    with Memory(str(tmp_path)), pytest.raises(StoreError, match='Another process'):
        Memory(str(tmp_path))
    Memory(str(tmp_path)).close()


@pytest.mark.slow
def test_the_index_is_built_beside_and_finds_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr('vljepa_ros.memory.lance.index_builder.LEAST_UNINDEXED', 256)
    monkeypatch.setattr('vljepa_ros.memory.lance.table.COMPARED_ROWS', 16)
    assert COMPARED_ROWS > 16
    with Memory(str(tmp_path), on_problem=_fail) as memory:
        for second in range(600):
            vector = meaning(second // 20, noise=0.2, seed=second)
            memory.write(row(second, vector, camera='left' if second % 2 else 'right'))
        memory.flush()
        before = [summary(memory, vector=meaning(index), limit=1) for index in range(30)]
        upkeep = memory._upkeep
        with memory._upkeep_lock:
            upkeep.build_indices()
            assert upkeep._builder.is_busy
            # Writing goes on meanwhile.
            memory.write(row(5000, meaning(99)))
            upkeep.flush(everything=True)
            assert upkeep._builder._process is not None
            upkeep._builder._process.wait(120)
            upkeep.build_indices()
        (table,) = memory._catalog.all
        assert table.rows == 601
        assert table.unindexed <= 1
        assert [summary(memory, vector=meaning(i), limit=1) for i in range(30)] == before
        assert summary(memory, vector=meaning(99), limit=1) == [('front', 4999, 5000)]
        for camera in ('left', 'right'):
            (found,) = summary(memory, vector=meaning(3), limit=1, camera=camera)
            assert found[0] == camera
            assert 58 <= found[1] < found[2] < 80


@pytest.mark.parametrize(
    'code',
    [
        'import vljepa_ros.memory.memory',
        'from vljepa_ros.cli import main; main(["index", "."])',
    ],
)
def test_without_lancedb_it_says_what_to_install(tmp_path, code):
    (tmp_path / 'lancedb.py').write_text('raise ImportError("no such thing")')
    child = subprocess.run(
        [sys.executable, '-c', code],
        env={'PYTHONPATH': f'{tmp_path}:{ROOT}:{":".join(sys.path)}'},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'The memory needs the library lancedb' in child.stderr
    assert f'{sys.executable} -m pip install "lancedb' in child.stderr
