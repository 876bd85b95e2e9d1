# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Callbacks are handed to threads once each, and one that fails ends nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from ros_graph import WAIT_S, rclpy, wait_until

from vljepa_ros.nodes import spinner

pytestmark = pytest.mark.ros
THREADS = 2


class CountedPool(spinner._HandoverPool):
    """Counts what is handed over."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.handed_over = 0

    def submit(self, function: Callable[..., Any], /, *args: Any, **more: Any) -> Future[Any]:
        self.handed_over += 1
        return super().submit(function, *args, **more)


class Triggers:
    """A node that spins in THREADS threads, and callbacks that can be triggered in it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(spinner, '_HandoverPool', CountedPool)
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node('triggered', context=self.context)
        self.group = rclpy.callback_groups.ReentrantCallbackGroup()
        self.spinner = spinner.Spinner(threads=THREADS, context=self.context)
        self.spinner.add(self.node)

    @property
    def handed_over(self) -> int:
        return int(self.spinner._executor._executor.handed_over)

    def trigger(self, callback: Callable[[], Any]) -> None:
        self.node.create_guard_condition(callback, callback_group=self.group).trigger()
        self.spinner.wake()

    def close(self) -> None:
        self.spinner.close()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def triggers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Triggers]:
    made = Triggers(monkeypatch)
    yield made
    made.close()


def test_a_callback_that_waits_for_a_thread_is_handed_over_once(triggers: Triggers) -> None:
    begun, opened, ran = threading.Semaphore(0), threading.Event(), threading.Event()

    def hold() -> None:
        begun.release()
        opened.wait(WAIT_S)

    try:
        for _ in range(THREADS):
            triggers.trigger(hold)
            assert begun.acquire(timeout=WAIT_S)
        triggers.trigger(ran.set)
        wait_until(lambda: triggers.handed_over > THREADS)
        for _ in range(10):  # each makes a step of the executor, as a new message does
            triggers.spinner.wake()
            time.sleep(0.03)
    finally:
        opened.set()
    assert ran.wait(WAIT_S)
    assert triggers.handed_over == THREADS + 1


def test_a_callback_that_fails_ends_no_other(triggers: Triggers) -> None:
    def fail() -> None:
        raise ValueError('on purpose')

    for _ in range(THREADS + 1):
        triggers.trigger(fail)
    ran = threading.Event()
    triggers.trigger(ran.set)
    assert ran.wait(WAIT_S)
