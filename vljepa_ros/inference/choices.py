# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which backends there are, in which precisions, and which of them are asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.inference.cuda_driver import cuda_driver
from vljepa_ros.inference.graphs import GRAPH_PRECISIONS, IN_INT8, graph_file
from vljepa_ros.inference.selection import Choice

# In the order in which they are tried; the first is the reference for the others' answers.
ON_CPU = (
    Choice('onnxruntime', 'fp32'),
    Choice('onnxruntime', 'int8'),
    Choice('openvino', 'fp32'),
    Choice('openvino', 'bf16'),
    Choice('openvino', 'int8'),
)
# The first that loads is taken; the others on request.
ON_GPU = (
    Choice('tensorrt', 'fp16'),
    Choice('tensorrt', 'bf16'),
    Choice('tensorrt', 'fp32'),
)
REFERENCE = Choice('torch', 'fp32')  # everywhere, the slowest
BACKENDS = ('auto', 'onnxruntime', 'openvino', 'tensorrt', 'torch')
PRECISIONS = ('auto', *GRAPH_PRECISIONS)


def is_gpu(device: str) -> bool:
    """Return whether a device is a GPU.

    Raises:
        ConfigurationError: the name is none of a device, or there is no such GPU.
    """
    if not re.fullmatch(r'auto|cpu|cuda(:\d+)?', device):
        raise ConfigurationError(
            f"Unknown device {device!r}; allowed are 'auto', 'cpu', 'cuda' and 'cuda:N'"
        )
    driver = cuda_driver()
    if device == 'auto':
        return bool(driver.gpus)
    if device == 'cpu':
        return False
    if not driver.gpus:
        raise ConfigurationError(
            f"The device {device!r} was asked for, but {driver.problem}. Use 'auto' or 'cpu', or "
            'install a driver'
        )
    if int(device.partition(':')[2] or 0) >= len(driver.gpus):
        names = ', '.join(f'cuda:{gpu.index} ({gpu.name})' for gpu in driver.gpus)
        raise ConfigurationError(f'There is no device {device!r}; the driver sees {names}')
    return True


def wanted(backend: str, precision: str, *, on_gpu: bool) -> list[Choice]:
    """Return what is asked for of the known choices, in the order in which to try it.

    Raises:
        ConfigurationError: there is no such backend or precision, or not the two together.
    """
    if backend not in BACKENDS:
        raise ConfigurationError(f'Unknown backend {backend!r}; allowed are {list(BACKENDS)}')
    if precision not in PRECISIONS:
        raise ConfigurationError(
            f'Unknown precision {precision!r}; allowed are {list(PRECISIONS)}'
        )
    choices = allowed(backend, precision, on_gpu=on_gpu)
    if not choices:
        known = [*(ON_GPU if on_gpu else ON_CPU), REFERENCE]
        raise ConfigurationError(
            f'The backend {backend!r} does not run in precision {precision!r} on '
            f'{"a GPU" if on_gpu else "the CPU"}; there are {", ".join(map(str, known))}'
        )
    return choices


def allowed(backend: str, precision: str, *, on_gpu: bool) -> list[Choice]:
    """Return those of the known choices that are asked for, in the order in which to try them."""
    known = [*(ON_GPU if on_gpu else ON_CPU), REFERENCE]
    if on_gpu and precision == 'auto':
        known = [ON_GPU[0], REFERENCE]
    return [
        item
        for item in known
        if backend in ('auto', item.backend) and precision in ('auto', item.precision)
    ]


def without_missing(choices: Sequence[Choice], folder: Path) -> list[Choice]:
    """Leave out int8 where a checkpoint has no such graphs: most have none, and lack nothing."""
    there = all((folder / graph_file(name, 'int8')).is_file() for name in IN_INT8)
    return [choice for choice in choices if there or choice.precision != 'int8']
