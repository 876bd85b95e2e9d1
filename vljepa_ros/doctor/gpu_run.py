# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What only a GPU can show: TensorRT's engines are built, compared and timed on it."""

from __future__ import annotations

import contextlib
import logging
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from vljepa_ros.doctor.child import in_child
from vljepa_ros.doctor.findings import Finding, note, ok
from vljepa_ros.doctor.models import RunOptions
from vljepa_ros.inference.choices import ON_GPU
from vljepa_ros.inference.clip_timing import time_clips
from vljepa_ros.inference.graph_engine import GraphEngine
from vljepa_ros.inference.tensorrt.parity import least_cosine
from vljepa_ros.inference.tensorrt.plans import plans_folder
from vljepa_ros.model.checkpoint_folder import chosen_components, load_config, model_id
from vljepa_ros.model.components import COMPONENTS
from vljepa_ros.resources import resolve_model

BUILD_TIMEOUT_S = 3600.0
ROUNDS = 30
LOG = 'vljepa_ros'


def engines(name: str, options: RunOptions) -> Iterator[Finding]:
    """Try a model's TensorRT engines.

    Args:
        name: a shipped model's name or a checkpoint folder.
        options: of them device and precision.
    """
    precision = ON_GPU[0].precision if options.precision == 'auto' else options.precision
    yield from in_child(
        f'{name} on the GPU',
        try_engines,
        *(name, options.device, precision),
        timeout_s=BUILD_TIMEOUT_S,
        shown=True,
    )


def try_engines(name: str, device: str, precision: str) -> Iterator[Finding]:
    """Build the engines of a model where they are not kept, compare and time them.

    Runs in a child process. An engine that answers wrongly is refused when it is loaded.

    Raises:
        VljepaError: they cannot be built or loaded, or one answers wrongly.
    """
    from vljepa_ros.inference.tensorrt.backend import TensorRTBackend
    from vljepa_ros.inference.tensorrt.command import Display

    title = f'{name} on the GPU'
    folder = resolve_model(name)
    config = load_config(folder)
    components = chosen_components(folder, config, COMPONENTS)
    identity = model_id(folder, config)

    def load(*, cuda_graphs: bool) -> TensorRTBackend:
        return TensorRTBackend(
            folder,
            config,
            components,
            precision=precision,
            device=device,
            build=True,
            cuda_graphs=cuda_graphs,
            say=logging.getLogger(LOG).info,
            on_progress=Display(),
        )

    def clips(backend: TensorRTBackend, how: str) -> Finding:
        engine = GraphEngine(folder, config, backend, model_id=identity, components=components)
        times = time_clips(engine, count=ROUNDS)
        engine.close()
        return ok(f'{title}, {how} CUDA graphs', str(times))

    with _logged() as sentences:
        began = time.monotonic()
        backend = load(cuda_graphs=True)
        seconds = time.monotonic() - began
        yield ok(
            title,
            f'{len(components)} engines in {precision} on {backend.info.device}, built or taken '
            f'from {plans_folder()} in {seconds:.0f} s',
        )
        for component in components:
            yield _compared(backend, component)
        yield clips(backend, 'with')
        yield clips(load(cuda_graphs=False), 'without')
    for text in sentences:
        yield note(title, ' '.join(text.split()))


def _compared(backend: Any, component: str) -> Finding:
    """Compare an engine's answers with ONNX Runtime's once more, and time it."""
    tests = backend.tests(component)

    def run(*inputs: Any) -> Any:
        return backend.to_numpy(backend.run(component, *inputs))

    cosine = least_cosine(tests, run)
    milliseconds = _median_ms(lambda: run(*tests[0].inputs))
    return ok(
        component,
        f'cosine {cosine:.5f} with the float32 graph on ONNX Runtime, {milliseconds:.2f} ms '
        f'(median of {ROUNDS}, with the way to the GPU and back)',
    )


def _median_ms(run: Callable[[], Any]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        times.append(1000.0 * (time.perf_counter() - start))
    return statistics.median(times)


@contextlib.contextmanager
def _logged() -> Iterator[dict[str, None]]:
    """Give the sentences that are logged meanwhile: that an engine runs without a CUDA graph."""
    sentences: dict[str, None] = {}

    def keep(record: logging.LogRecord) -> bool:
        if record.name == LOG:  # TensorRT's own words are in another one, and many
            sentences[record.getMessage()] = None
        return False

    logger, handler = logging.getLogger(LOG), logging.Handler()
    handler.addFilter(keep)
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield sentences
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
