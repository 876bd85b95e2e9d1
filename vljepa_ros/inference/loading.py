# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Loads a checkpoint on one of the backends."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from vljepa_ros.errors import ConfigurationError, EngineError, VljepaError
from vljepa_ros.inference.backend import Backend
from vljepa_ros.inference.choices import REFERENCE, allowed, is_gpu, wanted, without_missing
from vljepa_ros.inference.engine import Engine
from vljepa_ros.inference.graph_engine import GraphEngine
from vljepa_ros.inference.selection import Choice, Load, choose, in_words, machine_key
from vljepa_ros.inference.threads import usable_cores
from vljepa_ros.model.checkpoint_folder import chosen_components, load_config, model_id
from vljepa_ros.model.components import COMPONENTS
from vljepa_ros.model.config import ModelConfig
from vljepa_ros.resources import resolve_model


def _log(sentence: str) -> None:
    logging.getLogger('vljepa_ros').info(sentence)


def load_engine(
    model: str | Path,
    *,
    backend: str = 'auto',
    device: str = 'auto',
    precision: str = 'auto',
    threads: int = 0,
    components: Collection[str] = COMPONENTS,
    say: Callable[[str], None] = _log,
) -> Engine:
    """Load a checkpoint.

    Args:
        model: a shipped model's name ('tiny') or a checkpoint folder.
        backend: one of `BACKENDS`; 'auto' takes the fastest of those that are installed, which it
            measures once for a machine and a model. On a GPU it takes TensorRT's engines, if they
            were built (`vljepa build-engine`), else PyTorch.
        device: 'auto', 'cpu', 'cuda' or 'cuda:N'.
        precision: one of `PRECISIONS`; 'auto' is part of that choice.
        threads: compute threads on the CPU; 0 takes one a core.
        components: the networks to load, subset of `COMPONENTS`. The planning heads
            'transition' and 'inverse' are left out where the checkpoint has none.
        say: is told in a sentence what was chosen, and what was left out and why.

    Raises:
        ResourceNotFoundError: no such model.
        CheckpointError: the checkpoint is incomplete, damaged or foreign.
        ConfigurationError: unknown backend, device, precision or component.
        MissingDependencyError: a library is missing; the message names the command.
        EngineError: no backend can run it.
    """
    on_gpu = is_gpu(device)
    if device == 'auto' and not allowed(backend, precision, on_gpu=True):
        on_gpu = False  # what was asked for runs on the processor only
    choices = wanted(backend, precision, on_gpu=on_gpu)
    if threads < 0:
        raise ConfigurationError(f'threads is {threads}; allowed is 0 (automatic) or more')
    folder = resolve_model(model)
    config = load_config(folder)
    chosen = chosen_components(folder, config, components)
    count = threads or usable_cores()
    identity = model_id(folder, config)  # reads all weights, so it is worked out once

    def load_on(where: str) -> Load:
        return lambda choice, names: load_backend(
            choice, folder, config, names, device=where, threads=count, say=say
        )

    runs = None
    if on_gpu:
        on_cpu = allowed(backend, precision, on_gpu=False) if device == 'auto' else []
        load = load_on('cuda' if device == 'auto' else device)
        runs = _first_that_loads(choices, load, chosen, may_fail=bool(on_cpu), say=say)
        choices = on_cpu
    if runs is None:
        load = load_on('cpu')
        # Graphs that were written since may be faster than what was measured.
        graphs = sorted(path.name for path in folder.glob('*.onnx'))
        if precision == 'auto':
            choices = without_missing(choices, folder)
        key = machine_key(' '.join((identity, *graphs)), threads=count)
        best = _chosen(choices, load, config, key=key, say=say)
        order = [best, *(choice for choice in choices if choice != best)]
        runs = _load_on_cpu(order, load, chosen, say=say)
    try:
        return GraphEngine(folder, config, runs, model_id=identity, components=chosen)
    except BaseException:
        runs.close()
        raise


def identity_of(model: str) -> str:
    """Return the `model_id` of a model without loading it.

    Args:
        model: its name, or the path of a checkpoint folder.

    Raises:
        VljepaError: there is none, or it is damaged.
    """
    folder = resolve_model(model)
    return model_id(folder, load_config(folder))


def _first_that_loads(
    choices: Sequence[Choice],
    load: Load,
    components: tuple[str, ...],
    *,
    may_fail: bool,
    say: Callable[[str], None],
) -> Backend | None:
    """Load the components on the first choice that takes them all.

    Returns:
        None where there is none; without `may_fail` that is the last one's error.
    """
    for choice in choices:
        try:
            return load(choice, components)
        except VljepaError as error:
            if choice == choices[-1] and not may_fail:
                raise
            say(f'On the GPU {choice} does not run the model: {error}')
    return None


def _load_on_cpu(
    choices: Sequence[Choice],
    load: Load,
    components: tuple[str, ...],
    *,
    say: Callable[[str], None],
) -> Backend:
    """Load the components on the first choice that takes them all.

    What was measured, or remembered, says little of the components that no clip needs.

    Raises:
        VljepaError: the only choice does not.
        EngineError: none of them does.
    """
    problems = []
    for choice in choices:
        try:
            loaded = load(choice, components)
        except VljepaError as error:
            if len(choices) == 1:
                raise
            problems.append(f'{choice}: {error}')
            continue
        if problems:
            say(f'{choice} runs the model. Left out: {in_words(problems)}')
        return loaded
    raise EngineError(f'No backend can run the model: {in_words(problems)}')


def _chosen(
    choices: Sequence[Choice],
    load: Load,
    config: ModelConfig,
    *,
    key: str,
    say: Callable[[str], None],
) -> Choice:
    """Return the fastest choice on the processor, the reference where no other one loads."""
    if len(choices) == 1:
        return choices[0]
    try:
        measured = [item for item in choices if item != REFERENCE]
        return choose(measured, load, config, key=key, say=say)
    except EngineError as error:
        if REFERENCE not in choices:
            raise
        say(f'PyTorch runs the model. {error}')
        return REFERENCE


def load_backend(
    choice: Choice,
    folder: Path,
    config: ModelConfig,
    components: tuple[str, ...],
    *,
    device: str,
    threads: int,
    say: Callable[[str], None] = _log,
) -> Backend:
    """Load the graphs of a checkpoint on a backend; arguments and errors as in `load_engine`."""
    precision = choice.precision
    # A backend's module imports its heavy library, so it is imported when it is chosen.
    with _errors_of(choice):
        if choice.backend == 'torch':
            from vljepa_ros.inference.torch_backend import TorchBackend

            return TorchBackend(folder, components, device=device, threads=threads)
        if choice.backend == 'openvino':
            from vljepa_ros.inference.openvino_backend import OpenVINOBackend

            return OpenVINOBackend(
                folder, config, components, precision=precision, threads=threads
            )
        if choice.backend == 'tensorrt':
            from vljepa_ros.inference.tensorrt.backend import TensorRTBackend

            return TensorRTBackend(
                folder, config, components, precision=precision, device=device, say=say
            )
        from vljepa_ros.inference.onnxruntime_backend import OnnxRuntimeBackend

        return OnnxRuntimeBackend(folder, config, components, precision=precision, threads=threads)


@contextlib.contextmanager
def _errors_of(choice: Choice) -> Iterator[None]:
    """Turn whatever a library raises that is installed by half into an error of ours."""
    try:
        yield
    except VljepaError:
        raise
    except Exception as error:
        raise EngineError(
            f'The backend {choice} cannot be loaded ({type(error).__name__}: {error}). Install '
            'its library again, or use another backend'
        ) from error
