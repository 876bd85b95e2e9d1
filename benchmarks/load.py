# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What processes take of the machine, and processes that do nothing but take it (Linux)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Ends by itself where its parent has died.
SPIN = """
import os
parent = os.getppid()
while os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process and its threads have taken, in steps of 10 ms."""
    # The second field, the name in brackets, may hold spaces.
    fields = Path(f'/proc/{pid}/stat').read_text(encoding='utf-8').rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def peak_resident_mb(pid: int) -> float:
    """Return the most resident memory that a process has had, in MB."""
    for line in Path(f'/proc/{pid}/status').read_text(encoding='utf-8').splitlines():
        if line.startswith('VmHWM:'):
            return int(line.split()[1]) * 1024 / 1e6
    raise ProcessLookupError(f'the process {pid} has ended')


class BusyCores:
    """Processes that keep cores busy while they are told to."""

    def __init__(self, count: int) -> None:
        """Start `count` of them, paused."""
        self._children = [subprocess.Popen([sys.executable, '-c', SPIN]) for _ in range(count)]
        self.pause()

    def run(self) -> None:
        """Keep the cores busy from now on."""
        self._signal(signal.SIGCONT)

    def pause(self) -> None:
        """Leave the cores alone from now on."""
        self._signal(signal.SIGSTOP)

    def close(self) -> None:
        """End the processes."""
        self._signal(signal.SIGKILL)
        for child in self._children:
            child.wait()

    def _signal(self, number: signal.Signals) -> None:
        for child in self._children:
            child.send_signal(number)


@contextmanager
def busy_cores(count: int) -> Iterator[BusyCores]:
    """Give processes that keep `count` cores busy when asked; end them with the block."""
    cores = BusyCores(count)
    try:
        yield cores
    finally:
        cores.close()
