# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A checkpoint for the tests of TensorRT, and a GPU that is not there."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from vljepa_ros.inference.cuda_driver import CudaDriver, Gpu

if TYPE_CHECKING:
    import pytest

PRETENDED = Gpu(0, 'NVIDIA GeForce RTX 4090', (8, 9))


@functools.cache
def with_half_precision(checkpoint: Path) -> Path:
    """Return a copy of a checkpoint with its graphs in half precision too, made once."""
    from vljepa_ros.inference.torch_export import export_graphs

    folder = Path(tempfile.mkdtemp(prefix='vljepa_ros_tensorrt_')) / 'checkpoint'
    atexit.register(shutil.rmtree, folder.parent, ignore_errors=True)
    shutil.copytree(checkpoint, folder)
    export_graphs(folder, precisions=('fp16',))
    return folder


def pretend_gpu(patch: pytest.MonkeyPatch, *gpus: Gpu) -> None:
    """Let the driver see GPUs, by default one. Only doubles may be touched then."""
    from vljepa_ros.inference import choices, warmup
    from vljepa_ros.inference.tensorrt import backend, command, library

    driver = CudaDriver(gpus or (PRETENDED,))
    for module in (library, backend, command, choices, warmup):
        patch.setattr(module, 'cuda_driver', lambda: driver)
