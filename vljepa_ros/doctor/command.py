# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa doctor`: all checks, or those that only a GPU can pass."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from vljepa_ros.doctor import (
    backends,
    cache,
    gpu,
    gpu_run,
    images,
    installation,
    models,
    processor,
    recordings,
    ros,
    transport,
)
from vljepa_ros.doctor.findings import Level
from vljepa_ros.doctor.models import RunOptions
from vljepa_ros.doctor.runner import Area, Check, count, run_areas, summary, write_json
from vljepa_ros.errors import ConfigurationError
from vljepa_ros.inference.cuda_driver import cuda_driver
from vljepa_ros.process_environment import TRANSPORT_VARIABLE


def run(
    names: Sequence[str], options: RunOptions, *, on_gpu: bool = False, json: Path | None = None
) -> int:
    """Run the checks and print what they find; return the exit status: 1 if something is broken.

    Args:
        names: models to look at; none takes the shipped ones.
        options: what they are run with.
        on_gpu: try what only a GPU can show, instead of all else.
        json: a file to write the findings to as well.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    if json is not None:
        _require_writable(json)
    try:
        found = run_areas(gpu_areas(names, options) if on_gpu else all_areas(names, options))
    except KeyboardInterrupt:
        print('\nstopped')
        return 130
    counts = count(found)
    print(summary(counts))
    if json is not None:
        write_json(json, found)
    return 1 if counts[Level.FAIL] else 0


def all_areas(names: Sequence[str], options: RunOptions) -> list[Area]:
    """Return the checks that every machine can be asked for."""
    return [
        Area(
            'Installation',
            (
                ('Python', installation.python),
                ('vljepa_ros', installation.package),
                (installation.INTERFACES, installation.interfaces),
            ),
        ),
        Area(
            'ROS 2',
            (
                (ros.ROS, ros.ros),
                (ros.DOMAIN, ros.domain),
                (ros.DISCOVERY, ros.discovery),
                (TRANSPORT_VARIABLE, ros.transport),
                (transport.IMAGES, transport.images),
                (transport.BUFFERS, transport.buffers),
            ),
        ),
        Area('Images', (('OpenCV', images.opencv), (images.ENCODINGS, images.encodings))),
        Area(
            'Processor',
            (
                (processor.CORES, processor.cores),
                ('bf16', processor.bf16),
                (processor.WAITING, processor.waiting),
            ),
        ),
        Area('GPU', ((gpu.GPU, gpu.gpus), (backends.TENSORRT, backends.tensorrt))),
        Area(
            'Backends',
            (
                ('Libraries', backends.text_and_weights),
                (backends.NOTHING_RUNS, backends.backends),
            ),
        ),
        Area('Memory and recordings', ((recordings.LIBRARIES, recordings.libraries),)),
        Area('Cache', ((cache.CACHE, cache.writable), (cache.SPACE, cache.space))),
        Area('Models', _model_checks(names, options)),
    ]


def gpu_areas(names: Sequence[str], options: RunOptions) -> list[Area]:
    """Return the checks that only a GPU can pass; without one they are not begun."""
    has_gpu = functools.partial(gpu.gpus, wanted=True)
    areas = [Area('GPU', ((gpu.GPU, has_gpu), (backends.TENSORRT, backends.tensorrt)))]
    if cuda_driver().gpus:
        checks = [
            (name, functools.partial(gpu_run.engines, name, options))
            for name in models.model_names(names)
        ]
        areas.append(Area('TensorRT engines', checks))
    return areas


def _model_checks(names: Sequence[str], options: RunOptions) -> list[tuple[str, Check]]:
    found = models.model_names(names)
    if not found:
        return [('Models', models.no_model)]
    return [(name, functools.partial(models.model, name, options)) for name in found]


def _require_writable(path: Path) -> None:
    """Check it now: some checks take minutes."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise ConfigurationError(f'--json: {path} cannot be written: {error}') from error
