# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa warmup`: does now what the first start of a node would have to do once."""

from __future__ import annotations

import time
from pathlib import Path

from vljepa_ros.errors import VljepaError
from vljepa_ros.inference.cache import cache_folder, writing_problem
from vljepa_ros.inference.choices import ON_GPU
from vljepa_ros.inference.clip_timing import time_clips, try_text
from vljepa_ros.inference.cuda_driver import cuda_driver
from vljepa_ros.inference.loading import load_engine
from vljepa_ros.resources import resolve_model


def run(model: str, *, backend: str, device: str, precision: str, threads: int) -> int:
    """Build, measure, load and run a model once, and print what was done.

    Args:
        model: a shipped model's name or a checkpoint folder.
        backend: as in `load_engine`, like the rest.
        device: where.
        precision: in which.
        threads: with how many on the processor.

    Returns:
        The exit status: 1 where nothing can be kept for the next start.

    Raises:
        VljepaError: what was asked for does not run; see `load_engine`.
    """
    folder = resolve_model(model)
    print(f'Model {folder}')
    began = time.monotonic()
    try:
        _build_engines(folder, backend=backend, device=device, precision=precision)
    except KeyboardInterrupt:
        print('\nstopped; the engines that were done are kept')
        return 130
    before = _kept()
    said: list[str] = []
    engine = load_engine(
        folder,
        backend=backend,
        device=device,
        precision=precision,
        threads=threads,
        say=said.append,
    )
    for text in said:
        print(' '.join(text.split()))
    info = engine.info
    with_threads = f', {info.threads} threads' if info.threads else ''
    print(
        f'{engine.model_id} runs on {info.backend} {info.precision}, {info.device}{with_threads}'
    )
    times = time_clips(engine)
    try_text(engine)
    engine.close()
    print(f'{str(times).capitalize()}; a text was embedded and written, too')
    print(f'All took {time.monotonic() - began:.0f} s')
    return _report(before, remembered=not said)


def _build_engines(folder: Path, *, backend: str, device: str, precision: str) -> None:
    """Build TensorRT's engines where there is a GPU that may be used.

    Raises:
        VljepaError: they were asked for, and cannot be built.
    """
    choice = ON_GPU[0].precision if precision == 'auto' else precision
    if device == 'cpu' or backend not in ('auto', 'tensorrt'):
        return
    if problem := cuda_driver().problem:
        print(f'No engines are built: {problem}')
        return
    from vljepa_ros.inference.tensorrt.command import Display, build_here
    from vljepa_ros.inference.tensorrt.plans import plans_folder

    print(f'Engines of TensorRT in {choice}: those that are not there are built, for minutes')
    try:
        count = build_here(folder, choice, device, plans_folder(), Display())
    except VljepaError as error:
        if backend == 'tensorrt':
            raise
        print(f'They are left out: {error}')
    else:
        print(f'{count} engines are in {plans_folder()}')


def _kept() -> set[Path]:
    return set(cache_folder().glob('choice-*.json'))


def _report(before: set[Path], *, remembered: bool) -> int:
    """Say what is kept for the next start; return the exit status."""
    problem = writing_problem()
    if problem:
        print(
            f'Nothing can be kept for the next start in {cache_folder()}: {problem}. Make room '
            'there or make it writable, or set VLJEPA_CACHE'
        )
        return 1
    new = sorted(path.name for path in _kept() - before)
    if new:
        print(f'Kept for the next start: {", ".join(new)} in {cache_folder()}')
    elif remembered and before:
        print(f'Nothing had to be measured; what was measured before is in {cache_folder()}')
    else:
        print('Nothing had to be measured or kept')
    return 0
