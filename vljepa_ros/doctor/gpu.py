# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The GPUs, as the driver sees them; no library that needs one is touched."""

from __future__ import annotations

from collections.abc import Iterator

from vljepa_ros.doctor.findings import Finding, fail, note, ok
from vljepa_ros.inference.cuda_driver import cuda_driver

GPU = 'GPU'


def gpus(*, wanted: bool = False) -> Iterator[Finding]:
    """Ask the driver.

    Args:
        wanted: whether it is a failure that there is none.
    """
    driver = cuda_driver()
    if driver.problem:
        found = f'There is none that can be used: {driver.problem}'
        if wanted:
            yield fail(GPU, found, 'Run this on the machine with the GPU, or install its driver')
        else:
            yield note(GPU, f'{found}. The processor runs the model')
    for gpu in driver.gpus:
        (major, minor), cuda = gpu.capability, '.'.join(map(str, driver.cuda))
        yield ok(
            f'cuda:{gpu.index}',
            f'{gpu.name}, compute capability {major}.{minor}, {gpu.memory / (1 << 30):.1f} GiB, '
            f'driver for CUDA {cuda}',
        )
