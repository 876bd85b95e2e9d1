# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A checkpoint with its graphs, for the tests of TensorRT; and a GPU that is not there."""

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
def exported_checkpoint() -> Path:
    """Write an untrained checkpoint as it is shipped, and its graphs: once for all tests.

    Its weights are in half precision and its tables of words in 8 bits.
    """
    import torch
    from untrained import build_untrained_checkpoint

    from vljepa_ros.inference.torch_export import export_graphs
    from vljepa_ros.model import compact
    from vljepa_ros.model.checkpoint import load_checkpoint, save_checkpoint

    folder = Path(tempfile.mkdtemp(prefix='vljepa_ros_tensorrt_'))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    model = load_checkpoint(build_untrained_checkpoint(folder / 'whole'))
    table, compact.LARGE_TABLE = compact.LARGE_TABLE, 50
    try:
        save_checkpoint(
            model,
            folder / 'small',
            tokenizer_source=folder / 'whole',
            dtype=torch.float16,
            int8_tables=True,
        )
    finally:
        compact.LARGE_TABLE = table
    export_graphs(folder / 'small', precisions=('fp32', 'fp16'))
    return folder / 'small'


def pretend_gpu(patch: pytest.MonkeyPatch, *gpus: Gpu) -> None:
    """Let the driver see GPUs, by default one. Only doubles may be touched then."""
    from vljepa_ros.inference import loading
    from vljepa_ros.inference.tensorrt import backend, library

    driver = CudaDriver(gpus or (PRETENDED,))
    for module in (library, backend, loading):
        patch.setattr(module, 'cuda_driver', lambda: driver)
