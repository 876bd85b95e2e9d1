# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Asks NVIDIA's driver what GPUs there are, before any library that needs one is touched.

Without a driver some calls of TensorRT end the process, so nothing of it is made unless this
module has found a device.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence
from dataclasses import dataclass

LIBRARIES = ('libcuda.so.1', 'nvcuda.dll')
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76  # CUdevice_attribute


@dataclass(frozen=True)
class Gpu:
    """A GPU: its number, name, compute capability, and memory in bytes."""

    index: int
    name: str
    capability: tuple[int, int]
    memory: int = 0


@dataclass(frozen=True)
class CudaDriver:
    """What the driver says.

    Attributes:
        gpus: all devices; empty where `problem` says why.
        problem: why no GPU can be used, in words; empty where one can.
        cuda: the newest CUDA that the driver runs, as (13, 0).
    """

    gpus: tuple[Gpu, ...]
    problem: str = ''
    cuda: tuple[int, int] = (0, 0)


@functools.cache
def cuda_driver() -> CudaDriver:
    """Look for GPUs; asked once a process."""
    return find_gpus(LIBRARIES)


def find_gpus(libraries: Sequence[str]) -> CudaDriver:
    """Look for GPUs through the first of the driver libraries that loads."""
    for name in libraries:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        return _ask(library)
    return CudaDriver(
        (), "no NVIDIA driver is installed (libcuda was not found by the system's loader)"
    )


def _ask(library: ctypes.CDLL) -> CudaDriver:
    status = library.cuInit(0)
    if status:
        return CudaDriver((), f'the NVIDIA driver does not start (cuInit returned {status})')
    count = ctypes.c_int()
    status = library.cuDeviceGetCount(ctypes.byref(count))
    if status or not count.value:
        return CudaDriver((), 'the NVIDIA driver sees no GPU')
    version = ctypes.c_int()
    library.cuDriverGetVersion(ctypes.byref(version))
    gpus = tuple(_gpu(library, index) for index in range(count.value))
    return CudaDriver(gpus, cuda=(version.value // 1000, version.value % 1000 // 10))


def _gpu(library: ctypes.CDLL, index: int) -> Gpu:
    device = ctypes.c_int()
    library.cuDeviceGet(ctypes.byref(device), index)
    name = ctypes.create_string_buffer(256)
    library.cuDeviceGetName(name, len(name), device)
    capability = []
    for attribute in (_CAPABILITY_MAJOR, _CAPABILITY_MINOR):
        value = ctypes.c_int()
        library.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
        capability.append(value.value)
    memory = ctypes.c_size_t()
    library.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
    own_name = name.value.decode(errors='replace')
    return Gpu(index, own_name, (capability[0], capability[1]), memory.value)
