# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the measurements of the node have in common: the pipeline, cameras, one that listens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.arrivals import Arrivals
from vljepa_ros.errors import EngineError

if TYPE_CHECKING:
    from vljepa_ros.client import VljepaClient

START_TIMEOUT_S = 180.0  # the first start measures the backends
SIZES = {'640x480': '640x480', '1080p': '1920x1080'}
TRANSPORTS = {'raw': 'raw', 'jpeg': 'compressed'}


@dataclass(frozen=True)
class Setup:
    """What is the same in all measurements.

    Attributes:
        model: checkpoint folder with graphs.
        threads: compute threads; 0 takes one a core.
        folder: for files of this run.
    """

    model: Path
    threads: int
    folder: Path


def up(
    setup: Setup, cameras: Sequence[str], *, rate_hz: float, transport: str = 'raw'
) -> Sequence[str]:
    """Return module and arguments of the pipeline for cameras on the topics `topic_of`."""
    return (
        *('vljepa_ros.cli', 'up', '--model', str(setup.model), '--log-level', 'error'),
        *('--image', ','.join(map(topic_of, cameras)), '--camera', ','.join(cameras)),
        *(() if transport == 'raw' else ('--image-transport', transport)),
        *('--rate-hz', str(rate_hz), '--threads', str(setup.threads)),
    )


def topic_of(camera: str) -> str:
    """Return the image topic of a camera."""
    return f'/{camera}/image_raw'


def source(
    cameras: Sequence[str],
    *,
    size: str,
    transport: str,
    rate_hz: float,
    seconds: float,
    report: Path,
    wait: bool = True,
) -> Sequence[str]:
    """Return module and arguments of a process that plays cameras for some seconds."""
    topics = [part for camera in cameras for part in ('--topic', topic_of(camera))]
    return (
        *('benchmarks.camera_source', *topics, '--size', size, '--transport', transport),
        *('--rate', str(rate_hz), '--count', str(round(seconds * rate_hz))),
        *('--report', str(report), '--wait', str(START_TIMEOUT_S if wait else 0.0)),
    )


def read_report(path: Path) -> dict[str, Any]:
    """Return what a process of `source` published.

    Raises:
        EngineError: it published nothing.
    """
    if not path.is_file():
        raise EngineError('The cameras published nothing; what they wrote is above')
    report: dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
    path.unlink()
    return report


@contextmanager
def listener(namespace: str = '/vljepa') -> Iterator[tuple[VljepaClient, Arrivals]]:
    """Give a client that listens as a planner would, and what it hears."""
    from vljepa_ros.client import VljepaClient

    arrivals = Arrivals()
    with VljepaClient(namespace=namespace, name='benchmark') as client:
        client.on_embedding(arrivals.note)
        yield client, arrivals


def wait_until_active(client: VljepaClient) -> None:
    """Wait for the node perception.

    Raises:
        EngineError: it did not become active.
    """
    if not client.wait_until_active('perception', timeout_s=START_TIMEOUT_S):
        reason = client.diagnostics('perception').get('last_failure', 'it says nothing')
        raise EngineError(f'The node perception did not become active: {reason}')
