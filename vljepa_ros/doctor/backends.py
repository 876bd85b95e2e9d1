# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The libraries that run the model."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from vljepa_ros.doctor.child import in_child
from vljepa_ros.doctor.findings import Finding, Level, fail, note, ok, sentence, warn
from vljepa_ros.doctor.libraries import REINSTALL, is_there, library
from vljepa_ros.errors import VljepaError
from vljepa_ros.inference.cuda_driver import cuda_driver
from vljepa_ros.inference.tensorrt.library import INSTALL, SUPPORTED, load_library

NOTHING_RUNS = 'Backends'
TENSORRT = 'tensorrt'


def text_and_weights() -> Iterator[Finding]:
    """Look at the libraries that every backend needs."""
    yield from library(
        'tokenizers',
        'Tokenizer',
        'pip install tokenizers',
        missing=Level.FAIL,
        why='it reads texts',
    )
    yield from library(
        'safetensors',
        'safe_open',
        'pip install safetensors',
        missing=Level.WARN,
        why='it reads the weights for PyTorch, and phrase banks',
    )


def backends() -> Iterator[Finding]:
    """Look at the libraries that run the model on the processor."""
    checks = (
        library(
            'onnxruntime',
            'InferenceSession',
            'pip install onnxruntime',
            why='runs the graphs on any processor',
        ),
        library(
            'openvino',
            'Core',
            'pip install openvino',
            why='runs the graphs on x86, in bf16 where the processor has it',
        ),
        torch(),
    )
    usable = False
    for check in checks:
        for finding in check:
            usable = usable or finding.level is Level.OK
            yield finding
    if not usable:
        yield fail(
            NOTHING_RUNS,
            'Nothing here runs the model',
            'Install one with: pip install onnxruntime',
        )


def torch() -> Iterator[Finding]:
    """Look at PyTorch."""
    if not is_there('torch'):
        yield note(
            'torch',
            'Not installed; it is needed where a model has no graphs, and to write them',
            'Install it with: pip install torch',
        )
        return
    yield from in_child('torch', load_torch, bool(cuda_driver().gpus))


def load_torch(has_gpu: bool) -> Iterator[Finding]:
    """Import PyTorch; runs in a child process.

    Args:
        has_gpu: whether the driver sees one.
    """
    try:
        module = importlib.import_module('torch')
        version, sees_gpu = str(module.__version__), bool(module.cuda.is_available())
    except Exception as error:
        yield warn(
            'torch',
            f'Installed, but it does not load ({sentence(error)})',
            f'Install it again with: {REINSTALL} torch',
        )
        return
    if has_gpu and not sees_gpu:
        yield warn(
            'torch',
            f'{version}, which does not use the GPU',
            'Install a CUDA build: pip install --force-reinstall torch',
        )
    else:
        yield ok('torch', f'{version}, {"uses the GPU" if sees_gpu else "on the processor"}')


def tensorrt() -> Iterator[Finding]:
    """Look at TensorRT, which needs a GPU."""
    has_gpu = bool(cuda_driver().gpus)
    if not any(map(is_there, SUPPORTED)):
        if has_gpu:
            yield note(TENSORRT, 'Not installed; PyTorch runs the model on the GPU', INSTALL)
        else:
            yield ok(TENSORRT, 'Not installed, and there is no GPU for it')
        return
    yield from in_child(TENSORRT, load_tensorrt, has_gpu)


def load_tensorrt(has_gpu: bool) -> Iterator[Finding]:
    """Import TensorRT and CUDA's bindings; runs in a child process."""
    try:
        found = str(load_library())
        if has_gpu:
            importlib.import_module('vljepa_ros.inference.tensorrt.cuda_memory')
    except VljepaError as error:
        yield (warn if has_gpu else note)(TENSORRT, sentence(error), INSTALL)
        return
    place = '' if has_gpu else '; without a GPU it only builds engines for RTX GPUs elsewhere'
    yield ok(TENSORRT, f'{found}{place}')
