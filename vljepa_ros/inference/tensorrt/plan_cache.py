# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Keeps built engines: a plan is loaded only by what it was built with, from and for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from vljepa_ros.inference.cuda_driver import Gpu
from vljepa_ros.inference.sealed_file import digest_of, read_sealed, write_sealed
from vljepa_ros.inference.tensorrt.build import Capability
from vljepa_ros.inference.tensorrt.library import Library
from vljepa_ros.inference.tensorrt.ranges import Range

MOST_PLANS = 8  # of a network
SUFFIX = '.plan'


@dataclass(frozen=True)
class Target:
    """What a plan is for: a GPU, or all GPUs of a compute capability."""

    capability: Capability
    gpu: Gpu | None = None

    @property
    def name_and_capability(self) -> tuple[str, int, int]:
        """Return what counts: a GPU's number does not."""
        return (self.gpu.name if self.gpu else '', *self.capability)


@dataclass(frozen=True)
class PlanKey:
    """What a plan is kept under: its network, its precision, and all else as one digest."""

    component: str
    precision: str
    digest: str

    @property
    def file_name(self) -> str:
        """Return the name of its file."""
        return f'{self.component}.{self.precision}.{self.digest[:16]}{SUFFIX}'


def plan_key(
    component: str,
    precision: str,
    *,
    sources: Mapping[str, str],
    library: Library,
    target: Target,
    ranges: Mapping[str, Range],
    options: Mapping[str, object],
) -> PlanKey:
    """Return the key of a plan.

    Args:
        component: the network.
        precision: of the graph.
        sources: SHA-256 of the graph's file, and of the file of weights that it refers to.
        library: what builds and runs it.
        target: what it is for.
        ranges: of the dimensions that calls choose.
        options: all else that the build was told.
    """
    parts = {
        'sources': dict(sources),
        'library': [library.distribution, library.version],
        'gpu': list(target.name_and_capability),
        'precision': precision,
        'ranges': {size: asdict(sizes) for size, sizes in ranges.items()},
        'options': dict(options),
    }
    return PlanKey(component, precision, digest_of(parts))


class PlanCache:
    """A folder of plans."""

    def __init__(
        self, folder: Path, *, say: Callable[[str], None], most: int | None = MOST_PLANS
    ) -> None:
        """Take a folder, which need not exist.

        Args:
            folder: of this user.
            say: is told, once, where it cannot be written.
            most: plans of a network that are kept; None keeps all.
        """
        self._folder, self._say, self._most = folder, say, most
        self._complained = False

    def path(self, key: PlanKey) -> Path:
        """Return where a plan lies or would lie."""
        return self._folder / key.file_name

    def load(self, key: PlanKey) -> bytes | None:
        """Return a plan; None where there is none, or its file is damaged or another one's."""
        plan = read_sealed(self.path(key), key.digest)
        if plan is not None:
            _touch(self.path(key))
        return plan

    def store(self, key: PlanKey, plan: bytes) -> bool:
        """Keep a plan, and drop those of the network that were not used for longest.

        Returns:
            Whether it was kept: without that the engine is built again at the next start.
        """
        try:
            write_sealed(self.path(key), key.digest, plan)
        except OSError as error:
            if not self._complained:
                self._say(
                    f'Built engines cannot be kept, so they are built at each start: {error}. '
                    f'Make room in {self._folder} or make it writable, or set VLJEPA_CACHE'
                )
            self._complained = True
            return False
        self._bound(key)
        return True

    def remove(self, key: PlanKey) -> None:
        """Drop a plan that turned out to be wrong."""
        _unlink(self.path(key))

    def _bound(self, key: PlanKey) -> None:
        if self._most is None:
            return
        plans = [
            path for path in self._folder.glob(f'{key.component}.*{SUFFIX}') if path.is_file()
        ]
        plans.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        others = [path for path in plans if path != self.path(key)]
        for path in others[self._most - 1 :]:
            _unlink(path)


def _touch(path: Path) -> None:
    """Note that a file was used; in a folder that cannot be written nothing is dropped either."""
    try:
        os.utime(path)
    except OSError:
        return


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # its content is judged again before it is used
