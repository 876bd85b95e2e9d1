# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Readers on a Ray cluster: actors, each with an engine of its own."""

from __future__ import annotations

import contextlib
import logging
import socket
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from vljepa_ros.errors import ConfigurationError, MissingDependencyError
from vljepa_ros.indexing.local_readers import parts_of
from vljepa_ros.indexing.reader import Part, Reader, ReaderOptions
from vljepa_ros.indexing.sources import Source

try:
    import ray
except ImportError as error:
    raise MissingDependencyError(
        f'--ray needs the library ray, which cannot be imported ({error}). Install it with: '
        f'{sys.executable} -m pip install ray'
    ) from error

CONNECT_S = 10.0


def read_on_cluster(
    sources: Sequence[Source], options: ReaderOptions, *, address: str, jobs: int
) -> Iterator[tuple[Source, Part]]:
    """Read recordings side by side; yield what comes, the last part of each included.

    A recording that cannot be read, or whose node is lost, fails alone.

    Args:
        sources: the recordings, at the same paths on every node.
        options: how they are read.
        address: of the cluster, as `ray.init` takes it.
        jobs: actors at most; 0 for as many as the cluster has processors for.

    Raises:
        ConfigurationError: there is no cluster, or it has too few processors.
    """
    with _cluster(address):
        needs = {'num_cpus': options.threads, 'num_gpus': int(options.device.startswith('cuda'))}
        count = min(len(sources), jobs or _places(address, needs))
        actor: Any = ray.remote(**needs)(_Actor)  # type: ignore[call-overload]
        idle = [actor.remote(options) for _ in range(count)]
        left = deque(sources)
        busy: dict[Any, tuple[Any, Source]] = {}
        while left or busy:
            while left and idle:
                reader, source = idle.pop(), left.popleft()
                busy[reader.read.options(num_returns='streaming').remote(source)] = reader, source
            for stream in ray.wait(list(busy), num_returns=1)[0]:
                reader, source = busy[stream]
                part, is_lost = _next_part(stream)
                if part.is_last:
                    del busy[stream]
                    idle.append(actor.remote(options) if is_lost else reader)
                yield source, part


class _Actor:
    """A reader on a node of the cluster."""

    def __init__(self, options: ReaderOptions) -> None:
        self._reader = Reader(options)

    def read(self, source: Source) -> Iterator[Part]:
        """Yield the parts of a recording."""
        yield from parts_of(self._reader, source)


@contextlib.contextmanager
def _cluster(address: str) -> Iterator[None]:
    try:
        _reach(address)
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigurationError(
            f'There is no Ray cluster at {address!r}: {str(error).strip()}. Give the address of '
            "`ray start --head`, or 'auto' on one of its nodes"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _reach(address: str) -> None:
    """Raise OSError if nobody listens at an address: Ray would try for minutes."""
    host, _, port = address.removeprefix('ray://').rpartition(':')
    if port.isdecimal():
        with socket.create_connection((host.strip('[]'), int(port)), CONNECT_S):
            pass


def _places(address: str, needs: dict[str, int]) -> int:
    """Return how many actors the cluster can hold."""
    has = ray.cluster_resources()
    names = {'num_cpus': 'CPU', 'num_gpus': 'GPU'}
    places = min(int(has.get(names[name], 0) // count) for name, count in needs.items() if count)
    if not places:
        raise ConfigurationError(
            f'The Ray cluster at {address!r} has {has.get("CPU", 0):g} processors and '
            f'{has.get("GPU", 0):g} GPUs; a reader needs {needs}'
        )
    return places


def _next_part(stream: Any) -> tuple[Part, bool]:
    """Return the next part, and whether the actor is lost."""
    try:
        return ray.get(next(stream)), False
    except ray.exceptions.RayError as error:
        sentence = ' '.join(str(error).split())
        return Part(is_last=True, failure=f'Its reader is lost: {sentence}'), True
