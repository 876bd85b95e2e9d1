# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the TensorRT that is installed, and speaks its dialect."""

from __future__ import annotations

import functools
import importlib
import logging
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vljepa_ros.errors import EngineError, MissingDependencyError
from vljepa_ros.inference.cuda_driver import cuda_driver


@dataclass(frozen=True)
class Versions:
    """The versions of a distribution that this code is written for: `least` <= v < `below`."""

    least: tuple[int, int]
    below: int


# In the order of preference; RTX is for GeForce and workstation GPUs, not for Jetson.
SUPPORTED = {'tensorrt': Versions((10, 3), 12), 'tensorrt_rtx': Versions((1, 7), 2)}
RTX = 'tensorrt_rtx'
INSTALL = (
    'Install it with: pip install tensorrt cuda-bindings (on a Jetson: sudo apt install '
    'python3-libnvinfer), or for an RTX GPU with: pip install tensorrt-rtx cuda-bindings'
)
# A level lower than TensorRT's: what fails becomes an error of ours, which holds its words.
LEVELS = {
    'INTERNAL_ERROR': logging.WARNING,
    'ERROR': logging.WARNING,
    'WARNING': logging.INFO,
    'INFO': logging.DEBUG,
}
KEPT_ERRORS = 8


@dataclass(frozen=True)
class Library:
    """An imported TensorRT.

    Attributes:
        module: `tensorrt` or `tensorrt_rtx`.
        distribution: its name.
        version: as it says itself.
    """

    module: Any
    distribution: str
    version: str

    def __str__(self) -> str:
        """Return name and version."""
        return f'{self.distribution} {self.version}'

    @property
    def builds_ahead_of_time(self) -> bool:
        """Whether it builds for a GPU that is not there."""
        return hasattr(self.module, 'ComputeCapability')

    @property
    def records_by_itself(self) -> bool:
        """Whether it makes CUDA graphs of its own, and of kernels that it specialises later."""
        return hasattr(self.module, 'CudaGraphStrategy')

    @property
    def network_flags(self) -> int:
        """What a network must be created with, so that the graph alone decides on precision.

        Later versions have no other networks.
        """
        flags = self.module.NetworkDefinitionCreationFlag
        return 1 << int(flags.STRONGLY_TYPED) if hasattr(flags, 'STRONGLY_TYPED') else 0


def load_library(names: Sequence[str] = tuple(SUPPORTED)) -> Library:
    """Import the first of the TensorRT distributions that is there and not too old.

    Raises:
        MissingDependencyError: there is none.
    """
    problems = []
    for name in names:
        try:
            module = importlib.import_module(name)
        except (ImportError, OSError, RuntimeError) as error:  # a library of its own is missing
            problems.append(f'{name} cannot be imported ({error})')
            continue
        version = str(getattr(module, '__version__', ''))
        if problem := _unsupported(name, version):
            problems.append(problem)
        else:
            return Library(module, name, version)
    raise MissingDependencyError(
        f'The tensorrt backend needs TensorRT: {"; ".join(problems)}. {INSTALL}'
    )


def _unsupported(name: str, version: str) -> str:
    versions = SUPPORTED[name]
    found = re.match(r'(\d+)\.(\d+)', version)
    if found and versions.least <= (int(found[1]), int(found[2])) < (versions.below, 0):
        return ''
    least = '.'.join(map(str, versions.least))
    return f'{name} {version} is not supported, {least} or newer and below {versions.below} is'


def require_gpu(what: str) -> None:
    """Check that there is a GPU: some calls of TensorRT end the process where there is none.

    Args:
        what: what needs it, the beginning of the sentence.

    Raises:
        EngineError: there is none.
    """
    driver = cuda_driver()
    if not driver.gpus:
        raise EngineError(
            f'{what} needs an NVIDIA GPU, but {driver.problem}. Use device cpu, or install a '
            'driver'
        )


@functools.cache
def bridged_logger(module: Any) -> Any:
    """Return TensorRT's logger that writes to Python's; it has `take_errors() -> str`.

    There is one a process, since TensorRT goes on with the first one that it is given.
    """

    class BridgedLogger(module.ILogger):
        def __init__(self) -> None:
            module.ILogger.__init__(self)
            self._log = logging.getLogger('vljepa_ros.tensorrt')
            self._errors: deque[str] = deque(maxlen=KEPT_ERRORS)

        def log(self, severity: Any, message: str) -> None:
            level = LEVELS.get(severity.name)
            if level is None:
                return
            sentence = ' '.join(message.split())
            if level == logging.WARNING:
                self._errors.append(sentence)
            self._log.log(level, '%s', sentence)

        def take_errors(self) -> str:
            """Return what went wrong since the last call, in TensorRT's words."""
            taken = '; '.join(dict.fromkeys(self._errors))
            self._errors.clear()
            return taken or 'TensorRT gave no reason'

    return BridgedLogger()
