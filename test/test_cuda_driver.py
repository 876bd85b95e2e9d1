# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How the driver is asked for GPUs: by a driver of a few lines of C, and by what is here."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

from vljepa_ros.inference.cuda_driver import CudaDriver, Gpu, cuda_driver, find_gpus

DRIVER = r"""
#include <string.h>
static const char *names[] = {"NVIDIA GeForce RTX 4090", "Orin (nvgpu)\xff"};
static const int capabilities[][2] = {{8, 9}, {8, 7}};
int cuInit(unsigned flags) { return flags == 0 ? START : 1; }
int cuDeviceGetCount(int *count) { *count = COUNT; return COUNTING; }
int cuDeviceGet(int *device, int index) { *device = 100 + index; return 0; }
int cuDeviceGetName(char *name, int size, int device) {
  strncpy(name, names[device - 100], size);
  return 0;
}
int cuDriverGetVersion(int *version) { *version = 12060; return 0; }
int cuDeviceTotalMem_v2(size_t *bytes, int device) {
  *bytes = (size_t)(device - 99) << 33;
  return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  if (attribute != 75 && attribute != 76) return 1;
  *value = capabilities[device - 100][attribute - 75];
  return 0;
}
"""


@pytest.fixture
def compiler() -> str:
    found = shutil.which('cc')
    if found is None:
        pytest.skip('no C compiler: sudo apt install gcc')
    return found


def driver(
    compiler: str, folder: Path, *, start: int = 0, counting: int = 0, count: int = 2
) -> str:
    """Compile a driver that answers like this."""
    source, library = folder / 'driver.c', folder / 'libcuda.so.1'
    source.write_text(DRIVER)
    values = {'START': start, 'COUNTING': counting, 'COUNT': count}
    defines = [f'-D{name}={value}' for name, value in values.items()]
    subprocess.run([compiler, '-shared', '-fPIC', *defines, '-o', library, source], check=True)
    return str(library)


def test_gpus(compiler: str, tmp_path: Path) -> None:
    assert find_gpus(['libnothing.so.1', driver(compiler, tmp_path)]) == CudaDriver(
        (
            Gpu(0, 'NVIDIA GeForce RTX 4090', (8, 9), 1 << 33),
            Gpu(1, 'Orin (nvgpu)\N{REPLACEMENT CHARACTER}', (8, 7), 2 << 33),
        ),
        cuda=(12, 6),
    )


@pytest.mark.parametrize(
    ('options', 'problem'),
    [
        ({'start': 999}, 'the NVIDIA driver does not start (cuInit returned 999)'),
        ({'counting': 3}, 'the NVIDIA driver sees no GPU'),
        ({'count': 0}, 'the NVIDIA driver sees no GPU'),
    ],
)
def test_a_driver_without_gpus(
    compiler: str, tmp_path: Path, options: dict[str, int], problem: str
) -> None:
    assert find_gpus([driver(compiler, tmp_path, **options)]) == CudaDriver((), problem)


def test_no_driver(tmp_path: Path) -> None:
    (tmp_path / 'libcuda.so.1').write_text('no library')
    found = find_gpus(['libnothing.so.1', str(tmp_path / 'libcuda.so.1')])
    assert found.gpus == ()
    assert 'no NVIDIA driver is installed' in found.problem


def test_what_is_here() -> None:
    found = cuda_driver()
    assert bool(found.gpus) != bool(found.problem)
    assert cuda_driver() is found
    try:
        ctypes.CDLL('libcuda.so.1')
    except OSError:
        assert 'no NVIDIA driver' in found.problem
