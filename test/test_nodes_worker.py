# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One thread runs the model: the newest sample wins, requests wait in a bounded queue."""

from __future__ import annotations

import threading

import pytest
from untrained import build_untrained_checkpoint

from vljepa_ros.errors import CheckpointError, ConfigurationError, EngineError
from vljepa_ros.nodes.engine_host import EngineHost, EngineSettings
from vljepa_ros.nodes.worker import Worker

WAIT_S = 30.0


@pytest.fixture
def worker():
    made = Worker(max_queue=3)
    yield made
    made.close()


class Gate:
    """Holds the worker until it is opened."""

    def __init__(self, worker: Worker) -> None:
        self.begun, self.opened = threading.Event(), threading.Event()
        self.future = worker.submit(self._wait)
        assert self.begun.wait(WAIT_S)

    def _wait(self) -> None:
        self.begun.set()
        self.opened.wait(WAIT_S)


def test_a_sample_that_raises_does_not_end_the_thread(worker, caplog):
    def fail() -> None:
        raise RuntimeError('the publisher is gone')

    worker.offer('camera', fail)
    worker.finish('camera', timeout_s=WAIT_S)
    assert worker.submit(lambda: 'alive').result(WAIT_S) == 'alive'
    assert 'the publisher is gone' in caplog.text


def test_the_newest_of_each_slot_runs(worker):
    gate, ran = Gate(worker), []
    replaced = [
        worker.offer(slot, lambda slot=slot, number=number: ran.append((slot, number)))
        for number in range(3)
        for slot in ('left', 'right')
    ]
    assert replaced == [False, False, True, True, True, True]
    gate.opened.set()
    done = threading.Event()
    worker.offer('last', done.set)
    assert done.wait(WAIT_S)
    assert ran == [('left', 2), ('right', 2)]


def test_requests_and_samples_take_turns(worker):
    gate, ran = Gate(worker), []
    futures = [worker.submit(lambda number=number: ran.append(number)) for number in range(3)]
    for slot in 'ab':
        worker.offer(slot, lambda slot=slot: ran.append(slot))
    gate.opened.set()
    futures[-1].result(WAIT_S)
    assert ran[:4] == ['a', 0, 'b', 1]


def test_a_full_queue_refuses(worker):
    gate = Gate(worker)
    for _ in range(3):
        worker.submit(lambda: None)
    with pytest.raises(EngineError, match='busy: 3 requests wait'):
        worker.submit(lambda: None)
    gate.opened.set()


def test_an_exception_goes_to_the_one_who_asked(worker):
    with pytest.raises(ZeroDivisionError):
        worker.submit(lambda: 1 // 0).result(WAIT_S)
    assert worker.submit(lambda: 7).result(WAIT_S) == 7


def test_finishing_a_slot_waits_for_its_work(worker):
    gate, ran = Gate(worker), []
    worker.offer('left', lambda: ran.append('left'))
    threading.Timer(0.2, gate.opened.set).start()
    worker.finish('left', timeout_s=WAIT_S)
    assert ran == ['left']
    worker.finish('right', timeout_s=WAIT_S)


def test_work_that_cannot_be_finished_in_time_is_withdrawn(worker):
    gate, ran = Gate(worker), []
    worker.offer('left', lambda: ran.append('left'))
    worker.finish('left', timeout_s=0.1)
    gate.opened.set()
    for _ in range(2):
        worker.submit(lambda: None).result(WAIT_S)
    assert not ran


def test_closing_cancels_what_waits(worker):
    gate = Gate(worker)
    waiting = worker.submit(lambda: None)
    gate.opened.set()
    worker.close()
    assert waiting.done()
    with pytest.raises(EngineError, match='shut down'):
        worker.submit(lambda: None)
    assert worker.offer('left', lambda: None)


@pytest.fixture
def host():
    pytest.importorskip('torch', reason='the engine needs PyTorch')
    made = EngineHost()
    yield made
    made.close()


def test_the_nodes_of_a_process_share_one_engine(host, tmp_path):
    settings = EngineSettings(str(build_untrained_checkpoint(tmp_path)), 'torch', 'cpu', 'auto', 0)
    first = host.acquire(settings)
    assert host.acquire(settings) is first
    with pytest.raises(ConfigurationError, match='share one model'):
        host.acquire(EngineSettings('other', 'torch', 'cpu', 'auto', 0))
    host.release()
    assert host.worker.submit(lambda: first.embed_text(['open'])).result(WAIT_S).shape == (1, 256)
    host.release()
    again = host.acquire(settings)
    assert again is not first
    assert again.model_id == first.model_id
    host.release()


def test_a_failed_load_leaves_the_host_free(host, tmp_path):
    (tmp_path / 'empty').mkdir()
    with pytest.raises(CheckpointError):
        host.acquire(EngineSettings(str(tmp_path / 'empty'), 'torch', 'cpu', 'auto', 0))
    settings = EngineSettings(
        str(build_untrained_checkpoint(tmp_path / 'model')), 'torch', 'cpu', 'auto', 0
    )
    assert host.acquire(settings).model_id.startswith('tiny@')
    host.release()
