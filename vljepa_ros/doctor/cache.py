# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The folder in which is kept what is worked out once for this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from vljepa_ros.doctor.findings import Finding, ok, warn
from vljepa_ros.inference.cache import VARIABLE, cache_folder, writing_problem

CACHE = 'Cache folder'
SPACE = 'Free space'
LEAST_SPACE = 1 << 30  # bytes; engines of the paper's sizes take more than half of it
MEANING = (
    'The model runs all the same, but each start measures anew which backend is the fastest, and '
    'built TensorRT engines are not kept'
)


def writable() -> Iterator[Finding]:
    """Look whether anything can be kept, and what is."""
    folder = cache_folder()
    problem = writing_problem()
    if problem:
        yield warn(
            CACHE,
            f'Nothing can be kept in {folder}: {problem}. {MEANING}',
            f'Make room there or make it writable, or set {VARIABLE} to another folder',
        )
        return
    choices = list(folder.glob('choice-*.json'))
    engines = list(folder.glob('tensorrt/*.plan'))
    size = sum(path.stat().st_size for path in _files(folder))
    yield ok(
        CACHE,
        f'{folder} can be written. It holds {len(choices)} choices of a backend and '
        f'{len(engines)} TensorRT engines ({size / 1e6:.1f} MB)',
    )


def space() -> Iterator[Finding]:
    """Look how much room is left."""
    folder = cache_folder()
    there = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    free = shutil.disk_usage(there).free
    text = f'{free / 1e9:.1f} GB on the disk of {folder}'
    if free < LEAST_SPACE:
        yield warn(
            SPACE,
            f'{text}: too little for TensorRT engines of large models',
            f'Make room, or set {VARIABLE} to a folder on another disk',
        )
    else:
        yield ok(SPACE, text)


def _files(folder: Path) -> Iterator[Path]:
    """Yield what this package keeps; the folder may hold other things."""
    yield from folder.glob('choice-*.json')
    yield from (path for path in folder.glob('tensorrt/*') if path.is_file())
