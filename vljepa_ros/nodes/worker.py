# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The one thread of a process that runs the model."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

from vljepa_ros.errors import EngineError

Result = TypeVar('Result')


class Worker:
    """Runs work one after another in its own thread.

    Work comes in two ways. `submit` queues a request whose answer somebody waits for; the queue
    is bounded. `offer` puts work into a slot where newer work replaces older work that has not
    begun: a stream that comes faster than the model loses samples and never builds a backlog.
    The two take turns, so that neither starves the other.
    """

    def __init__(self, *, max_queue: int = 32) -> None:
        """Start the thread.

        Args:
            max_queue: requests that may wait.
        """
        self._max_queue = max_queue
        self._queue: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._slots: dict[Hashable, Callable[[], None]] = {}
        self._running: Hashable = None
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name='vljepa_worker', daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[], Result], *, bounded: bool = True) -> Future[Result]:
        """Queue a request.

        Args:
            work: runs in the thread.
            bounded: refuse it if too many requests wait; False for what is rare and must be done.

        Raises:
            EngineError: too many requests wait, or the worker is closed.
        """
        future: Future[Result] = Future()
        with self._changed:
            if self._closed:
                raise EngineError('The model is being shut down')
            if bounded and len(self._queue) >= self._max_queue:
                raise EngineError(
                    f'The model is busy: {self._max_queue} requests wait. Try again later'
                )
            self._queue.append((future, work))
            self._changed.notify_all()
        return future

    def offer(self, slot: Hashable, work: Callable[[], None]) -> bool:
        """Put work into a slot; it must handle its own errors.

        Returns:
            True if older work of this slot was replaced before it began.
        """
        with self._changed:
            if self._closed:
                return True
            replaced = slot in self._slots
            self._slots[slot] = work
            self._changed.notify_all()
        return replaced

    def finish(self, slot: Hashable, *, timeout_s: float) -> None:
        """Wait until a slot's work is done; withdraw it if that takes too long."""
        with self._changed:
            self._changed.wait_for(
                lambda: slot not in self._slots and self._running != slot, timeout_s
            )
            self._slots.pop(slot, None)

    def close(self, *, timeout_s: float = 5.0) -> None:
        """Cancel what waits, let the running work end, and stop the thread."""
        with self._changed:
            self._closed = True
            self._slots.clear()
            for future, _ in self._queue:
                future.cancel()
            self._queue.clear()
            self._changed.notify_all()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not (self._closed or self._queue or self._slots):
                    self._changed.wait()
                if self._closed:
                    return
                request = self._queue.popleft() if self._queue else None
            if request is not None:
                _answer(*request)
            with self._changed:  # only now, since newer work may have come meanwhile
                slot = next(iter(self._slots), None)
                sample = None if slot is None else self._slots.pop(slot)
                self._running = slot
            if sample is not None:
                try:
                    sample()
                except Exception:  # nobody waits for it, and the thread must live on
                    logging.getLogger(__name__).exception('A sample failed')
                with self._changed:
                    self._running = None
                    self._changed.notify_all()


def _answer(future: Future[Any], work: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:  # the one who waits gets it, the thread lives on
        future.set_exception(error)
