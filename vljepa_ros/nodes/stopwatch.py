# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Adds up the time that one thread spends in something; others may look meanwhile."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator


class Stopwatch:
    """Runs in the thread that enters `running`, and can be read from every thread."""

    def __init__(self) -> None:
        """Create a stopwatch at zero."""
        self._lock = threading.Lock()
        self._total_s = 0.0
        self._since_s: float | None = None

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Count the time of the block."""
        with self._lock:
            self._since_s = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self._total_s += time.perf_counter() - self._since_s
                self._since_s = None

    def read(self) -> tuple[float, float]:
        """Return the moment (`time.perf_counter`) and the seconds counted until then."""
        with self._lock:
            now_s = time.perf_counter()
            running_s = 0.0 if self._since_s is None else now_s - self._since_s
            return now_s, self._total_s + running_s
