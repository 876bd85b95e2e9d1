# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa build-engine`: builds all engines of a checkpoint, on the GPU or ahead of time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from vljepa_ros.errors import ConfigurationError, EngineError
from vljepa_ros.inference.cuda_driver import cuda_driver
from vljepa_ros.inference.tensorrt.build import Capability, capability_member
from vljepa_ros.inference.tensorrt.library import RTX, load_library
from vljepa_ros.inference.tensorrt.plan_cache import Target
from vljepa_ros.inference.tensorrt.plans import Plans, plans_folder
from vljepa_ros.inference.tensorrt.progress import BuildProgress, OnProgress
from vljepa_ros.model.checkpoint_folder import chosen_components, load_config
from vljepa_ros.model.components import COMPONENTS


def run(
    checkpoint: Path,
    *,
    precision: str,
    device: str,
    capabilities: Sequence[str],
    out: Path | None,
) -> int:
    """Build the engines and print how far that is; return the exit status.

    Args:
        checkpoint: its folder.
        precision: 'fp16', 'bf16' or 'fp32'.
        device: 'auto', 'cuda' or 'cuda:N', where no capability is named.
        capabilities: compute capabilities ('8.9') to build for ahead of time, without a GPU.
        out: where the engines are written; None is the folder in which they are looked for.

    Raises:
        CheckpointError: a graph is missing or damaged.
        ConfigurationError: a capability is no number.
        MissingDependencyError: TensorRT is not installed.
        EngineError: there is no GPU, or a build failed.
    """
    wanted = [parse_capability(text) for text in capabilities]
    folder = out or plans_folder()
    began = time.monotonic()
    show = Display()
    try:
        if wanted:
            count = build_ahead_of_time(checkpoint, precision, wanted, folder, show)
        else:
            count = build_here(checkpoint, precision, device, folder, show)
    except KeyboardInterrupt:
        print('\nstopped; the engines that were done are kept')
        return 130
    seconds = time.monotonic() - began
    print(f'{count} engines are in {folder} ({seconds:.0f} s)')
    return 0


def build_here(
    checkpoint: Path,
    precision: str,
    device: str,
    folder: Path,
    on_progress: OnProgress,
    say: Callable[[str], None] = print,
) -> int:
    """Build for the GPU of this machine, and check the engines on it; return how many there are.

    Raises:
        EngineError: there is no GPU, a build failed, or an engine gives wrong answers.
    """
    problem = cuda_driver().problem
    if problem:
        raise EngineError(
            f'There is no GPU to build for: {problem}. Run this on the machine with the GPU; or '
            'name what RTX GPUs to build for ahead of time (pip install tensorrt-rtx): '
            f'vljepa build-engine {checkpoint} --compute-capability 8.9'
        )
    from vljepa_ros.inference.tensorrt.backend import TensorRTBackend

    config = load_config(checkpoint)
    components = chosen_components(checkpoint, config, COMPONENTS)
    backend = TensorRTBackend(
        checkpoint,
        config,
        components,
        precision=precision,
        device=device,
        build=True,
        plans=folder,
        say=say,
        on_progress=on_progress,
    )
    say(f'All answers agree with the float32 graphs, on {backend.info.device}')
    backend.close()
    return len(components)


def build_ahead_of_time(
    checkpoint: Path,
    precision: str,
    capabilities: Sequence[Capability],
    folder: Path,
    on_progress: OnProgress,
) -> int:
    """Build for GPUs that are elsewhere; return how many engines there are.

    Such engines are checked where they are loaded.

    Raises:
        EngineError: a build failed, or an engine cannot be written.
    """
    library = load_library([RTX])
    for capability in capabilities:
        capability_member(library, capability)  # a wrong one is better said before all else
    config = load_config(checkpoint)
    components = chosen_components(checkpoint, config, COMPONENTS)
    for capability in capabilities:
        plans = Plans(
            checkpoint,
            config,
            library=library,
            precision=precision,
            target=Target(capability),
            folder=folder,
            say=print,
        )
        for component in components:
            key = plans.key(component)
            if plans.cache.load(key) is not None:
                print(f'{key.file_name} is there')
            elif not plans.cache.store(key, plans.build(component, on_progress)):
                raise EngineError(f'{plans.cache.path(key)} cannot be written')
            else:
                size = plans.cache.path(key).stat().st_size / 1e6
                major, minor = capability
                print(f'{key.file_name} for compute capability {major}.{minor}: {size:.1f} MB')
    return len(capabilities) * len(components)


def parse_capability(text: str) -> Capability:
    """Return the two numbers of a compute capability.

    Raises:
        ConfigurationError: it has another form than '8.9'.
    """
    major, point, minor = text.partition('.')
    if not (point and major.isdecimal() and minor.isdecimal()):
        raise ConfigurationError(
            f"The compute capability is {text!r}; allowed are two numbers as '8.9'"
        )
    return int(major), int(minor)


class Display:
    """Shows progress in one line of a terminal, elsewhere in a line every ten seconds."""

    def __init__(self) -> None:
        """Begin with nothing shown."""
        self._terminal = sys.stdout.isatty()
        self._shown = time.monotonic()

    def __call__(self, progress: BuildProgress) -> None:
        """Show how far a build is, if it is time to."""
        done = progress.fraction >= 1.0
        now = time.monotonic()
        if not done and now - self._shown < (0.2 if self._terminal else 10.0):
            return
        self._shown = now
        if self._terminal:
            print(f'\r\x1b[K{progress}', end='\n' if done else '', flush=True)
        else:
            print(progress, flush=True)
