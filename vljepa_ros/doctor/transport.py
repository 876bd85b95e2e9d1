# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether large images arrive between processes, tried out; and the sockets' buffers."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from vljepa_ros.doctor.child import in_child
from vljepa_ros.doctor.findings import Finding, Level, note, ok, sentence, warn
from vljepa_ros.doctor.libraries import is_there, skipped
from vljepa_ros.errors import VljepaError
from vljepa_ros.launch_arguments import TRANSPORT_VARIABLE, missing_environment

RANGE = 'ROS_AUTOMATIC_DISCOVERY_RANGE'
OWN = 'Large images between the nodes'
OTHERS = 'Large images from other programs'
BUFFERS = 'Socket buffers'
RECEIVE_BUFFER = Path('/proc/sys/net/core/rmem_max')
LEAST_BUFFER = 4 << 20  # bytes; what the nodes ask for
ENOUGH = 0.9  # share of the images; best effort may lose some
TIMEOUT_S = 11.0  # of both tries
LEAST_S = 3.0  # of the second one
KILLED_AFTER_S = 30.0  # where something hangs
RAISE_BUFFER = 'sudo sysctl -w net.core.rmem_max=2147483647 (and write it to /etc/sysctl.d)'


def images() -> Iterator[Finding]:
    """Send images from process to process: as the nodes do, and as a camera driver does."""
    if not is_there('rclpy'):
        yield skipped(OWN, 'it needs ROS 2')
        return
    wanted = missing_environment()
    yield from in_child(
        OWN, try_images, list(wanted), timeout_s=KILLED_AFTER_S, environment=wanted
    )


def try_images(names: list[str]) -> Iterator[Finding]:
    """Receive images of two processes; runs in a child process with the nodes' environment.

    Args:
        names: variables of the nodes' environment that the user has not set.
    """
    end_s = time.monotonic() + TIMEOUT_S
    chosen = TRANSPORT_VARIABLE not in names
    finding = _received(
        OWN, dict(os.environ), _advice(chosen=chosen), end_s=end_s, lost=Level.FAIL
    )
    yield finding
    from_rmw = 'fastrtps' in finding.text  # the variable means nothing to other middleware
    if finding.level is Level.OK and from_rmw and not chosen:
        environment = {name: value for name, value in os.environ.items() if name not in names}
        everywhere = (
            "Start the camera's driver, and whatever else speaks to the nodes, with: export "
            f"{TRANSPORT_VARIABLE}='{os.environ[TRANSPORT_VARIABLE]}'"
        )
        yield _received(OTHERS, environment, everywhere, end_s=end_s, lost=Level.WARN)


def _advice(*, chosen: bool) -> str:
    """Return what to do where the nodes' own images get lost."""
    if os.environ.get(RANGE) == 'LOCALHOST':
        return f'unset {RANGE}: with LOCALHOST Fast DDS does not heed {TRANSPORT_VARIABLE}'
    without = f'Try without the {TRANSPORT_VARIABLE} that you have set, or ' if chosen else 'Try '
    return (
        f'{without}with larger buffers: {RAISE_BUFFER}; for Cyclone DDS its '
        'SocketReceiveBufferSize, too'
    )


def _received(
    title: str, environment: dict[str, str], advice: str, *, end_s: float, lost: Level
) -> Finding:
    """Receive images of a process with an environment; `lost` is the level if none arrives."""
    try:
        from vljepa_ros.nodes import transport_check as check
    except VljepaError as error:  # no messages and services
        return skipped(title, sentence(error))
    try:
        left_s = end_s - time.monotonic()
        found = check.receive(environment=environment, timeout_s=max(LEAST_S, left_s))
    except VljepaError as error:
        own = 'Look at ROS_DOMAIN_ID and discovery above'
        return Finding(lost, title, sentence(error), own if lost is Level.FAIL else advice)
    if not found.sent:
        return skipped(title, 'this machine is too busy now, no image was sent in time')
    arrived = len(found.latencies_ms)
    text = (
        f'{arrived} of {found.sent} images of {check.WIDTH}×{check.HEIGHT} arrived over '
        f'{check.middleware()}'
    )
    if arrived:
        text += f', {found.median_ms:.0f} ms after they were sent (median)'
    if arrived >= ENOUGH * found.sent:
        return ok(title, text)
    if arrived:
        return warn(title, f'{text}. A busy machine loses some, too', advice)
    return Finding(lost, title, text, advice)


def buffers() -> Iterator[Finding]:
    """Look at how much of a message the system keeps for a process that is busy."""
    try:
        size = int(RECEIVE_BUFFER.read_text())
    except (OSError, ValueError):
        yield skipped(BUFFERS, f'there is no {RECEIVE_BUFFER}')
        return
    text = f'net.core.rmem_max is {size / (1 << 20):.1f} MiB'
    if size < LEAST_BUFFER:
        yield note(BUFFERS, f'{text}: large images of other machines may get lost', RAISE_BUFFER)
    else:
        yield ok(BUFFERS, text)
