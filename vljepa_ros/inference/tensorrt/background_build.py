# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Builds engines in a thread: a node stays alive, and says how far it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from vljepa_ros.errors import EngineError, VljepaError
from vljepa_ros.inference.choices import ON_GPU
from vljepa_ros.inference.tensorrt.command import build_here
from vljepa_ros.inference.tensorrt.plans import plans_folder
from vljepa_ros.inference.tensorrt.progress import BuildProgress


class BackgroundBuild:
    """One build of all engines of a checkpoint; TensorRT lets other threads run meanwhile."""

    def __init__(
        self, checkpoint: Path, *, precision: str, device: str, say: Callable[[str], None]
    ) -> None:
        """Begin.

        Args:
            checkpoint: its folder.
            precision: of the engines; 'auto' takes the usual one.
            device: 'auto', 'cuda' or 'cuda:N'.
            say: is told what is rebuilt, and where engines cannot be kept.
        """
        self._checkpoint, self._device, self._say = checkpoint, device, say
        self._precision = ON_GPU[0].precision if precision == 'auto' else precision
        self._cancelled = threading.Event()
        self._words = 'begins'
        self._error: VljepaError | None = None
        self._thread = threading.Thread(target=self._run, name='vljepa_build', daemon=True)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether it is over, well or not."""
        return not self._thread.is_alive()

    @property
    def words(self) -> str:
        """How far it is, for people."""
        return self._words

    @property
    def error(self) -> VljepaError | None:
        """Why it failed; None while it runs, and after a good end."""
        return self._error

    def cancel(self, *, timeout_s: float) -> None:
        """Stop at TensorRT's next step; the engines that are done are kept."""
        self._cancelled.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            build_here(
                self._checkpoint,
                self._precision,
                self._device,
                plans_folder(),
                self._note,
                self._say,
            )
        except VljepaError as error:
            self._error = error
        except Exception as error:  # nobody else sees what a thread raises
            self._error = EngineError(
                f'The engines were not built ({type(error).__name__}: {error}). '
                f'Try it by hand: vljepa build-engine {self._checkpoint}'
            )

    def _note(self, progress: BuildProgress) -> bool:
        self._words = str(progress)
        return not self._cancelled.is_set()
