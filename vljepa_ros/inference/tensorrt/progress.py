# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How far a build is: TensorRT tells its phases, people want a share and a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ALMOST = 0.99  # until the engine is there
FIRST_ESTIMATE = 0.05
STEP = 0.002


@dataclass(frozen=True)
class BuildProgress:
    """How far the build of an engine is.

    Attributes:
        component: the network.
        fraction: share of the work in [0, 1], never less than before.
        seconds_left: estimate, None while there is none.
    """

    component: str
    fraction: float
    seconds_left: float | None

    def __str__(self) -> str:
        """Return it as people read it."""
        text = f'{self.component}: {100 * self.fraction:.0f} % built'
        if self.seconds_left is None or self.fraction >= 1.0:
            return text
        return f'{text}, about {self.seconds_left:.0f} s left'


OnProgress = Callable[[BuildProgress], bool | None]  # False cancels


@dataclass
class _Phase:
    parent: str | None
    steps: int
    done: float = 0.0  # steps
    begun: float = 0.0  # where its own share of the parent's step begins, and how wide it is
    width: float = 0.0


class PhaseTree:
    """Turns nested phases of some steps each into one share.

    Nobody says how many phases a step holds, so the first one gets half of it, the next half of
    what is left, and so on.
    """

    def __init__(self) -> None:
        """Begin before the first phase."""
        self._root = _Phase(None, 1)
        self._phases: dict[str, _Phase] = {}
        self.fraction = 0.0

    def start(self, name: str, parent: str | None, steps: int) -> None:
        """Enter a phase."""
        above = self._phases.get(parent or '', self._root)
        share = 0.9 if above is self._root else 0.5
        begun = above.done % 1.0 if above.done < above.steps else 1.0
        self._phases[name] = _Phase(parent, max(1, steps), 0.0, begun, share * (1.0 - begun))

    def step(self, name: str, number: int) -> None:
        """Complete a phase's step, counted from 0."""
        if name in self._phases:
            self._phases[name].done = min(number + 1.0, self._phases[name].steps)
            self._rise(name)

    def finish(self, name: str) -> None:
        """Leave a phase."""
        if name in self._phases:
            self._phases[name].done = self._phases[name].steps
            self._rise(name)
            del self._phases[name]

    def _rise(self, name: str) -> None:
        """Count a phase's share in the phases above it."""
        phase = self._phases[name]
        above = self._phases.get(phase.parent or '', self._root)
        share = phase.begun + phase.width * phase.done / phase.steps
        if above.done < above.steps:
            # Less than a step: the parent itself says when that is complete.
            above.done = max(above.done, int(above.done) + min(share, 0.999))
        if above is self._root:
            self.fraction = max(self.fraction, min(ALMOST, above.done))
        else:
            self._rise(phase.parent or '')


class Reporter:
    """Tells a function how far a build is, and whether it was stopped.

    What the function raises is kept in `error`: TensorRT's threads must not see it.
    """

    def __init__(self, component: str, on_progress: OnProgress) -> None:
        """Start the clock and report 0."""
        self._component, self._on_progress = component, on_progress
        self._began = time.monotonic()
        self._lock = threading.Lock()  # TensorRT reports from several threads
        self._phases = PhaseTree()
        self._told = 0.0
        self.cancelled = False
        self.error: BaseException | None = None
        self._tell(0.0)

    def start(self, name: str, parent: str | None, steps: int) -> None:
        """Enter a phase."""
        with self._lock:
            self._phases.start(name, parent, steps)

    def step(self, name: str, number: int) -> bool:
        """Complete a step of a phase; return False where the build is to stop."""
        with self._lock:
            self._phases.step(name, number)
            if not self.cancelled and self._phases.fraction >= self._told + STEP:
                self._tell(self._phases.fraction)
            return not self.cancelled

    def finish(self, name: str) -> None:
        """Leave a phase."""
        with self._lock:
            self._phases.finish(name)

    def complete(self) -> None:
        """Report that the engine is there."""
        with self._lock:
            self._tell(1.0)

    def _tell(self, fraction: float) -> None:
        spent = time.monotonic() - self._began
        left = spent / fraction - spent if fraction >= FIRST_ESTIMATE else None
        self._told = fraction
        try:
            if self._on_progress(BuildProgress(self._component, fraction, left)) is False:
                self.cancelled = True
        except BaseException as error:
            self.cancelled, self.error = True, error


def progress_monitor(module: Any, reporter: Reporter) -> Any:
    """Return TensorRT's progress monitor that feeds a reporter."""

    class Monitor(module.IProgressMonitor):
        def __init__(self) -> None:
            module.IProgressMonitor.__init__(self)

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            reporter.start(phase_name, parent_phase, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            return reporter.step(phase_name, step)

        def phase_finish(self, phase_name: str) -> None:
            reporter.finish(phase_name)

    return Monitor()
